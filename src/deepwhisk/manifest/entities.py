"""What a server keeps, as values: packages, actions, sequences, triggers, rules and routes of its gateway."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    line: int = field(default=0, compare=False)  # of the manifest; 0 where nobody knows

    @property
    def collection(self) -> str:
        return COLLECTIONS[self.kind]


@dataclass(frozen=True, slots=True)
class Api:
    """A route of the gateway: which web action answers when a path is called with a method."""

    title: str
    base: str  # "/base"
    path: str  # "/users/{id}"
    method: str  # "get", "post", "put", "delete"
    action: str  # "p/a", or "a" without a package
    response: str = "json"  # the extension under which the web action is called
    where: str = field(default="", compare=False)  # file and line, for errors


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a manifest says that it is to be deployed; empty where it does not say."""

    apihost: str = ""
    auth: str = ""
    namespace: str = ""
    gateway_token: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """All entities of a manifest, and the name and hash under which a server knows them as its own.

    `dependencies` are manifests of other projects: they are deployed before, under their own names.
    """

    project: str
    hash: str
    entities: tuple[Entity, ...]
    unset: tuple[str, ...] = ()  # names of the environment that it uses and that have no value
    apis: tuple[Api, ...] = ()
    swagger: str = ""  # the text of a file that describes the routes, where the manifest names one
    dependencies: tuple["Manifest", ...] = ()
    endpoint: Endpoint = Endpoint()
    warnings: tuple[str, ...] = field(default=(), compare=False)  # on what was read and is not deployed
    file: str = field(default="manifest.yaml", compare=False)
