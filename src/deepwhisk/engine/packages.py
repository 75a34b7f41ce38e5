"""`…/packages`: actions under one name with parameters of their own, and bindings to such."""

from dataclasses import replace
from typing import Any

from aiohttp.web import Response

from deepwhisk.engine.changes import check_overwrite, new_annotations, new_parameters, read_common
from deepwhisk.engine.entities import Action, Package
from deepwhisk.engine.exchange import Exchange, reply
from deepwhisk.engine.lists import list_entities
from deepwhisk.engine.names import Name, is_name
from deepwhisk.engine.parameters import annotations_json, is_truthy
from deepwhisk.engine.platform import Platform
from deepwhisk.engine.problems import Problem, forbidden, malformed
from deepwhisk.engine.targets import readable_package


async def list_all(platform: Platform, exchange: Exchange) -> Response:
    """All of one's own, and those that another namespace shares."""
    mine = exchange.namespace == exchange.caller.namespace
    packages = platform.registry.newest(Package, exchange.namespace)
    return list_entities(exchange, "packages", (each for each in packages if mine or each.publish))


async def get(platform: Platform, exchange: Exchange, name: Name) -> Response:
    if exchange.namespace == exchange.caller.namespace and platform.registry.find(Package, name) is None:
        raise Problem(404, f"The requested resource '{name.id}' does not exist.")
    provider, binding = readable_package(platform.registry, name, exchange.caller.namespace)
    parameters = {**provider.parameters, **(binding.parameters if binding else {})}
    shown = (binding or provider).as_json(parameters)
    held = list(platform.registry.newest(Action, provider.name.namespace, provider.name.name))
    shown["actions"] = [_entry(action) for action in held if not _is_feed(action)]
    shown["feeds"] = [_entry(action) for action in held if _is_feed(action)]
    return reply(shown)


def _is_feed(action: Action) -> bool:
    return is_truthy(action.annotations, "feed")


def _entry(action: Action) -> dict[str, Any]:
    annotations = annotations_json(action.annotations)
    return {"name": action.name.name, "version": action.version, "annotations": annotations}


async def delete(platform: Platform, exchange: Exchange, name: Name) -> Response:
    force = exchange.flag("force")
    exchange.own(name.name)
    package = platform.registry.get(Package, name)
    held = list(platform.registry.newest(Action, name.namespace, name.name))
    if held and not force:
        contents = "1 entity" if len(held) == 1 else f"{len(held)} entities"
        raise Problem(
            409, f"Package not empty (contains {contents}). Set force param or delete package contents."
        )
    platform.registry.delete([package, *held])
    return reply(package.as_json())


async def put(platform: Platform, exchange: Exchange, name: Name) -> Response:
    body = await exchange.content()
    exchange.own(name.name)
    if name.name == "default":
        raise Problem(400, "Package name 'default' is reserved.")
    parameters = new_parameters(body, platform.tables.of(name.namespace))
    annotations = new_annotations(body, platform.tables.of(name.namespace))
    old = platform.registry.find(Package, name)
    binding = _read_binding(body, exchange)
    check_overwrite(exchange, old)
    if binding is not None:
        _check_binding(platform, exchange, old, binding)
    kept = old or Package(name=name)
    package = replace(
        kept,
        binding=binding or kept.binding,
        parameters=kept.parameters if parameters is None else parameters,
        **read_common(body, old),
    )
    marked = _mark(package, dict(kept.annotations if annotations is None else annotations))
    return reply(platform.registry.put(marked).as_json())


def _mark(package: Package, annotations: dict[str, Any]) -> Package:
    """The annotation `binding` is the server's own."""
    annotations.pop("binding", None)
    if package.binding is not None:
        annotations["binding"] = package.binding_json()
    return replace(package, annotations=annotations)


def _read_binding(body: dict[str, Any], exchange: Exchange) -> Name | None:
    asked = body.get("binding")
    if not asked:
        return None
    if not isinstance(asked, dict):
        raise malformed("Object expected in field 'namespace'")
    for member in ("namespace", "name"):
        if member not in asked:
            raise malformed(f"Object is missing required member '{member}'")
    namespace, name = asked["namespace"], asked["name"]
    if not (isinstance(namespace, str) and isinstance(name, str) and is_name(namespace) and is_name(name)):
        raise malformed("'binding' must name a package by its 'namespace' and 'name'")
    return Name(exchange.caller.namespace if namespace == "_" else namespace, None, name)


def _check_binding(platform: Platform, exchange: Exchange, old: Package | None, binding: Name) -> None:
    if old is not None and old.binding is None:
        raise Problem(409, "Resource is a package and cannot be converted into a binding.")
    try:
        provider = platform.registry.find(Package, binding)
    except Problem:
        raise Problem(409, "Cannot bind to a resource that is not a package.") from None
    if binding.namespace != exchange.caller.namespace and (provider is None or not provider.publish):
        raise forbidden(binding.id)
    if provider is None:
        raise Problem(400, "Binding references a package that does not exist.")
    if provider.binding is not None:
        raise Problem(400, "Cannot bind to another package binding.")
