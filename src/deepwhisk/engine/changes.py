"""What every PUT has in common: the members all entities share, versions, and when to refuse."""

import re
from typing import Any, TypedDict, TypeVar

from deepwhisk.engine.entities import Entity
from deepwhisk.engine.exchange import Exchange
from deepwhisk.engine.limits import Limits
from deepwhisk.engine.parameters import Parameter, Parameters, check_size, read_annotations, read_parameters
from deepwhisk.engine.problems import already_exists, malformed

E = TypeVar("E", bound=Entity)
_VERSION = re.compile(r"(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?", re.ASCII)


class Common(TypedDict):
    version: str
    publish: bool


def check_overwrite(exchange: Exchange, old: Entity | None) -> None:
    if not exchange.flag("overwrite") and old is not None:
        raise already_exists()


def read_common(body: dict[str, Any], old: Entity | None) -> Common:
    return {"version": _version(body, old), "publish": _publish(body, old)}


def _publish(body: dict[str, Any], old: Entity | None) -> bool:
    publish = body.get("publish")
    if publish is None:
        return old.publish if old else False
    if not isinstance(publish, bool):
        text = f'"{publish}"' if isinstance(publish, str) else publish
        raise malformed(f"Expected JsBoolean, but got {text}")
    return publish


def _version(body: dict[str, Any], old: Entity | None) -> str:
    asked = body.get("version")
    if asked is not None:
        return _read_version(asked)
    if old is None:
        return "0.0.1"
    major, minor, patch = old.version.split(".")
    return f"{major}.{minor}.{int(patch) + 1}"


def _read_version(asked: Any) -> str:
    found = _VERSION.fullmatch(asked.strip()) if isinstance(asked, str) else None
    numbers = [int(number or 0) for number in found.groups()] if found else []
    if not any(numbers):
        raise malformed("semantic version malformed")
    return ".".join(map(str, numbers))


def new_parameters(body: dict[str, Any], limits: Limits) -> Parameters | None:
    """Those of the body, or nothing when it has none."""
    if body.get("parameters") is None:
        return None
    parameters: dict[str, Parameter] = read_parameters(body["parameters"])
    values = {key: parameter.value for key, parameter in parameters.items()}
    check_size("parameters", values, limits.max_parameters)
    return parameters


def new_annotations(body: dict[str, Any], limits: Limits) -> dict[str, Any] | None:
    """Those of the body, or nothing when it has none."""
    if body.get("annotations") is None:
        return None
    annotations = read_annotations(body["annotations"])
    check_size("annotations", annotations, limits.max_parameters)
    return annotations
