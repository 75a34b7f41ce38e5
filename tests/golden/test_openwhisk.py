"""Requests whose answers an Apache OpenWhisk recorded get the same answers here."""

import json
from itertools import groupby
from typing import Any

import pytest

from fixtures.engine import Engine, wait_until
from golden.accepted import DATA, judge, unknown
from golden.compare import Answer, comparable, differences
from golden.player import Player, overtaken

STEPS = [json.loads(line) for line in (DATA / "openwhisk.jsonl").read_text(encoding="utf-8").splitlines()]
GROUPS = {name: list(steps) for name, steps in groupby(STEPS, lambda step: str(step["group"]))}


def recorded(step: dict[str, Any]) -> Answer:
    answer = step["answer"]
    content = next((answer[form] for form in ("json", "text", "b64") if form in answer), None)
    return Answer(answer["status"], [(name, value) for name, value in answer["headers"]], content)


def played(player: Player, step: dict[str, Any]) -> list[str] | None:
    """How the answer differs from the recorded one, if there is one."""
    if "answer" not in step:
        player.play(step)
        return None
    then, loose = recorded(step), step.get("loose", ())
    here = wait_until(lambda: (answer := player.play(step)) and not overtaken(answer, then) and answer)
    return list(differences(comparable(then, loose), comparable(here, loose)))


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_of_requests_is_answered_as_recorded(group: str, openwhisk: Engine) -> None:
    player = Player(openwhisk)
    player.clear()
    found = {step.get("id", ""): played(player, step) for step in GROUPS[group]}
    player.clear()

    answered = {answer: lines for answer, lines in found.items() if lines is not None}
    assert "\n".join(judge("openwhisk", answered, player.runtimes())) == ""


def test_every_accepted_difference_is_of_an_answer_there_is() -> None:
    assert unknown("openwhisk", [step["id"] for step in STEPS if "answer" in step]) == []
