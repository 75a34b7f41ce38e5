"""A manifest's text becomes entities: the bodies that wskdeploy would PUT.

Everything that can be wrong without asking a server is found here, before any call: names, files, types of
values, actions that are not there, sequences that contain themselves.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepwhisk.errors import ManifestError
from deepwhisk.grammar import MANIFEST, read
from deepwhisk.manifest import inputs
from deepwhisk.manifest.checks import check, in_order
from deepwhisk.manifest.code import executable
from deepwhisk.manifest.entities import Entity, Feed, Manifest
from deepwhisk.manifest.inputs import Environ
from deepwhisk.manifest.names import DEFAULT, absolute, checked, in_package

VERSION = "0.0.1"  # what wskdeploy sends for a package without one
WEB = {
    **dict.fromkeys(("true", "yes"), (True, False, True)),
    "raw": (True, True, True),
    **dict.fromkeys(("false", "no"), (False, False, False)),
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a manifest's text comes from and what its names mean."""

    file: str
    folder: Path
    environ: Environ = field(default_factory=Environ)
    kinds: Mapping[str, str] = field(default_factory=dict)  # family → its default kind on the server

    def interpolated(self, text: str) -> str:
        return str(inputs.interpolate(text, self.environ))


def parse(text: str, source: Source) -> Manifest:
    """The entities of a manifest, in the order in which they are made. Raises ManifestError."""
    found = read(text, source.file, MANIFEST)
    project = found.get("project", {})
    packages = found.get("packages") or project.get("packages") or {}
    entities = [
        entity
        for name, package in packages.items()
        for entity in _package(source.interpolated(name), package, project.get("inputs", {}), source)
    ]
    check(entities, source.file)
    name = source.interpolated(project.get("name", ""))
    return Manifest(name, project_hash(text), in_order(entities), tuple(sorted(source.environ.unset)))


def project_hash(text: str) -> str:
    """The hash that wskdeploy makes of a manifest: of its bytes only, not of the code it names."""
    content = text.encode()
    return hashlib.sha1(f"OpenWhisk{chr(len(content))}golang\0".encode() + content).hexdigest()


def _package(
    name: str, package: Mapping[str, Any], common: Mapping[str, Any], source: Source
) -> Iterator[Entity]:
    checked(name, "a package", source.file)
    _refuse_what_is_not_deployed(name, package, source)
    parameters = inputs.package_inputs(
        {**common, **package.get("inputs", {})}, source.environ, f"{source.file}: packages.{name}"
    )
    if name.lower() != DEFAULT:
        yield _package_entity(name, package, parameters, source)
    yield from (_binding(key, entry, source) for key, entry in package.get("dependencies", {}).items())
    makers: dict[str, Callable[..., Entity]] = {
        "actions": _action,
        "sequences": _sequence,
        "triggers": _trigger,
        "rules": _rule,
    }
    for section, make in makers.items():
        for key, entry in package.get(section, {}).items():
            own = checked(source.interpolated(key), f"one of {section}", source.file)
            yield make(own, name, entry, parameters, source)


def _refuse_what_is_not_deployed(name: str, package: Mapping[str, Any], source: Source) -> None:
    if package.get("apis"):
        raise ManifestError(
            f"{source.file}: packages.{name}.apis is for an API gateway, which this deployer does not make: "
            "make them with `wsk api create`, or deploy with wskdeploy."
        )


def _package_entity(
    name: str, package: Mapping[str, Any], parameters: Mapping[str, Any], source: Source
) -> Entity:
    body = {
        "name": name,
        "version": package.get("version") or VERSION,
        "publish": bool(package.get("public")),
        **_pairs("annotations", inputs.annotations(package.get("annotations", {}), source.environ)),
        **_pairs("parameters", parameters),
    }
    return Entity("package", name, body)


