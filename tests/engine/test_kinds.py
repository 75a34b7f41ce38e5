"""Which kinds an engine takes, and what it says of the others."""

from pathlib import Path

import pytest

from deepwhisk.engine.kinds import BLACKBOX, NODEJS, PYTHON, SEQUENCE, Kinds
from deepwhisk.engine.problems import Problem
from fixtures.engine import a_whisk

HERE = Kinds.here(node=True)
WITHOUT = Kinds.here(node=False)


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("python:3", PYTHON),
        ("python:default", PYTHON),
        (" Python:3.11 ", "python:3.11"),
        ("nodejs:20", NODEJS),
        ("nodejs:default", NODEJS),
        ("sequence", SEQUENCE),
        ("blackbox", BLACKBOX),
    ],
)
def test_a_kind_is_kept_as_what_it_stands_for(asked: str, kept: str) -> None:
    assert HERE.resolve(asked) == kept


@pytest.mark.parametrize("asked", ["cobol:74", "cobol:default", "python:2", "nodejs:6", "nodejs", ""])
def test_an_unknown_kind_is_refused_with_those_there_are(asked: str) -> None:
    with pytest.raises(Problem) as refused:
        HERE.resolve(asked)

    assert refused.value.status == 400
    assert refused.value.message == (
        f"The request content was malformed:\nThe specified runtime '{asked}' is not supported "
        "by this platform. Valid values are: 'python:3', 'python:3.11', 'nodejs:20', 'sequence', 'blackbox'."
    )


@pytest.mark.parametrize("asked", ["nodejs:20", "nodejs:default"])
def test_without_node_its_kind_is_refused_with_what_to_do(asked: str) -> None:
    with pytest.raises(
        Problem, match=r"(?s)not supported by this platform.*install it, so that PATH finds node"
    ):
        WITHOUT.resolve(asked)


@pytest.mark.parametrize("asked", ["cobol:74", "nodejs:6"])
def test_node_is_not_mentioned_where_it_would_not_help(asked: str) -> None:
    with pytest.raises(Problem) as refused:
        WITHOUT.resolve(asked)

    assert refused.value.message.endswith("'sequence', 'blackbox'.")


def test_the_table_lists_what_can_run() -> None:
    assert set(WITHOUT.runtimes()) == {"python"}
    assert HERE.runtimes()["nodejs"] == [
        {
            "kind": "nodejs:20",
            "image": "deepwhisk/runtime-nodejs",
            "default": True,
            "deprecated": False,
            "attached": True,
            "requireMain": False,
        }
    ]


async def test_an_action_put_while_node_was_there_says_what_it_wants(tmp_path: Path) -> None:
    async with a_whisk(tmp_path / "state", kinds=HERE) as whisk:
        await whisk.api.make("js", "function main() {}", exec={"kind": "nodejs:default"})
        shown = (await whisk.api("GET", "/")).json["runtimes"]
    async with a_whisk(tmp_path / "state") as whisk:
        answer = await whisk.api("POST", "actions/js")
        assert (await whisk.api("GET", "actions/js")).json["exec"]["kind"] == "nodejs:20"
        assert set((await whisk.api("GET", "/")).json["runtimes"]) == {"python"}

    assert set(shown) == {"python", "nodejs"}
    assert answer.status == 400
    assert "runtime is no longer supported" in answer.error
    assert "install it, so that PATH finds node" in answer.error
