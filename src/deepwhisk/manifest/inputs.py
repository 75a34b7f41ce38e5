"""The values of inputs and annotations: types, defaults and `$NAME` of the environment.

The environment is a mapping that the caller hands in. What a deployment file or the command line says of an
input is taken as it is and wins over the manifest.
"""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from deepwhisk.errors import ManifestError

MULTI_LINE = frozenset(("type", "description", "value", "required", "default", "status", "schema"))
ZERO: dict[str, Any] = {"string": "", "integer": 0, "float": 0, "boolean": False, "json": {}}
REFERENCE = re.compile(r"\$\$\{([^${}]+)\}|\$\{([^${}]+)\}|\$([^${}]+)")
BRACED = re.compile(r"\$\$\{([^${}]+)\}|\$\{([^${}]+)\}")
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Environ(dict[str, str]):
    """What names of the environment mean; remembers those that were asked for and have no value."""

    def __init__(self, values: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(values)
        self.unset: set[str] = set()

    def value(self, name: str) -> str:
        found = self.get(name, "")
        if not found:
            self.unset.add(name)
        return found


def interpolate(value: Any, environ: Environ, package: Mapping[str, Any] = NOTHING) -> Any:
    """Replace `${NAME}` anywhere, and `$NAME` where the text begins with a dollar; unset names are empty.

    A value that is one name and nothing else may also be the name of an input of the package.
    """
    if not isinstance(value, str) or not _refers(value):
        return value
    name = _single_reference(value)
    if name and not environ.get(name) and package.get(name) not in (None, ""):
        return package[name]

    def replaced(match: re.Match[str]) -> str:
        if match[1]:
            return f"${{{match[1]}}}"
        return environ.value(match[2] or match[3])

    return (REFERENCE if value.startswith("$") else BRACED).sub(replaced, value)


def annotations(found: Mapping[str, Any], environ: Environ) -> dict[str, Any]:
    return {key: interpolate(value, environ) for key, value in found.items()}


def given(found: Mapping[str, Any], environ: Environ) -> dict[str, Any]:
    """What a deployment file says of inputs: names are replaced, types are not looked at."""
    written = {key: entry.get("value") if _is_multi_line(entry) else entry for key, entry in found.items()}
    return {key: interpolate(value, environ) for key, value in written.items() if value is not None}


def project_inputs(
    found: Mapping[str, Any], environ: Environ, where: str, over: Mapping[str, Any]
) -> dict[str, Any]:
    """The inputs that all packages of a project have; an empty one is looked up under its own name."""
    return _with_own_names(_values(found, NOTHING, environ, where, over), environ)


def package_inputs(
    found: Mapping[str, Any],
    project: Mapping[str, Any],
    environ: Environ,
    where: str,
    over: Mapping[str, Any] = NOTHING,
) -> dict[str, Any]:
    """The parameters of a package; an empty `$NAME` is looked up in those of the project."""
    values = _with_own_names(_values(found, project, environ, where, over), environ)
    return _required(found, {**values, **over}, where)


def inputs(
    found: Mapping[str, Any],
    package: Mapping[str, Any],
    environ: Environ,
    where: str,
    over: Mapping[str, Any] = NOTHING,
) -> dict[str, Any]:
    """The parameters of an action or trigger; an empty `$NAME` is looked up in those of its package."""
    values = dict(_values(found, package, environ, where, over))
    return _required(found, {**values, **over}, where)


def _with_own_names(values: list[tuple[str, Any]], environ: Environ) -> dict[str, Any]:
    return {key: environ.get(key, "") if value == "" else value for key, value in values}


def _values(
    found: Mapping[str, Any],
    package: Mapping[str, Any],
    environ: Environ,
    where: str,
    over: Mapping[str, Any],
) -> list[tuple[str, Any]]:
    return [
        (key, over[key] if key in over else _value(key, entry, package, environ, where))
        for key, entry in found.items()
    ]


def _value(key: str, entry: Any, package: Mapping[str, Any], environ: Environ, where: str) -> Any:
    if not _is_multi_line(entry):
        zero = ZERO.get(entry) if isinstance(entry, str) else None
        return interpolate("" if entry is None else entry, environ, package) if zero is None else zero
    kind = entry.get("type")
    if kind is not None and kind not in ZERO:
        raise ManifestError(
            f"{where}: the input {key} has the type {kind!r}; a type is one of: {', '.join(ZERO)}."
        )
    value = _written(entry)
    if value is None:
        return ZERO[kind or "string"]
    return (
        _parsed(value) if kind == "json" and isinstance(value, str) else interpolate(value, environ, package)
    )


def _written(entry: Any) -> Any:
    """What the file says, before names of the environment are replaced."""
    if not _is_multi_line(entry):
        return entry
    value = entry.get("value")
    return entry.get("default") if value is None else value


def _is_multi_line(entry: Any) -> bool:
    return isinstance(entry, dict) and bool(entry) and entry.keys() <= MULTI_LINE


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text  # as wskdeploy leaves it


def _required(found: Mapping[str, Any], values: dict[str, Any], where: str) -> dict[str, Any]:
    """Refuse inputs that must have a value and have none."""
    missing = [
        key
        for key, entry in found.items()
        if _is_multi_line(entry) and entry.get("required") and not values.get(key)
    ]
    if missing:
        raise ManifestError(f"{where}: {_names(missing, found)} must have a value and {_has(missing)} none.")
    return values


def _names(missing: list[str], found: Mapping[str, Any]) -> str:
    written = {key: _written(found[key]) for key in missing}
    return ", ".join(
        f"{key} ({text})" if isinstance(text, str) and text else key for key, text in written.items()
    )


def _has(missing: list[str]) -> str:
    return "has" if len(missing) == 1 else "have"


def _refers(text: str) -> bool:
    return (text.startswith("$") and len(text) > 1) or ("${" in text and text.count("{") == text.count("}"))


def _single_reference(value: str) -> str | None:
    match = re.fullmatch(r"\$\{([^${}]+)\}|\$([^${}]+)", value)
    return (match[1] or match[2]) if match else None
