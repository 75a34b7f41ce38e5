"""What docs/feeds.md says of alarms is true: its commands and its trigger make alarms."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from deepwhisk.feeds.alarms.alarm import TAKEN, Alarm
from deepwhisk.feeds.alarms.schedule import SHORTHANDS
from deepwhisk.project import read_project

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "feeds.md").read_text(encoding="utf-8").partition("# Alarms\n")[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NOW = 1_800_000_000.0


def block(language: str) -> str:
    return next(text for found, text in BLOCK.findall(PAGE) if found == language)


def value(text: str) -> Any:
    """A parameter as `wsk` reads it."""
    try:
        return json.loads(text)
    except ValueError:
        return text


@pytest.mark.parametrize("line", [line for line in block("sh").splitlines() if "--feed" in line])
def test_each_command_makes_an_alarm(line: str) -> None:
    words = shlex.split(line)
    feed = words[words.index("--feed") + 1]
    places = [place for place, word in enumerate(words) if word == "-p"]
    given = {words[place + 1]: value(words[place + 2]) for place in places}

    made = Alarm("guest", words[3], "key", feed.removeprefix("/whisk.system/alarms/")).made(given, NOW)

    assert made.after(NOW, 0) is not None
    assert set(given) <= {*TAKEN[made.feed], "trigger_payload"}


def test_the_trigger_of_a_project_makes_an_alarm_that_calls_a_model() -> None:
    trigger = yaml.safe_load(block("yaml"))
    models = {f"models/{model.name}" for model in read_project(ROOT).models}

    made = Alarm("guest", "t", "key", "alarm").made(trigger["inputs"], NOW)

    assert trigger["feed"] == "/whisk.system/alarms/alarm"
    assert set(trigger["rules"].values()) <= models
    assert made.settings["payload"] == {"text": "Wer reitet so spät?"}


def test_every_parameter_and_shorthand_is_described() -> None:
    table = set(re.findall(r"`([@\w]+)`", PAGE))

    assert {name for taken in TAKEN.values() for name in taken} <= table
    assert set(SHORTHANDS) - {"@annually", "@midnight"} <= table
