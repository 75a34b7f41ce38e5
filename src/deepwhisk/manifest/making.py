"""One entry of a manifest becomes one entity: package, action, sequence, trigger or rule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deepwhisk.errors import ManifestError
from deepwhisk.manifest import inputs
from deepwhisk.manifest.code import executable
from deepwhisk.manifest.entities import Entity, Feed
from deepwhisk.manifest.limits import limits
from deepwhisk.manifest.names import absolute, in_package, pairs
from deepwhisk.manifest.source import Source
from deepwhisk.manifest.web import check_require_auth, web_annotations

VERSION = "0.0.1"  # what wskdeploy sends for a package without one


@dataclass(frozen=True, slots=True)
class Place:
    """The package that an entry stands in, with its inputs."""

    package: str
    inputs: Mapping[str, Any]
    source: Source

    def named(self, text: str) -> str:
        return self.source.interpolated(text, self.inputs)

    def where(self, at: int, what: str) -> str:
        return f"{self.source.file}:{at}: {what}" if at else f"{self.source.file}: {what}"

    def parameters(self, entry: Mapping[str, Any], kind: str, name: str, where: str) -> dict[str, Any]:
        found = entry.get("inputs", {})
        over = self.source.over(self.source.deployment.of(kind, name), found)
        return inputs.inputs(found, self.inputs, self.source.environ, where, over)

    def annotations(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        return inputs.annotations(entry.get("annotations", {}), self.source.environ)


def package_entity(entry: Mapping[str, Any], place: Place, at: int) -> Entity:
    set_there = place.source.deployment.of("package", place.package)
    body = {
        "name": place.package,
        "version": entry.get("version") or VERSION,
        "publish": bool(entry.get("public")),
        **pairs("annotations", {**place.annotations(entry), **set_there.annotations}),
        **pairs("parameters", place.inputs),
    }
    return Entity("package", place.package, body, line=at)


def _action(key: str, entry: Mapping[str, Any], place: Place, at: int) -> Entity:
    name = in_package(key, place.package)
    where = place.where(at, f"action {name}")
    found = {
        **place.annotations(entry),
        **web_annotations(entry.get("web") or entry.get("web-export", ""), where),
        **({"conductor": True} if entry.get("conductor") else {}),
        **place.source.deployment.of("action", name).annotations,
    }
    check_require_auth(found, where)
    sent = limits(entry.get("limits", {}), place.source, f"action {name}")
    body = {
        "name": name,
        "exec": executable(entry, place.source, place.inputs, where),
        **pairs("annotations", found),
        **pairs("parameters", place.parameters(entry, "action", name, where)),
        **({"limits": sent} if sent else {}),
        **({"version": entry["version"]} if entry.get("version") else {}),
        "publish": False,
    }
    return Entity("action", name, body, line=at)


def _sequence(key: str, entry: Mapping[str, Any], place: Place, at: int) -> Entity:
    name = in_package(key, place.package)
    where = place.where(at, f"the sequence {name}")
    components = [part.strip() for part in entry.get("actions", "").split(",") if part.strip()]
    if not components:
        raise ManifestError(f"{where} has no actions.")
    found = {**place.annotations(entry), **web_annotations(entry.get("web", ""), where)}
    check_require_auth(found, where)
    body = {
        "namespace": "_",
        "name": name,
        "exec": {
            "kind": "sequence",
            "components": [absolute(place.named(part), place.package) for part in components],
        },
        **pairs("annotations", found),
        "publish": False,
    }
    return Entity("sequence", name, body, line=at)


def _trigger(name: str, entry: Mapping[str, Any], place: Place, at: int) -> Entity:
    where = place.where(at, f"trigger {name}")
    values = place.parameters(entry, "trigger", name, where)
    found = {**place.annotations(entry), **place.source.deployment.of("trigger", name).annotations}
    feed = place.named(entry.get("feed") or entry.get("source", ""))
    if not feed:
        parts = {**pairs("annotations", found), **pairs("parameters", values)}
        return Entity("trigger", name, {"name": name, **parts, "publish": False}, line=at)
    body = {"name": name, **pairs("annotations", {"feed": feed, **found}), "publish": True}
    return Entity("trigger", name, body, Feed(absolute(feed), values), at)


def _rule(name: str, entry: Mapping[str, Any], place: Place, at: int) -> Entity:
    for key in ("trigger", "action"):
        if not entry.get(key):
            raise ManifestError(f"{place.where(at, f'the rule {name}')} has no {key}.")
    body = {
        "name": name,
        "status": "",
        "trigger": absolute(place.named(entry["trigger"])),
        "action": absolute(place.named(entry["action"]), place.package),
        **pairs("annotations", place.annotations(entry)),
        "publish": False,
    }
    return Entity("rule", name, body, line=at)


MAKERS: dict[str, Callable[[str, Mapping[str, Any], Place, int], Entity]] = {
    "actions": _action,
    "sequences": _sequence,
    "triggers": _trigger,
    "rules": _rule,
}
