"""The difference between what should be and what is, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from deepwhisk.deploy.actual import MANAGED, Actual, managed_by, values
from deepwhisk.deploy.comparing import FEED_DIGEST, Field, differences, digest
from deepwhisk.manifest import COLLECTIONS, Entity, Manifest
from deepwhisk.project import MANIFEST

Verb = Literal["create", "update", "delete", "keep"]


@dataclass(frozen=True, slots=True)
class FeedCall:
    """What a feed is told about a trigger: its lifecycle event, and the parameters of the trigger."""

    event: str  # CREATE, UPDATE, DELETE
    feed: str
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one entity. `body` is what is PUT; `fields` says what an update changes."""

    verb: Verb
    kind: str
    name: str
    fields: tuple[Field, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    feed: tuple[FeedCall, ...] = ()

    @property
    def collection(self) -> str:
        return COLLECTIONS[self.kind]

    def __str__(self) -> str:
        return f"{self.verb} {self.kind} {self.name}"


def plan(manifest: Manifest, actual: Actual) -> tuple[Change, ...]:
    """Every change in the order in which it is made: what is named first, what is gone last."""
    made = [_wanted(entity, manifest, actual) for entity in manifest.entities]
    gone = sorted(_gone(manifest, actual), key=lambda change: -list(COLLECTIONS).index(change.kind))
    return (*made, *gone)


def _wanted(entity: Entity, manifest: Manifest, actual: Actual) -> Change:
    present = actual.details.get((entity.collection, entity.name))
    body = _body(entity, manifest, present)
    calls = _feed_calls(entity, present)
    if present is None:
        return Change("create", entity.kind, entity.name, (), body, calls)
    fields = (*differences(entity, actual), *_ownership(manifest, present), *_feed_fields(entity, present))
    verb: Verb = "update" if fields or calls else "keep"
    return Change(verb, entity.kind, entity.name, fields, body, calls)


def _body(entity: Entity, manifest: Manifest, present: Mapping[str, Any] | None) -> dict[str, Any]:
    annotations = values(entity.body.get("annotations"))
    if manifest.project:
        annotations[MANAGED] = {
            "file": MANIFEST,
            "projectDeps": [],
            "projectHash": manifest.hash,
            "projectName": manifest.project,
        }
    if entity.feed:
        annotations[FEED_DIGEST] = digest(dict(entity.feed.inputs))
    body = {**entity.body, "annotations": _pairs(annotations)}
    return body if present is None else {**body, **_forgotten(entity, annotations, present)}


def _forgotten(entity: Entity, annotations: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, Any]:
    """What an update must say so that a server drops it: it keeps parameters, and annotations of actions."""
    forgotten: dict[str, Any] = {}
    if entity.kind in ("package", "action", "trigger"):
        forgotten["parameters"] = entity.body.get("parameters", [])
    if entity.kind in ("action", "sequence"):
        old = set(values(present.get("annotations"))) - set(annotations) - {"exec", "provide-api-key"}
        forgotten |= {"delAnnotations": sorted(old)} if old else {}
    return forgotten


def _ownership(manifest: Manifest, present: Mapping[str, Any]) -> tuple[Field, ...]:
    owner = managed_by(present)
    if not manifest.project or owner == manifest.project:
        return ()
    return (Field("project", owner, manifest.project),)


def _feed_calls(entity: Entity, present: Mapping[str, Any] | None) -> tuple[FeedCall, ...]:
    """CREATE for what is new to its feed, UPDATE for other parameters, DELETE for what left it."""
    if entity.kind != "trigger":
        return ()
    old = values(present.get("annotations")) if present else {}
    before, known = old.get("feed"), old.get(FEED_DIGEST)
    if entity.feed is None:
        return (FeedCall("DELETE", before),) if before else ()
    feed, inputs = entity.feed.name, dict(entity.feed.inputs)
    if before and _same_feed(before, feed) and known:
        return () if known == digest(inputs) else (FeedCall("UPDATE", feed, inputs),)
    # A trigger without a digest: its feed may or may not know it, so it is made anew, as wskdeploy does.
    leave = (FeedCall("DELETE", before),) if before else ()
    return (*leave, FeedCall("CREATE", feed, inputs))


def _same_feed(one: str, other: str) -> bool:
    return one.removeprefix("/_/") == other.removeprefix("/_/")


def _feed_fields(entity: Entity, present: Mapping[str, Any]) -> tuple[Field, ...]:
    known = values(present.get("annotations")).get(FEED_DIGEST)
    wanted = digest(dict(entity.feed.inputs)) if entity.feed else None
    return () if known == wanted else (Field("feed parameters", known, wanted),)


def _gone(manifest: Manifest, actual: Actual) -> list[Change]:
    """What carries the project's name and is declared no longer."""
    wanted = {(entity.collection, entity.name) for entity in manifest.entities}
    return [
        _removal(collection, name, item)
        for (collection, name), item in actual.listed.items()
        if manifest.project and managed_by(item) == manifest.project and (collection, name) not in wanted
    ]


def _removal(collection: str, name: str, item: Mapping[str, Any]) -> Change:
    annotations = values(item.get("annotations"))
    kind = "sequence" if annotations.get("exec") == "sequence" else collection.removesuffix("s")
    feed = annotations.get("feed") if kind == "trigger" else None
    return Change("delete", kind, name, feed=(FeedCall("DELETE", feed),) if feed else ())


def _pairs(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in found.items()]
