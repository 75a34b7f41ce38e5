"""Paths of APIs: `/books/{id}`, what they may look like, and their parameters."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

Json = dict[str, Any]

_PARAMETER = re.compile(r"\{([^{}/]+)\}")


class Unfit(Exception):
    """Raised when a document does not describe an API that can be served; says why."""


def check_base(base: Any) -> str:
    """BASE without a slash at its end."""
    _check_slash(base)
    if "{" in base:
        text = "cannot have parameters. Only the relative path supports path parameters."
        raise Unfit(f"The base path ({base}) {text}")
    return check_path("/" + base.strip("/"))


def check_path(path: Any) -> str:
    _check_slash(path)
    if "?" in path or "#" in path:
        raise Unfit(f"'{path}' is no path: it holds '?' or '#'.")
    for part in path.split("/"):
        if ("{" in part or "}" in part) and not _PARAMETER.fullmatch(part):
            raise Unfit(f"In '{path}' a parameter must stand alone between slashes, as in '/books/{{id}}'.")
    return str(path)


def _check_slash(path: Any) -> None:
    if not isinstance(path, str) or not path.startswith("/"):
        raise Unfit(f"'{path}' must begin with '/'.")


def segments(path: str) -> tuple[str | None, ...]:
    """What lies between the slashes, None for a parameter; a slash at the end means nothing."""
    parts = path.strip("/").split("/") if path.strip("/") else []
    return tuple(None if _PARAMETER.fullmatch(part) else unquote(part) for part in parts)


def parameter_names(path: str) -> list[str]:
    return list(dict.fromkeys(_PARAMETER.findall(path)))


def declarations(path: str, given: Iterable[Any]) -> list[Json]:
    """What a client declared of the parameters in PATH, and the usual for what it left out."""
    known = {str(each.get("name")): each for each in given if isinstance(each, dict)}
    return [known.get(name) or _declaration(name) for name in parameter_names(path)]


def _declaration(name: str) -> Json:
    text = f"Default description for '{name}'"
    return {"name": name, "in": "path", "description": text, "required": True, "type": "string"}


def check_declared(path: str, *places: Json) -> None:
    """Each parameter in PATH is declared in one of PLACES."""
    known: set[str] = set()
    for place in places:
        declared = place.get("parameters", [])
        if not isinstance(declared, list):
            raise Unfit(f"'parameters' of path '{path}' must be an array.")
        known.update(str(each.get("name")) for each in declared if isinstance(each, dict))
    for name in parameter_names(path):
        if name not in known:
            text = "does not match any of the parameters defined for the path in the swagger file."
            raise Unfit(f"The parameter '{name}' defined in path '{path}' {text}")
