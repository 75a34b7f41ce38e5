"""Taking a project away: what carries its name goes, in an order in which nothing is in use when it goes.

Projects that it needs go with it, unless another project needs them too. A manifest without a project names
what goes; what belongs to a project stays then.
"""

from collections.abc import Iterator

from deepwhisk.deploy.actual import Listed, list_all
from deepwhisk.deploy.change import Change
from deepwhisk.deploy.gateway import Gateway, own_routes
from deepwhisk.deploy.managed import managed_by, needs
from deepwhisk.deploy.planning import removal, removal_order
from deepwhisk.deploy.routes import own_name, stale, wanted_routes
from deepwhisk.deploy.routing import named
from deepwhisk.errors import WhiskError
from deepwhisk.manifest import Api, Manifest
from deepwhisk.whisk import NOT_FOUND, Whisk


def plan_removal(manifest: Manifest, whisk: Whisk, gateway: Gateway | None = None) -> tuple[Change, ...]:
    """What taking a project away would do. Of the manifest, its project's name is enough."""
    namespace = whisk.namespace()
    listed = list_all(whisk, namespace)
    gone = dict(_gone(manifest, listed))
    routes = _routes(manifest, gone, namespace, gateway or Gateway(whisk))
    return (
        *(Change("delete", "api", named(api), api=api) for api in routes),
        *removal_order(removal(collection, name, item) for (collection, name), item in gone.items()),
    )


def _gone(manifest: Manifest, listed: Listed) -> Iterator[tuple[tuple[str, str], dict[str, object]]]:
    projects = _projects(manifest.project, listed) if manifest.project else {None}
    named = {(entity.collection, entity.name) for entity in manifest.entities}
    for key, item in listed.items():
        if managed_by(item) in projects and (manifest.project or key in named):
            yield key, dict(item)


def _projects(name: str, listed: Listed) -> set[str | None]:
    """A project, and those that only it and such projects need."""
    gone: set[str | None] = {name}
    packages = [item for (collection, _), item in listed.items() if collection == "packages"]
    needed = [
        (managed_by(item), other) for item in packages for other in needs(item).values() if other is not None
    ]
    while (
        found := {
            other
            for user, other in needed
            if user in gone and all(one in gone for one, it in needed if it == other)
        }
        - gone
    ):
        gone |= found
    return gone


def _routes(manifest: Manifest, gone: Listed, namespace: str, gateway: Gateway) -> list[Api]:
    """The routes to what goes: those that its actions remember, and those that the manifest says."""
    actions = {name: item for (collection, name), item in gone.items() if collection == "actions"}
    owned = [api for name, item in actions.items() for api in own_routes(name, item)]
    said = [api for api in wanted_routes(manifest) if own_name(api, namespace) in actions]
    bases = {api.base for api in (*owned, *said)}
    try:
        present = gateway.routes(bases) if bases else ()
    except WhiskError as error:
        if error.status != NOT_FOUND:
            raise
        return []  # where there is no gateway, no route is left
    return list(dict.fromkeys(stale((*owned, *said), (), present, namespace)))
