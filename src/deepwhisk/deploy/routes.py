"""The routes that a manifest wants, beside those that a gateway has."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deepwhisk.deploy.gateway import Key, key_of, read_routes
from deepwhisk.manifest import Api, Manifest


def wanted_routes(manifest: Manifest) -> tuple[Api, ...]:
    """The routes that a manifest says, itself or in a swagger document."""
    return (*manifest.apis, *(read_routes(document(manifest)) if manifest.swagger else ()))


def document(manifest: Manifest) -> dict[str, Any]:
    """The swagger document of a manifest."""
    found: dict[str, Any] = json.loads(manifest.swagger)
    return found


def by_key(apis: Iterable[Api]) -> dict[Key, Api]:
    return {key_of(api): api for api in apis}


def leads_elsewhere(wanted: Api, present: Mapping[Key, Api], namespace: str) -> bool:
    """Whether a gateway has no such route, or one to another action or in another form."""
    found = present.get(key_of(wanted))
    return found is None or (own_name(found, namespace), found.response) != (
        own_name(wanted, namespace),
        wanted.response,
    )


def own_name(api: Api, namespace: str) -> str:
    return api.action.removeprefix(f"/{namespace}/").removeprefix("/_/")


def stale(
    owned: Iterable[Api], wanted: Iterable[Api], present: Iterable[Api], namespace: str
) -> Iterator[Api]:
    """What a project made and wants no longer, as far as it still leads to the project's action."""
    kept, found = by_key(wanted), by_key(present)
    for api in owned:
        there = found.get(key_of(api))
        if key_of(api) not in kept and there is not None and own_name(there, namespace) == api.action:
            yield there
