"""Whose an entity is: the annotation `whisk-managed`, to the letter of wskdeploy's managed projects.

Law: an entity is a project's when it carries the project's name, whichever tool has written that. The hash is
of the manifest alone, and tells wskdeploy what is stale; here what is stale is told by name.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from deepwhisk.manifest import Entity, Manifest

MANAGED = "whisk-managed"
PROMOTED = "DEEPWHISK_ARTIFACT"  # the init parameter of a model that was promoted: no manifest says it


def values(pairs: Any) -> dict[str, Any]:
    """Parameters or annotations as a mapping."""
    return {pair["key"]: pair.get("value") for pair in pairs or ()}


def pairs(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in found.items()]


def promoted(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parameter that a promotion set: a training that serves stays when its model is deployed again."""
    found = item.get("parameters") or ()
    return [dict(pair) for pair in found if pair["key"] == PROMOTED and pair.get("init")]


def managed_by(item: Mapping[str, Any]) -> str | None:
    """The project that deployed an entity; None when no project did."""
    name = _managed(item).get("projectName")
    return str(name) if name else None


def needs(item: Mapping[str, Any]) -> dict[str, str | None]:
    """The packages of other projects that a package says it needs, and which projects those are."""
    found = values(_managed(item).get("projectDeps"))
    return {
        name: managed_by({"annotations": [{"key": MANAGED, "value": said}]}) for name, said in found.items()
    }


def ownership(entity: Entity, manifest: Manifest, namespace: str) -> dict[str, Any]:
    """What the annotation says of an entity; nothing for a manifest without a project."""
    if not manifest.project:
        return {}
    own = entity.kind == "package" and "binding" not in entity.body
    return {MANAGED: _said(manifest, pairs(dict(_needed(manifest, namespace))) if own else [])}


def _needed(manifest: Manifest, namespace: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for other in manifest.dependencies:
        for entity in other.entities:
            if other.project and entity.kind == "package" and "binding" not in entity.body:
                yield f"/{namespace}/{entity.name}", _said(other, [])


def _said(manifest: Manifest, needed: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "file": manifest.file,
        "projectDeps": needed,
        "projectHash": manifest.hash,
        "projectName": manifest.project,
    }


def _managed(item: Mapping[str, Any]) -> Mapping[str, Any]:
    found = values(item.get("annotations")).get(MANAGED)
    return found if isinstance(found, dict) else {}
