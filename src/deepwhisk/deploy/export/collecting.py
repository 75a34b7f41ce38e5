"""The entities that are to be exported, as a server has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deepwhisk.deploy.actual import Listed, list_all
from deepwhisk.deploy.feeding import Reading, read_feed
from deepwhisk.deploy.gateway import Gateway
from deepwhisk.deploy.managed import managed_by, values
from deepwhisk.deploy.routes import own_name
from deepwhisk.errors import WhiskError
from deepwhisk.manifest import Api
from deepwhisk.whisk import NOT_FOUND, Whisk

Key = tuple[str, str]  # collection, name


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is meant: a project, or packages with what fires their actions, or all of a namespace."""

    project: str = ""
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Collected:
    """Entities in full, by collection and name."""

    namespace: str
    project: str
    entities: Mapping[Key, Mapping[str, Any]]
    providers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # binding → what it binds
    readings: Mapping[str, Reading] = field(default_factory=dict)
    routes: tuple[Api, ...] = ()

    def of(self, collection: str) -> dict[str, Mapping[str, Any]]:
        return {name: found for (kind, name), found in sorted(self.entities.items()) if kind == collection}


def collect(chosen: Chosen, whisk: Whisk, gateway: Gateway) -> Collected:
    """Ask the server for what is meant. Raises WhiskError when there is nothing."""
    namespace = whisk.namespace()
    listed = list_all(whisk, namespace)
    names = _with_packages(_meant(chosen, listed, namespace))
    if not names:
        meant = chosen.project or ", ".join(chosen.packages) or f"the namespace {namespace}"
        raise WhiskError(f"There is nothing to export of {meant} at {whisk.apihost}.", NOT_FOUND)
    entities = {key: whisk.get(*key) for key in sorted(names)}
    actions = {name for collection, name in names if collection == "actions"}
    return Collected(
        namespace,
        chosen.project,
        entities,
        _providers(entities, whisk),
        _readings(entities, whisk),
        _routes(actions, entities, namespace, gateway),
    )


def _meant(chosen: Chosen, listed: Listed, namespace: str) -> set[Key]:
    if chosen.project:
        return {key for key, item in listed.items() if managed_by(item) == chosen.project}
    if not chosen.packages:
        return set(listed)
    inside = {
        (collection, name)
        for collection, name in listed
        if (collection == "packages" and name in chosen.packages)
        or (collection == "actions" and name.rpartition("/")[0] in chosen.packages)
    }
    return inside | _firing(inside, listed, namespace)


def _firing(actions: set[Key], listed: Listed, namespace: str) -> set[Key]:
    """The rules that lead to these actions, and their triggers."""
    found: set[Key] = set()
    for (collection, name), item in listed.items():
        if collection == "rules" and ("actions", _own(item["action"], namespace)) in actions:
            trigger = ("triggers", _own(item["trigger"], namespace))
            found |= {("rules", name)} | ({trigger} if trigger in listed else set())
    return found


def _own(path: Mapping[str, str], namespace: str) -> str:
    return f"{path['path']}/{path['name']}".removeprefix(f"{namespace}/")


def _with_packages(names: set[Key]) -> set[Key]:
    """An action is written in its package, whosever that is."""
    return names | {
        ("packages", name.partition("/")[0]) for kind, name in names if kind == "actions" and "/" in name
    }


def _providers(entities: Mapping[Key, Mapping[str, Any]], whisk: Whisk) -> dict[str, Mapping[str, Any]]:
    """What packages are bound to, as far as this key may read it."""
    found: dict[str, Mapping[str, Any]] = {}
    for (collection, name), entity in entities.items():
        bound = entity.get("binding") if collection == "packages" else None
        if bound:
            try:
                found[name] = whisk.get("packages", f"/{bound['namespace']}/{bound['name']}")
            except WhiskError:
                found[name] = {}
    return found


def _readings(entities: Mapping[Key, Mapping[str, Any]], whisk: Whisk) -> dict[str, Reading]:
    feeds = {
        name: str(values(entity.get("annotations")).get("feed") or "")
        for (collection, name), entity in entities.items()
        if collection == "triggers"
    }
    return {name: read_feed(_absolute(feed), name, whisk) for name, feed in feeds.items() if feed}


def _absolute(feed: str) -> str:
    return feed if feed.startswith("/") else f"/_/{feed}"


def _routes(
    actions: set[str], entities: Mapping[Key, Mapping[str, Any]], namespace: str, gateway: Gateway
) -> tuple[Api, ...]:
    web = [name for name in actions if _is_web(entities["actions", name])]
    try:
        found = gateway.routes() if web else ()
    except WhiskError as error:
        if error.status != NOT_FOUND:
            raise
        return ()  # there is no gateway
    return tuple(api for api in found if own_name(api, namespace) in actions)


def _is_web(action: Mapping[str, Any]) -> bool:
    return values(action.get("annotations")).get("web-export") is True
