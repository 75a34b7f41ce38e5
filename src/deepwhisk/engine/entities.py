"""Actions, packages, triggers and rules: what they hold, and their form in JSON.

All are immutable; an update is another value. Entities of one namespace share one space of ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from deepwhisk.engine.kinds import SEQUENCE
from deepwhisk.engine.limits import ActionLimits
from deepwhisk.engine.names import Name
from deepwhisk.engine.parameters import Parameters, annotations_json, parameters_json

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """What the four have in common."""

    collection: ClassVar[str]
    name: Name
    version: str = "0.0.1"
    publish: bool = False
    updated: int = 0
    annotations: Mapping[str, Any] = field(default_factory=dict)

    def common(self) -> Json:
        return {
            "namespace": self.name.path,
            "name": self.name.name,
            "version": self.version,
            "publish": self.publish,
            "annotations": annotations_json(self.annotations),
            "updated": self.updated,
        }

    def listed(self) -> Json:
        """The form in a list, which says less."""
        return self.common()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exec:
    """What an action runs; its code is kept apart, since it may be large."""

    kind: str
    binary: bool = False
    main: str | None = None
    image: str | None = None
    has_code: bool = True
    components: tuple[Name, ...] = ()

    def as_json(self, code: str | None = None) -> Json:
        if self.kind == SEQUENCE:
            return {"kind": self.kind, "components": [f"/{name.id}" for name in self.components]}
        shown: Json = {"kind": self.kind, "binary": self.binary}
        if code is not None and self.has_code:
            shown["code"] = code
        if self.image is not None:
            shown["image"] = self.image
        if self.main is not None:
            shown["main"] = self.main
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(Entity):
    collection: ClassVar[str] = "actions"
    exec: Exec
    parameters: Parameters = field(default_factory=dict)
    limits: ActionLimits = field(default_factory=ActionLimits)
    revision: str = ""  # another one at every PUT, also of a name that was deleted before

    @property
    def is_sequence(self) -> bool:
        return self.exec.kind == SEQUENCE

    def as_json(self, code: str | None = None, parameters: Parameters | None = None) -> Json:
        return {
            **self.common(),
            "exec": self.exec.as_json(code),
            "parameters": parameters_json(self.parameters if parameters is None else parameters),
            "limits": self.limits.as_json(),
        }

    def listed(self) -> Json:
        return {**self.common(), "limits": self.limits.as_json(), "exec": {"binary": self.exec.binary}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Package(Entity):
    collection: ClassVar[str] = "packages"
    parameters: Parameters = field(default_factory=dict)
    binding: Name | None = None

    def binding_json(self) -> Json:
        return {"namespace": self.binding.namespace, "name": self.binding.name} if self.binding else {}

    def as_json(self, parameters: Parameters | None = None) -> Json:
        shown = parameters_json(self.parameters if parameters is None else parameters)
        return {**self.common(), "binding": self.binding_json(), "parameters": shown}

    def listed(self) -> Json:
        return {**self.common(), "binding": self.binding_json() or False}


@dataclass(frozen=True, slots=True)
class Link:
    """One rule as its trigger knows it; the status lives here and nowhere else."""

    action: Name
    active: bool

    @property
    def status(self) -> str:
        return "active" if self.active else "inactive"

    def as_json(self) -> Json:
        return {"action": {"path": self.action.path, "name": self.action.name}, "status": self.status}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger(Entity):
    collection: ClassVar[str] = "triggers"
    parameters: Parameters = field(default_factory=dict)
    rules: Mapping[str, Link] | None = None  # None until a first rule was attached

    def as_json(self) -> Json:
        shown = {**self.common(), "parameters": parameters_json(self.parameters), "limits": {}}
        if self.rules is not None:
            shown["rules"] = {rule: link.as_json() for rule, link in self.rules.items()}
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Entity):
    collection: ClassVar[str] = "rules"
    trigger: Name
    action: Name

    def listed(self) -> Json:
        return {
            **self.common(),
            "trigger": {"path": self.trigger.path, "name": self.trigger.name},
            "action": {"path": self.action.path, "name": self.action.name},
        }

    def as_json(self, status: str) -> Json:
        return {**self.listed(), "status": status}
