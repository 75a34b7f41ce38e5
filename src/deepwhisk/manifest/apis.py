"""The `apis` of a package: routes of the gateway, each in front of an action or sequence of that package.

apis:
  title:
    base:
      path/{id}:
        action: {method: get, response: http}
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from deepwhisk.errors import ManifestError
from deepwhisk.manifest.entities import Api, Entity
from deepwhisk.manifest.names import in_package
from deepwhisk.manifest.source import Source
from deepwhisk.manifest.web import annotated, exported

METHODS = ("get", "put", "post", "delete")
RESPONSES = ("http", "json", "html", "text", "svg")


def read_apis(package: str, found: Mapping[str, Any], source: Source) -> tuple[Api, ...]:
    """The routes of a package's `apis`. Raises ManifestError with the line of what is wrong."""
    return tuple(
        _route(title, base, path, in_package(action, package), methods, action, source)
        for title, bases in found.items()
        for base, paths in bases.items()
        for path, methods in paths.items()
        for action in methods
    )


def _route(
    title: str, base: str, path: str, name: str, methods: Mapping[str, Any], action: str, source: Source
) -> Api:
    where = source.at(methods, action, f"the route {title}")
    base, path = _rooted(base), _rooted(path)
    method, response = methods[action].get("method", ""), methods[action].get("response", "")
    if method.lower() not in METHODS:
        raise ManifestError(
            f"{where}: the method of {base}{path} is {method!r}; it is one of: {_list(METHODS)}."
        )
    if "{" in base:
        raise ManifestError(f"{where}: the base path {base} has a parameter; only the path below it may.")
    response = response or ("http" if "{" in path else "json")
    if response not in RESPONSES:
        raise ManifestError(
            f"{where}: the response of {base}{path} is {response!r}; it is one of: {_list(RESPONSES)}."
        )
    if "{" in path and response != "http":
        raise ManifestError(
            f"{where}: {path} has a parameter, which only an action of the response http is told."
        )
    return Api(title, base, path, method.lower(), name, response, where)


def check_apis(apis: Iterable[Api], entities: Mapping[str, Entity]) -> None:
    """Raises ManifestError for two actions on one route, or an action that is not of the package."""
    seen: dict[tuple[str, str, str], Api] = {}
    for api in apis:
        if api.action not in entities:
            raise ManifestError(f"{api.where}: its action {api.action} is none of the package.")
        if other := seen.get((api.base, api.path, api.method)):
            raise ManifestError(
                f"{api.where}: {api.method} {api.base}{api.path} is both {other.action} and {api.action}."
            )
        seen[api.base, api.path, api.method] = api


def on_the_web(entities: Iterable[Entity], apis: Iterable[Api], source: Source) -> Iterator[Entity]:
    """The entities, of which those that a route names are web actions."""
    routed = {api.action: api for api in apis}
    for entity in entities:
        api = routed.get(entity.name) if entity.kind in ("action", "sequence") else None
        yield entity if api is None else _exported(entity, api, source)


def _exported(entity: Entity, api: Api, source: Source) -> Entity:
    found = exported(entity)
    if found:
        return entity
    if found is False or source.strict:
        raise ManifestError(f"{api.where}: {entity.name} is not a web action; give it `web: true`.")
    source.warn(api.where, f"{entity.name} has no web-export; it is deployed as a web action.")
    return replace(entity, body=annotated(entity.body))


def _rooted(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def _list(words: Iterable[str]) -> str:
    return ", ".join(words)
