"""What a server has, as far as a deployment is concerned with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from deepwhisk.deploy.feeding import Reading, digest, read_feed, same_feed
from deepwhisk.deploy.gateway import Gateway, own_routes
from deepwhisk.deploy.managed import managed_by, values
from deepwhisk.deploy.routes import wanted_routes
from deepwhisk.errors import WhiskError, WhiskUnreachable
from deepwhisk.manifest import Api, Manifest
from deepwhisk.whisk import Whisk

DEFAULT_LIMITS = {"timeout": 60_000, "memory": 256, "logs": 10}  # of OpenWhisk: ms, MB, MB
RANGES = {"timeout": "ActionTimeout", "memory": "ActionMemory", "logs": "ActionLogs"}
ALL = ("packages", "actions", "triggers", "rules")
Listed = Mapping[tuple[str, str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Actual:
    """A namespace: everything in short, and in full what the manifest names and the server has."""

    namespace: str
    kinds: Mapping[str, str]  # family → default kind
    listed: Listed  # (collection, name) → list item
    details: Listed  # (collection, name) → full entity
    readings: Mapping[str, Reading] = field(default_factory=dict)  # trigger → what its feed says
    routes: tuple[Api, ...] = ()
    key: str = ""  # digest of the key with which feeds fire
    limits: Mapping[str, int] = field(
        default_factory=lambda: dict(DEFAULT_LIMITS)
    )  # where nobody says others


def read_actual(
    whisk: Whisk, manifest: Manifest, kinds: Mapping[str, str], gateway: Gateway | None = None
) -> Actual:
    """Ask the server: four lists, what the manifest names and is there, its feeds, its gateway."""
    namespace = whisk.namespace()
    listed = list_all(whisk, namespace)
    names = [(entity.collection, entity.name) for one in family(manifest) for entity in one.entities]
    details = {key: whisk.get(*key) for key in names if key in listed}
    readings = {
        entity.name: read_feed(entity.feed.name, entity.name, whisk)
        for one in family(manifest)
        for entity in one.entities
        if entity.feed and same_feed(_feed(details.get(("triggers", entity.name), {})), entity.feed.name)
    }
    bases = {api.base for one in family(manifest) for api in _concerned(one, listed)}
    routes = (gateway or Gateway(whisk)).routes(bases) if bases else ()
    limits = usual_limits(whisk)
    return Actual(namespace, kinds, listed, details, readings, routes, digest(whisk.auth), limits)


def list_all(whisk: Whisk, namespace: str) -> Listed:
    """Every entity of a namespace, in short."""
    return {
        (collection, _name(item, namespace)): item for collection in ALL for item in whisk.list(collection)
    }


def family(manifest: Manifest) -> Iterator[Manifest]:
    """The manifests that are deployed together, in their order; one that several need comes once."""
    seen = set()
    for other in (one for needed in manifest.dependencies for one in family(needed)):
        if (other.project, other.hash) not in seen:
            seen.add((other.project, other.hash))
            yield other
    yield manifest


def default_kinds(table: Mapping[str, Any]) -> dict[str, str]:
    """Family → kind, as a server's table of runtimes has it; empty where it tells none."""
    return {family: kind["kind"] for family, kinds in table.items() for kind in kinds if kind.get("default")}


def known_kinds(table: Mapping[str, Any]) -> frozenset[str]:
    """Every kind of a server's table of runtimes."""
    return frozenset(str(kind["kind"]) for kinds in table.values() for kind in kinds)


def usual_limits(whisk: Whisk) -> dict[str, int]:
    """OpenWhisk's defaults, within what a server lets this namespace have, as far as it tells."""
    try:
        said = whisk.request("GET", "limits")
    except WhiskUnreachable:
        raise
    except WhiskError:
        said = {}
    found = {}
    for name, usual in DEFAULT_LIMITS.items():
        least, most = (said.get(f"{end}{RANGES[name]}") for end in ("min", "max"))
        at_least = max(usual, least) if isinstance(least, int) else usual
        found[name] = min(at_least, most) if isinstance(most, int) else at_least
    return found


def _concerned(manifest: Manifest, listed: Listed) -> Iterator[Api]:
    """The routes of a manifest, and those that its project made before."""
    yield from wanted_routes(manifest)
    for (collection, name), item in listed.items():
        if collection == "actions" and manifest.project and managed_by(item) == manifest.project:
            yield from own_routes(name, item)


def _feed(trigger: Mapping[str, Any]) -> str:
    return str(values(trigger.get("annotations")).get("feed") or "")


def _name(item: Mapping[str, Any], namespace: str) -> str:
    package = str(item["namespace"]).removeprefix(namespace).strip("/")
    return f"{package}/{item['name']}" if package else str(item["name"])
