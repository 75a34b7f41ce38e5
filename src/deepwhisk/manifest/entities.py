"""What a server keeps, as values: packages, actions, sequences, triggers and rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COLLECTIONS = {
    "package": "packages",
    "action": "actions",
    "sequence": "actions",
    "trigger": "triggers",
    "rule": "rules",
}  # in the order in which they are made


@dataclass(frozen=True, slots=True)
class Feed:
    """The action that makes a trigger fire, and what it is told."""

    name: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entity:
    """One thing that a server keeps; `body` is what is PUT under its name."""

    kind: str
    name: str
    body: Mapping[str, Any]
    feed: Feed | None = None

    @property
    def collection(self) -> str:
        return COLLECTIONS[self.kind]


@dataclass(frozen=True, slots=True)
class Manifest:
    """All entities of a manifest, and the name and hash under which a server knows them as its own."""

    project: str
    hash: str
    entities: tuple[Entity, ...]
    unset: tuple[str, ...] = ()  # names of the environment that it uses and that have no value
