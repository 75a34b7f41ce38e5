"""What happens to the routes of a gateway: those that go, before their actions; those that come, after."""

from collections.abc import Iterator
from typing import Any

from deepwhisk.deploy.actual import Actual
from deepwhisk.deploy.change import Change, Field, Verb
from deepwhisk.deploy.feeding import digest
from deepwhisk.deploy.gateway import OWN_ROUTES, SECURED, annotation, key_of, own_routes
from deepwhisk.deploy.managed import managed_by, values
from deepwhisk.deploy.routes import (
    by_key,
    document,
    leads_elsewhere,
    own_name,
    stale,
    wanted_routes,
)
from deepwhisk.manifest import Api, Manifest


def routes_of(action: str, manifest: Manifest) -> dict[str, Any]:
    """The annotation of an action that routes lead to; the digest of the document that says some of them."""
    found = annotation(wanted_routes(manifest), action)
    if found and manifest.swagger:
        found[OWN_ROUTES] = [*found[OWN_ROUTES], _document_digest(manifest)]
    return found


def removed_routes(manifest: Manifest, actual: Actual) -> Iterator[Change]:
    """The routes that this project made to actions that are its own, and that are declared no longer."""
    owned = [
        api
        for (collection, name), item in actual.listed.items()
        if collection == "actions" and manifest.project and managed_by(item) == manifest.project
        for api in own_routes(name, item)
    ]
    for api in stale(owned, wanted_routes(manifest), actual.routes, actual.namespace):
        yield Change("delete", "api", named(api), api=api)


def created_routes(manifest: Manifest, actual: Actual) -> Iterator[Change]:
    """The routes that are not there, or lead elsewhere. Of two descriptions the document is first."""
    if manifest.swagger:
        yield _load(manifest, actual)
    for api in manifest.apis:
        yield _route(api, manifest, actual)


def named(api: Api) -> str:
    return f"{api.method.lower()} {api.base.rstrip('/')}{api.path}"


def _route(api: Api, manifest: Manifest, actual: Actual) -> Change:
    there = by_key(actual.routes).get(key_of(api))
    secret = _secret(api.action, manifest)
    body = {} if secret is None else {"secret": secret}
    if there is None:
        return Change("create", "api", named(api), body=body, api=api)
    fields = [
        Field(name, before, after)
        for name, before, after in (
            ("action", own_name(there, actual.namespace), own_name(api, actual.namespace)),
            ("response", there.response, api.response),
        )
        if before != after
    ]
    if secret != _present_secret(api.action, actual):
        fields.append(Field(SECURED, "another", "this one"))
    return Change("update" if fields else "keep", "api", named(api), tuple(fields), body, api=api)


def _load(manifest: Manifest, actual: Actual) -> Change:
    present, wanted = (
        by_key(actual.routes),
        [api for api in wanted_routes(manifest) if api not in manifest.apis],
    )
    base = str(document(manifest).get("basePath", "/"))
    body = {"swagger": manifest.swagger}
    missing = [named(api) for api in wanted if leads_elsewhere(api, present, actual.namespace)]
    if missing and not any(api.base == base for api in actual.routes):
        return Change("create", "api", base, body=body)
    known = _known_digests(wanted, actual)
    changed = [Field("swagger", ", ".join(known) or None, _document_digest(manifest))]
    differs = bool(missing) or (bool(known) and known != {_document_digest(manifest)})
    verb: Verb = "update" if differs else "keep"
    return Change(verb, "api", base, tuple(changed) if differs else (), body)


def _known_digests(wanted: list[Api], actual: Actual) -> set[str]:
    """The documents that the actions behind these routes remember."""
    found = [actual.details.get(("actions", own_name(api, actual.namespace)), {}) for api in wanted]
    remembered = [said for one in found for said in values(one.get("annotations")).get(OWN_ROUTES) or ()]
    return {str(said) for said in remembered if str(said).startswith("swagger ")}


def _document_digest(manifest: Manifest) -> str:
    return f"swagger {digest(document(manifest))}"


def _secret(action: str, manifest: Manifest) -> Any:
    """What a gateway must show a web action that is not for everybody."""
    bodies = [one.body for one in manifest.entities if one.collection == "actions" and one.name == action]
    return _shown(bodies[0]) if bodies else None


def _present_secret(action: str, actual: Actual) -> Any:
    return _shown(actual.details.get(("actions", action), {}))


def _shown(entity: Any) -> Any:
    found = values(entity.get("annotations")).get(SECURED)
    return found if isinstance(found, str | int) and not isinstance(found, bool) else None
