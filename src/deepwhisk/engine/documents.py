"""Entities as the database keeps them: bytes and back."""

from typing import Any

from deepwhisk.engine.codec import dumps, loads
from deepwhisk.engine.entities import Action, Entity, Exec, Json, Link, Package, Rule, Trigger
from deepwhisk.engine.limits import ActionLimits
from deepwhisk.engine.names import Name
from deepwhisk.engine.parameters import (
    annotations_json,
    parameters_json,
    read_annotations,
    read_parameters,
)


def write_document(entity: Entity) -> bytes:
    document: Json = {
        "name": _name(entity.name),
        "version": entity.version,
        "publish": entity.publish,
        "updated": entity.updated,
        "annotations": annotations_json(entity.annotations),
    }
    return dumps({**document, **_own(entity)})


def _own(entity: Entity) -> Json:
    match entity:
        case Action(exec=run, parameters=parameters, limits=limits, revision=revision):
            return {
                "exec": {**run.as_json(), "has_code": run.has_code},
                "parameters": parameters_json(parameters),
                "limits": limits.as_json(),
                "revision": revision,
            }
        case Package(parameters=parameters, binding=binding):
            return {
                "parameters": parameters_json(parameters),
                "binding": _name(binding) if binding else None,
            }
        case Trigger(parameters=parameters, rules=rules):
            links = {rule: [_name(link.action), link.active] for rule, link in (rules or {}).items()}
            return {"parameters": parameters_json(parameters), "rules": None if rules is None else links}
        case Rule(trigger=trigger, action=action):
            return {"trigger": _name(trigger), "action": _name(action)}
    raise TypeError(f"{entity.collection} cannot be kept")


def read_document(collection: str, document: bytes) -> Entity:
    """The entity that `write_document` wrote."""
    kept = loads(document)
    common: dict[str, Any] = {
        "name": Name(*kept["name"]),
        "version": kept["version"],
        "publish": kept["publish"],
        "updated": kept["updated"],
        "annotations": read_annotations(kept["annotations"]),
    }
    return _READERS[collection](kept, common)


def _read_action(kept: Json, common: dict[str, Any]) -> Entity:
    return Action(
        **common,
        exec=_read_exec(kept["exec"]),
        parameters=read_parameters(kept["parameters"]),
        limits=ActionLimits(**kept["limits"]),
        revision=kept["revision"],
    )


def _read_exec(kept: Json) -> Exec:
    components = tuple(_split(component) for component in kept.pop("components", ()))
    return Exec(**kept, components=components)


def _read_package(kept: Json, common: dict[str, Any]) -> Entity:
    binding = Name(*kept["binding"]) if kept["binding"] else None
    return Package(**common, parameters=read_parameters(kept["parameters"]), binding=binding)


def _read_trigger(kept: Json, common: dict[str, Any]) -> Entity:
    links = kept["rules"]
    rules = None if links is None else {rule: Link(Name(*to), active) for rule, (to, active) in links.items()}
    return Trigger(**common, parameters=read_parameters(kept["parameters"]), rules=rules)


def _read_rule(kept: Json, common: dict[str, Any]) -> Entity:
    return Rule(**common, trigger=Name(*kept["trigger"]), action=Name(*kept["action"]))


def _name(name: Name) -> list[str | None]:
    return [name.namespace, name.package, name.name]


def _split(component: str) -> Name:
    namespace, *package, name = component.strip("/").split("/")
    return Name(namespace, package[0] if package else None, name)


_READERS = {
    "actions": _read_action,
    "packages": _read_package,
    "triggers": _read_trigger,
    "rules": _read_rule,
}
