"""One change of a plan: a value, so that a plan can be shown, counted and tested before anything happens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from deepwhisk.deploy.feeding import FeedCall
from deepwhisk.manifest import COLLECTIONS, Api

Verb = Literal["create", "update", "delete", "keep"]


@dataclass(frozen=True, slots=True)
class Field:
    """One difference, fit to be shown: no secrets, no whole files."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one thing. `body` is what is sent; `fields` says what an update changes.

    A route of the gateway has the kind `api`; its `api` is None when `body` is a whole swagger document.
    """

    verb: Verb
    kind: str
    name: str
    fields: tuple[Field, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    feed: tuple[FeedCall, ...] = ()
    api: Api | None = None
    note: str = ""  # a sentence for who deploys

    @property
    def collection(self) -> str:
        return COLLECTIONS[self.kind]

    def __str__(self) -> str:
        return f"{self.verb} {self.kind} {self.name}"
