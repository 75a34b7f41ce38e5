"""What a server has, as far as a deployment is concerned with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deepwhisk.manifest import Manifest
from deepwhisk.whisk import Whisk

MANAGED = "whisk-managed"


@dataclass(frozen=True, slots=True)
class Actual:
    """A namespace: everything in short, and in full what the manifest names and the server has."""

    namespace: str
    kinds: Mapping[str, str]  # family → default kind
    listed: Mapping[tuple[str, str], Mapping[str, Any]]  # (collection, name) → list item
    details: Mapping[tuple[str, str], Mapping[str, Any]]  # (collection, name) → full entity


def read_actual(whisk: Whisk, manifest: Manifest, kinds: Mapping[str, str]) -> Actual:
    """Ask the server: four lists, then each entity that the manifest names and that is there."""
    namespace = whisk.namespace()
    listed = {
        (collection, _name(item, namespace)): item
        for collection in ("packages", "actions", "triggers", "rules")
        for item in whisk.list(collection)
    }
    names = [(entity.collection, entity.name) for entity in manifest.entities]
    details = {key: whisk.get(*key) for key in names if key in listed}
    return Actual(namespace, kinds, listed, details)


def default_kinds(whisk: Whisk) -> dict[str, str]:
    """Family → kind, as the server's table of runtimes has it; empty where it tells none."""
    runtimes = whisk.about().get("runtimes", {})
    return {
        family: kind["kind"] for family, kinds in runtimes.items() for kind in kinds if kind.get("default")
    }


def values(pairs: Any) -> dict[str, Any]:
    """Parameters or annotations as a mapping."""
    return {pair["key"]: pair.get("value") for pair in pairs or ()}


def managed_by(item: Mapping[str, Any]) -> str | None:
    """The project that deployed an entity; None when no project did."""
    managed = values(item.get("annotations")).get(MANAGED)
    return str(managed["projectName"]) if isinstance(managed, dict) and managed.get("projectName") else None


def _name(item: Mapping[str, Any], namespace: str) -> str:
    package = str(item["namespace"]).removeprefix(namespace).strip("/")
    return f"{package}/{item['name']}" if package else str(item["name"])
