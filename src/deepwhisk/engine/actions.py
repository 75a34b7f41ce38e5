"""`…/actions`: put, get, delete and list what can be invoked."""

import base64
import binascii
from dataclasses import replace
from typing import Any

from aiohttp.web import Response

from deepwhisk.engine.changes import check_overwrite, new_annotations, new_parameters, read_common
from deepwhisk.engine.entities import Action, Exec, Package
from deepwhisk.engine.exchange import Exchange, reply
from deepwhisk.engine.kinds import BLACKBOX, SEQUENCE, check_image
from deepwhisk.engine.limits import ActionLimits, Limits, read_limits
from deepwhisk.engine.lists import list_entities
from deepwhisk.engine.names import Name
from deepwhisk.engine.parameters import Parameter, Parameters
from deepwhisk.engine.platform import Platform
from deepwhisk.engine.problems import Problem, malformed, too_large
from deepwhisk.engine.sequences import check_components, read_components
from deepwhisk.engine.targets import find_action, readable_package, target


async def list_all(platform: Platform, exchange: Exchange) -> Response:
    exchange.own()
    return list_entities(exchange, "actions", platform.registry.newest(Action, exchange.namespace))


async def list_package(platform: Platform, exchange: Exchange, package: str) -> Response:
    provider, _ = readable_package(platform.registry, exchange.name(package), exchange.caller.namespace)
    home = provider.name
    return list_entities(exchange, "actions", platform.registry.newest(Action, home.namespace, home.name))


async def get(platform: Platform, exchange: Exchange, name: Name) -> Response:
    with_code = exchange.flag("code", True)
    found = find_action(platform.registry, name, exchange.caller.namespace)
    shown = found.action.as_json(
        platform.registry.code(found.action) if with_code else None, found.parameters()
    )
    if found.binding is not None and not with_code:
        shown["binding"] = found.binding.name.id
    return reply(shown)


async def delete(platform: Platform, exchange: Exchange, name: Name) -> Response:
    exchange.own(name.local)
    _check_home(platform, name)
    action = platform.registry.get(Action, name)
    code = platform.registry.code(action)
    platform.registry.delete([action])
    return reply(action.as_json(code))


async def put(platform: Platform, exchange: Exchange, name: Name) -> Response:
    body = await exchange.content()
    exchange.own(name.local)
    old = None if name.package and not _check_home(platform, name) else platform.registry.find(Action, name)
    run, code = _read_exec(body, name, platform)
    _check_kind(platform, name.namespace, run)
    check_overwrite(exchange, old)
    if run is None and old is None:
        raise Problem(400, "exec undefined")
    action = _changed(platform, body, name, old, run)
    stored = platform.registry.put(action, code)
    if not stored.is_sequence:
        _prepare(platform, exchange, name)
    return reply(stored.as_json(platform.registry.code(stored)))


def _check_kind(platform: Platform, namespace: str, run: Exec | None) -> None:
    """A namespace may be for actions of some kinds only."""
    kinds = platform.tables.of(namespace).kinds
    if run is not None and kinds is not None and run.kind not in kinds:
        text = f"The supplied authentication is not authorized to access actions of kind '{run.kind}'."
        raise Problem(403, text)


def _check_home(platform: Platform, name: Name) -> bool:
    """Actions are changed in the package that holds them, not through a binding."""
    if name.package is None:
        return True
    package = platform.registry.get(Package, Name(name.namespace, None, name.package))
    if package.binding is not None:
        raise Problem(400, "Operation not permitted on package binding.")
    return True


def _prepare(platform: Platform, exchange: Exchange, name: Name) -> None:
    executable = target(platform.registry, name, exchange.caller).executable
    if executable is not None:
        platform.pool.prepare(executable)


def _changed(
    platform: Platform, body: dict[str, Any], name: Name, old: Action | None, run: Exec | None
) -> Action:
    kept = old or Action(name=name, exec=Exec(kind=SEQUENCE))
    new, table = run or kept.exec, platform.tables.of(name.namespace)
    if run is not None and run.kind == SEQUENCE:
        check_components(
            platform.registry, name, run.components, name.namespace, platform.limits.sequence_length
        )
    return replace(
        kept,
        exec=new,
        parameters=_parameters(body, old, new, table),
        limits=read_limits(body, kept.limits if old else table.fitting(ActionLimits()), table),
        annotations=_annotations(body, old, new, table),
        **read_common(body, old),
    )


def _parameters(body: dict[str, Any], old: Action | None, new: Exec, table: Limits) -> Parameters:
    if new.kind == SEQUENCE:
        return {"_actions": Parameter([f"/{component.id}" for component in new.components])}
    asked = new_parameters(body, table)
    if asked is not None:
        return asked
    return old.parameters if old and not old.is_sequence else {}


def _annotations(body: dict[str, Any], old: Action | None, new: Exec, table: Limits) -> dict[str, Any]:
    """The body's over the old ones, without those it names to be removed."""
    removed = body.get("delAnnotations")
    gone = set(map(str, removed)) if isinstance(removed, list) else set()
    kept = {} if old is None else old.annotations
    merged = {key: value for key, value in kept.items() if key not in gone}
    merged |= new_annotations(body, table) or {}
    if old is None:
        merged.setdefault("provide-api-key", False)
    return {**merged, "exec": new.kind}


def _read_exec(body: dict[str, Any], name: Name, platform: Platform) -> tuple[Exec | None, str | None]:
    """What the body wants run, and its code."""
    asked = body.get("exec")
    if asked is None:
        return None, None
    if not isinstance(asked, dict):
        raise malformed("JSON object expected")
    if not isinstance(asked.get("kind"), str):
        raise malformed("'kind' must be a string defined in 'exec'")
    kind = platform.registry.kinds.resolve(asked["kind"])
    if kind == SEQUENCE:
        components = read_components(asked.get("components"), name.namespace)
        return Exec(kind=kind, components=components, has_code=False), ""
    image = _read_image(asked) if kind == BLACKBOX else None
    code = _read_code(asked, kind, platform.limits.max_code)
    main = _read_main(asked, kind)
    return Exec(
        kind=kind, binary=_is_binary(code), main=main, image=image, has_code=code is not None
    ), code or ""


def _read_image(asked: dict[str, Any]) -> str:
    image = asked.get("image")
    if not isinstance(image, str):
        raise malformed("'image' must be a string defined in 'exec' for 'blackbox' actions")
    return check_image(image.strip())


def _read_code(asked: dict[str, Any], kind: str, limit: int) -> str | None:
    code = asked.get("code")
    if kind == BLACKBOX and (code is None or (isinstance(code, str) and not code.strip())):
        return None
    if code is None or isinstance(code, bool | list | dict):
        raise malformed(
            f"'code' must be a string or attachment object defined in 'exec' for '{kind}' actions"
        )
    if not isinstance(code, str):
        raise malformed(f"Could not deserialize as attachment record: {code}")
    size = len(code.encode())
    if size > limit:
        raise too_large("exec", size, limit)
    return code


def _read_main(asked: dict[str, Any], kind: str) -> str | None:
    main = asked.get("main")
    if main is not None and not isinstance(main, str):
        raise malformed(f"if defined, 'main' be a string in 'exec' for '{kind}' actions")
    return main


def _is_binary(code: str | None) -> bool:
    """Strict base64 with padding is a zip; whatever the client says, and even for the text `main`."""
    text = (code or "").strip()
    if not text or len(text) % 4:
        return False
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
