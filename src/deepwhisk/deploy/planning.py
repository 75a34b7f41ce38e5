"""The difference between what should be and what is, as a value."""

from collections.abc import Iterator, Mapping
from typing import Any

from deepwhisk.deploy.actual import Actual, family
from deepwhisk.deploy.change import Change, Field, Verb
from deepwhisk.deploy.comparing import differences, feed_fields
from deepwhisk.deploy.feeding import FEED_DIGEST, FeedCall, Reading, feed_calls, remembered
from deepwhisk.deploy.managed import managed_by, needs, ownership, pairs, promoted, values
from deepwhisk.deploy.routing import created_routes, removed_routes, routes_of
from deepwhisk.manifest import COLLECTIONS, Entity, Manifest

UNKNOWN = Reading()


def plan(manifest: Manifest, actual: Actual) -> tuple[Change, ...]:
    """Every change in the order in which it is made: what is named first, what is gone last.

    The projects that a manifest depends on come before it. What goes makes room where its name is taken.
    """
    return tuple(change for one in family(manifest) for change in _planned(one, actual))


def _planned(manifest: Manifest, actual: Actual) -> tuple[Change, ...]:
    made = [_wanted(entity, manifest, actual) for entity in manifest.entities]
    names = {entity.name for entity in manifest.entities}
    gone = removal_order(_gone(manifest, actual))
    in_the_way = [change for change in gone if change.name in names]
    return (
        *removed_routes(manifest, actual),
        *in_the_way,
        *made,
        *created_routes(manifest, actual),
        *(change for change in gone if change not in in_the_way),
    )


def removal_order(changes: Iterator[Change]) -> list[Change]:
    """Rules, triggers, sequences, actions, packages: what names another goes before it."""
    return sorted(changes, key=lambda change: -list(COLLECTIONS).index(change.kind))


def removal(collection: str, name: str, item: Mapping[str, Any]) -> Change:
    annotations = values(item.get("annotations"))
    kind = "sequence" if annotations.get("exec") == "sequence" else collection.removesuffix("s")
    feed = annotations.get("feed") if kind == "trigger" else None
    return Change("delete", kind, name, feed=(FeedCall("DELETE", feed),) if feed else ())


def _wanted(entity: Entity, manifest: Manifest, actual: Actual) -> Change:
    present = actual.details.get((entity.collection, entity.name))
    reading = actual.readings.get(entity.name, UNKNOWN) if entity.feed else UNKNOWN
    calls = feed_calls(entity, present, reading, actual.key)
    body = _body(entity, manifest, actual, reading)
    if present is None:
        return Change("create", entity.kind, entity.name, (), body, calls)
    fields = (
        *differences(entity, actual, body),
        *_ownership_fields(body, manifest, present),
        *feed_fields(entity, present, reading, calls, actual.key),
    )
    verb: Verb = "update" if fields or calls else "keep"
    note = _note(entity, manifest, present, reading)
    return Change(verb, entity.kind, entity.name, fields, body, calls, note=note)


def _body(entity: Entity, manifest: Manifest, actual: Actual, reading: Reading) -> dict[str, Any]:
    annotations = {
        **values(entity.body.get("annotations")),
        **ownership(entity, manifest, actual.namespace),
        **(routes_of(entity.name, manifest) if entity.collection == "actions" else {}),
        **({FEED_DIGEST: remembered(entity.feed.inputs, reading, actual.key)} if entity.feed else {}),
    }
    body = {**entity.body, "annotations": pairs(annotations)}
    present = actual.details.get((entity.collection, entity.name))
    return body if present is None else {**body, **_forgotten(entity, annotations, present, actual.limits)}


def _forgotten(
    entity: Entity, annotations: Mapping[str, Any], present: Mapping[str, Any], usual: Mapping[str, int]
) -> dict[str, Any]:
    """What an update must say so that a server drops it: what it is not told of an action, it keeps."""
    forgotten: dict[str, Any] = {}
    if entity.kind in ("package", "action", "trigger"):
        forgotten["parameters"] = _parameters(entity, present)
    if entity.kind == "action":
        limits = {**usual, **entity.body.get("limits", {})}
        now = present.get("limits", {})
        changed = any(name in now and now[name] != value for name, value in limits.items())
        forgotten |= {"limits": limits} if changed else {}
    if entity.kind in ("action", "sequence"):
        old = set(values(present.get("annotations"))) - set(annotations) - {"exec", "provide-api-key"}
        forgotten |= {"delAnnotations": sorted(old)} if old else {}
    return forgotten


def _parameters(entity: Entity, present: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a manifest says, and what a promotion said of an action."""
    wanted = entity.body.get("parameters") or []
    kept = promoted(present) if entity.kind == "action" else []
    return [*wanted, *(pair for pair in kept if pair["key"] not in values(wanted))]


def _ownership_fields(
    body: Mapping[str, Any], manifest: Manifest, present: Mapping[str, Any]
) -> Iterator[Field]:
    if not manifest.project:
        return
    owner = managed_by(present)
    if owner != manifest.project:
        yield Field("project", owner, manifest.project)
    needed, before = sorted(needs(body)), sorted(needs(present))
    if needed != before:
        yield Field("projectDeps", before, needed)


def _note(entity: Entity, manifest: Manifest, present: Mapping[str, Any], reading: Reading) -> str:
    owner = managed_by(present)
    if manifest.project and owner and owner != manifest.project:
        return (
            f"The {entity.kind} {entity.name} was the project {owner}'s and becomes {manifest.project}'s; "
            f"what else {owner} has stays, until `deepwhisk undeploy --projectname {owner}`."
        )
    if entity.feed and reading.reason and reading.state == "unknown":
        return f"The feed {entity.feed.name} does not say what it knows of {entity.name}: {reading.reason}"
    return ""


def _gone(manifest: Manifest, actual: Actual) -> Iterator[Change]:
    """What carries the project's name and is declared no longer."""
    wanted = {(entity.collection, entity.name) for entity in manifest.entities}
    for (collection, name), item in actual.listed.items():
        if manifest.project and managed_by(item) == manifest.project and (collection, name) not in wanted:
            yield removal(collection, name, item)