def _binding(name: str, entry: Mapping[str, Any], source: Source) -> Entity:
    location = source.interpolated(entry.get("location", ""))
    parts = location.strip("/").split("/")
    if not location.startswith("/") or len(parts) != 2:
        raise ManifestError(
            f"{source.file}: the dependency {name} is at {location!r}; deepwhisk binds packages "
            "(/namespace/package) and fetches no code: deploy others with wskdeploy."
        )
    where = f"{source.file}: dependencies.{name}"
    body = {
        "name": checked(name, "a package", source.file),
        "publish": False,
        "binding": {"namespace": parts[0], "name": parts[1]},
        **_pairs("annotations", inputs.annotations(entry.get("annotations", {}), source.environ)),
        **_pairs("parameters", inputs.inputs(entry.get("inputs", {}), {}, source.environ, where)),
    }
    return Entity("package", name, body)


def _action(
    key: str, package: str, entry: Mapping[str, Any], common: Mapping[str, Any], source: Source
) -> Entity:
    name = in_package(key, package)
    where = f"{source.file}: action {name}"
    limits = {
        ours: entry.get("limits", {}).get(theirs)
        for theirs, ours in (("timeout", "timeout"), ("memorySize", "memory"), ("logSize", "logs"))
    }
    found = {
        **inputs.annotations(entry.get("annotations", {}), source.environ),
        **_web(entry.get("web") or entry.get("web-export", ""), where),
        **({"conductor": True} if entry.get("conductor") else {}),
    }
    parameters = inputs.inputs(entry.get("inputs", {}), common, source.environ, where)
    body = {
        "name": name,
        "exec": executable(entry, source.folder, source.interpolated, source.kinds, where),
        **_pairs("annotations", found),
        **_pairs("parameters", parameters),
        **_unless_empty("limits", {key: value for key, value in limits.items() if value is not None}),
        **_unless_empty("version", entry.get("version", "")),
        "publish": False,
    }
    return Entity("action", name, body)


def _sequence(
    key: str, package: str, entry: Mapping[str, Any], common: Mapping[str, Any], source: Source
) -> Entity:
    name = in_package(key, package)
    components = [part for part in entry.get("actions", "").split(",") if part.strip()]
    if not components:
        raise ManifestError(f"{source.file}: the sequence {name} has no actions.")
    found = {
        **inputs.annotations(entry.get("annotations", {}), source.environ),
        **_web(entry.get("web", ""), f"{source.file}: sequence {name}"),
    }
    names = [absolute(source.interpolated(part.strip()), package) for part in components]
    body = {
        "namespace": "_",
        "name": name,
        "exec": {"kind": "sequence", "components": names},
        **_pairs("annotations", found),
        "publish": False,
    }
    return Entity("sequence", name, body)


def _trigger(
    name: str, package: str, entry: Mapping[str, Any], common: Mapping[str, Any], source: Source
) -> Entity:
    where = f"{source.file}: trigger {name}"
    values = inputs.inputs(entry.get("inputs", {}), common, source.environ, where)
    found = inputs.annotations(entry.get("annotations", {}), source.environ)
    feed = source.interpolated(entry.get("feed") or entry.get("source", ""))
    if not feed:
        parts = {**_pairs("annotations", found), **_pairs("parameters", values)}
        return Entity("trigger", name, {"name": name, **parts, "publish": False})
    body = {"name": name, **_pairs("annotations", {"feed": feed, **found}), "publish": True}
    return Entity("trigger", name, body, Feed(absolute(feed), values))


def _rule(
    name: str, package: str, entry: Mapping[str, Any], common: Mapping[str, Any], source: Source
) -> Entity:
    for key in ("trigger", "action"):
        if not entry.get(key):
            raise ManifestError(f"{source.file}: the rule {name} has no {key}.")
    body = {
        "name": name,
        "status": "",
        "trigger": absolute(source.interpolated(entry["trigger"])),
        "action": absolute(source.interpolated(entry["action"]), package),
        **_pairs("annotations", inputs.annotations(entry.get("annotations", {}), source.environ)),
        "publish": False,
    }
    return Entity("rule", name, body)


def _web(value: str, where: str) -> dict[str, bool]:
    if not value:
        return {}
    if value not in WEB:
        raise ManifestError(f"{where}: web is {value!r}; it is true, false or raw.")
    return dict(zip(("web-export", "raw-http", "final"), WEB[value], strict=True))


def _pairs(key: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return _unless_empty(key, [{"key": name, "value": value} for name, value in values.items()])


def _unless_empty(key: str, value: Any) -> dict[str, Any]:
    return {key: value} if value else {}
