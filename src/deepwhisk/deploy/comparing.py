"""One entity as the manifest wants it beside the same one as the server has it.

Both are brought to one flat form, `parameters.bucket` → value; what only a server adds is left out.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from deepwhisk.deploy.actual import Actual
from deepwhisk.deploy.change import Field
from deepwhisk.deploy.feeding import FEED_DIGEST, FeedCall, Reading, Told, digest, remembered
from deepwhisk.deploy.managed import MANAGED, promoted, values
from deepwhisk.manifest import Entity
from deepwhisk.manifest.archive import contents

SERVERS_OWN = {"exec", "binding", MANAGED, FEED_DIGEST}
SECRET = re.compile(r"secret|password|passwd|token|auth|(^|[_-])key($|[_-])|access_key", re.IGNORECASE)


def differences(entity: Entity, actual: Actual, body: Mapping[str, Any]) -> tuple[Field, ...]:
    """What an update with this body would change."""
    found = actual.details[entity.collection, entity.name]
    wanted = _flat(entity.kind, {**entity.body, "annotations": body.get("annotations")}, actual)
    present = _flat(entity.kind, found, actual)
    ignored = _ignored(entity, wanted, present, actual)
    names = [*wanted, *(name for name in present if name not in wanted)]
    fields = [
        Field(name, _shown(name, present.get(name)), _shown(name, wanted.get(name)))
        for name in names
        if name not in ignored and wanted.get(name) != present.get(name)
    ]
    return tuple(fields)


def feed_fields(
    entity: Entity, present: Mapping[str, Any], reading: Reading, calls: tuple[FeedCall, ...], key: str
) -> Iterator[Field]:
    """What a feed knows beside what it is to know."""
    if entity.feed is None:
        return
    if reading.state == "gone":
        yield Field("feed", "knows nothing of it", entity.feed.name)
        return
    inputs = entity.feed.inputs
    shown = reading.shown(sorted(inputs))
    for name, value in inputs.items() if calls else ():
        if name in shown and shown[name] != value:
            yield Field(f"feed.{name}", masked(name, shown[name]), masked(name, value))
    told, wanted = Told.of(present), Told.of_value(remembered(inputs, reading, key))
    if told is None or told.inputs != wanted.inputs or (told.shown and shown and told.shown != wanted.shown):
        yield Field("feed parameters", told.inputs if told else None, wanted.inputs)
    elif told.key != key:
        yield Field("feed key", "another", "this one")


def _flat(kind: str, body: Mapping[str, Any], actual: Actual) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    if kind in ("action", "sequence"):
        flat |= _executable(body.get("exec", {}), actual)
        usual = actual.limits if kind == "action" else {}
        limits = {**usual, **body.get("limits", {})}
        flat |= {f"limits.{key}": value for key, value in limits.items()}
    if kind == "package":
        flat["publish"] = bool(body.get("publish"))
        flat["version"] = _version(body.get("version"))
        flat["binding"] = _binding(body.get("binding"), actual)
    if kind == "rule":
        flat["trigger"] = _path(body["trigger"], actual)
        flat["action"] = _path(body["action"], actual)
        flat["status"] = body["status"] or "active"
    for member in ("annotations", "parameters"):
        flat |= {f"{member}.{key}": value for key, value in values(body.get(member)).items()}
    return flat


def _executable(found: Mapping[str, Any], actual: Actual) -> dict[str, Any]:
    kind = str(found.get("kind", ""))
    family, _, version = kind.partition(":")
    flat = {
        "kind": actual.kinds.get(family, kind) if version == "default" else kind,
        "image": found.get("image"),
        "main": found.get("main"),
        "code": _code(found.get("code") or ""),
        "components": [_path(path, actual) for path in found.get("components", ())],
    }
    return {key: value for key, value in flat.items() if value}


def _code(code: str) -> str:
    """A digest of the text, or of the files of a zip: compressors differ."""
    if not code:
        return ""
    files = contents(code)
    return (
        f"{digest(files or code)[:12]}, {len(code)} characters"
        if files is None
        else f"{digest(files)[:12]}, zip"
    )


def _path(name: Any, actual: Actual) -> str:
    if isinstance(name, dict):
        return f"/{name['path']}/{name['name']}"
    return re.sub(r"^/_/", f"/{actual.namespace}/", str(name))


def _binding(found: Any, actual: Actual) -> str:
    return _path(f"/{found['namespace']}/{found['name']}", actual) if found else ""


def _version(version: Any) -> str:
    """`1.0` and `1.0.0` are one version to a server."""
    parts = str(version or "0.0.1").split(".")
    return ".".join([*parts, "0", "0"][:3])


def _ignored(entity: Entity, wanted: dict[str, Any], present: dict[str, Any], actual: Actual) -> set[str]:
    """What is present and was not put there by a manifest."""
    ignored = {f"annotations.{key}" for key in SERVERS_OWN}
    extra = [name for name in present if name not in wanted]
    found = actual.details[entity.collection, entity.name]
    ignored |= {name for name in extra if name.startswith("limits.")}
    if present.get("annotations.provide-api-key") is False:
        ignored |= {"annotations.provide-api-key"} & set(extra)
    if entity.kind == "sequence":
        ignored |= {name for name in extra if name == "parameters._actions"}
    if entity.kind == "action":
        ignored |= {f"parameters.{pair['key']}" for pair in promoted(found)} & set(extra)
    if entity.kind in ("action", "sequence"):
        ignored |= _inherited(entity, extra, present, actual)
    if entity.kind == "package" and entity.body.get("binding"):
        ignored |= {"version", *(name for name in extra if name.startswith("parameters."))}
    return ignored


def _inherited(entity: Entity, extra: list[str], present: dict[str, Any], actual: Actual) -> set[str]:
    """Parameters of the package, which a server shows among those of its actions."""
    package = actual.details.get(("packages", entity.name.rpartition("/")[0]), {})
    common = {f"parameters.{key}": value for key, value in values(package.get("parameters")).items()}
    return {name for name in extra if name in common and common[name] == present[name]}


def _shown(name: str, value: Any) -> Any:
    member, _, key = name.partition(".")
    return masked(key, value) if member in ("parameters", "annotations") else value


def masked(key: str, value: Any) -> Any:
    """A value without what is secret in it, by its name, however deep."""
    if value and not isinstance(value, bool) and SECRET.search(key):
        return "•••"
    if isinstance(value, dict):
        return {inner: masked(str(inner), each) for inner, each in value.items()}
    return [masked(key, each) for each in value] if isinstance(value, list) else value
