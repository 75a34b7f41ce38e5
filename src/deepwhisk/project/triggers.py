"""The files of triggers/: a trigger each, with its feed, its parameters and its rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepwhisk.grammar import TEXT, TRIGGER, Each, Keys
from deepwhisk.project.files import settings

TRIGGER_FILE = Keys(
    "a trigger",
    {key: TRIGGER.rules[key] for key in ("feed", "inputs", "description", "annotations")}
    | {"rules": Each(TEXT)},
)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A file of triggers/, or a trigger that a model brings; `rules` maps a rule's name to its action."""

    name: str
    settings: Mapping[str, Any]
    rules: Mapping[str, str]


def read_trigger(path: Path, project: Path) -> Trigger:
    """What a file says. Raises ProjectError for a key that it cannot have."""
    found = settings(path, project, TRIGGER_FILE)
    rules = found.pop("rules", {})
    return Trigger(path.stem, found, rules)
