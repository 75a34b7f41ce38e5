"""When a training is promoted."""

import pytest

from deepwhisk.batch.versions.rule import ARRIVAL, numbers, of, parse
from deepwhisk.errors import TrainingError


@pytest.mark.parametrize(
    ("text", "metrics", "current", "holds"),
    [
        ("on arrival", {}, {}, True),
        ("by hand", {"accuracy": 1.0}, {}, False),
        ("when accuracy >= current", {"accuracy": 0.9}, {"accuracy": 0.9}, True),
        ("when accuracy > current", {"accuracy": 0.9}, {"accuracy": 0.9}, False),
        ("when accuracy >= current", {"accuracy": 0.8}, {"accuracy": 0.9}, False),
        ("when accuracy >= current", {"accuracy": 0.1}, {}, True),
        ("when accuracy >= current", {"loss": 0.1}, {}, False),
        ("when loss < 0.5", {"loss": 0.4}, {}, True),
        ("when loss<=1e-3", {"loss": 0.4}, {}, False),
        ("when accuracy >= current and loss < 0.5", {"accuracy": 0.9, "loss": 0.6}, {}, False),
        ("when  accuracy >= current  and loss < 0.5 ", {"accuracy": 0.9, "loss": 0.4}, {}, True),
        ("when val.top-1 >= 0.5", {"val.top-1": 0.5}, {}, True),
    ],
)
def test_a_rule_compares_the_last_metrics(
    text: str, metrics: dict[str, float], current: dict[str, float], holds: bool
) -> None:
    assert (parse(text).refusal(metrics, current) == "") is holds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "always",
        "when",
        "when accuracy",
        "when accuracy >= ",
        "when accuracy == 1",
        "when accuracy >= nan",
        "when accuracy >= __import__('os')",
        "when accuracy >= current or loss < 1",
        "when accuracy >= current and",
        "when " + " and ".join(["a > 1"] * 100),
    ],
)
def test_what_is_no_rule_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(TrainingError, match="when accuracy >= current"):
        parse(text)


def test_a_refusal_says_the_numbers() -> None:
    said = parse("when accuracy >= current").refusal({"accuracy": 0.8}, {"accuracy": 0.9})
    assert said == "its accuracy of 0.8 is not >= 0.9 of what serves now"


def test_metadata_that_says_nothing_means_on_arrival() -> None:
    assert of({}) == of({"resources": {"training": {"cpu": 1}}}) == ARRIVAL
    assert of({"resources": {"training": {"promote": "by  hand"}}}) == "by hand"


def test_only_finite_numbers_can_be_compared() -> None:
    assert numbers({"a": 1, "b": 0.5, "c": "1", "d": True, "e": float("nan"), "f": None}) == {
        "a": 1,
        "b": 0.5,
    }
    assert numbers([1]) == {}


def test_whoever_asks_promotes_by_hand() -> None:
    rule = parse("by hand")

    assert rule.refusal({}, {}) == "it is promoted by hand"
    assert rule.refusal({}, {}, hand=True) == ""
