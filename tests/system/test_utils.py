"""The actions of `whisk.system/utils`, as functions."""

import re
from typing import Any

import pytest

from deepwhisk.system import PACKAGES, utils
from deepwhisk.system.action import SystemAction
from deepwhisk.system.utils import cat, date, echo, sort, split


@pytest.mark.parametrize("action", utils.ACTIONS, ids=lambda action: action.name)
def test_a_sample_is_true(action: SystemAction) -> None:
    given, gives = action.module.SAMPLE

    found = action.module.main(dict(given))

    assert found.keys() == gives.keys()
    assert action.name == "date" or found == gives


def test_the_names_are_those_of_the_catalog() -> None:
    assert [action.name for action in utils.ACTIONS] == ["cat", "date", "echo", "sort", "split"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_an_action_is_python_that_stands_alone(package: Any) -> None:
    for name, body in package.bodies().items():
        space: dict[str, Any] = {}
        exec(body["exec"]["code"], space)
        assert callable(space["main"]), name
        assert "deepwhisk" not in body["exec"]["code"]


def test_echo_gives_what_it_got() -> None:
    assert echo.main({"a": [1, {"b": None}]}) == {"a": [1, {"b": None}]}


def test_the_date_is_text_in_utc() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", date.main({})["date"])


@pytest.mark.parametrize(
    ("given", "payload"), [(["a", "b"], "a\nb"), ([], ""), (["a", 1], "a\n1"), (["ä\n", ""], "ä\n\n")]
)
def test_cat_joins_lines(given: list[Any], payload: str) -> None:
    assert cat.main({"lines": given}) == {"lines": given, "payload": payload}


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ({"payload": "a\nb\r\nc"}, ["a", "b", "c"]),
        ({"payload": "a,b", "separator": ","}, ["a", "b"]),
        ({"payload": "a.b", "separator": "."}, ["a", "b"]),
        ({"payload": "a b\n", "separator": ""}, ["a b", ""]),
        ({"payload": ""}, [""]),
        ({"payload": 12}, ["12"]),
    ],
)
def test_split_gives_lines(given: dict[str, Any], lines: list[str]) -> None:
    assert split.main(given) == {"lines": lines, "payload": given["payload"]}


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ({"lines": ["b", "a", "C"]}, ["C", "a", "b"]),
        ({"lines": "b\na"}, ["a", "b"]),
        ({"lines": "b;a", "separator": ";"}, ["a", "b"]),
        ({"lines": ["b", 10, 9]}, [10, 9, "b"]),
        ({}, []),
    ],
)
def test_sort_puts_lines_in_order_and_counts_them(given: dict[str, Any], lines: list[Any]) -> None:
    assert sort.main(given) == {"lines": lines, "length": len(lines)}


@pytest.mark.parametrize(
    ("action", "given", "named"),
    [(cat, {"lines": "text"}, "lines"), (sort, {"lines": 1}, "lines"), (split, {}, "payload")],
)
def test_what_an_action_cannot_take_is_an_error(action: Any, given: dict[str, Any], named: str) -> None:
    assert named in action.main(given)["error"]
