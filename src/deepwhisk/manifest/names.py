"""Names of entities, and how one entity names another."""

import re
from collections.abc import Mapping
from typing import Any

from deepwhisk.errors import ManifestError

SEGMENT = re.compile(r"[\w]([\w@ .&-]{0,254}[\w@.&-])?", re.ASCII)
DEFAULT = "default"  # the package that is none: its actions have bare names


def checked(name: str, what: str, file: str) -> str:
    """The name of an entity. Raises ManifestError when no server takes it."""
    if not SEGMENT.fullmatch(name):
        raise ManifestError(
            f"{file}: {name!r} cannot name {what}: a name begins with a letter, digit or '_', "
            "holds those and '@ .&-', ends without a space and has at most 256 characters."
        )
    return name


def in_package(name: str, package: str) -> str:
    """`a` of the package p is `p/a`; of the package default, `a`."""
    return name if package.lower() == DEFAULT else f"{package}/{name}"


def absolute(name: str, package: str = DEFAULT) -> str:
    """An action as sequences and rules name it, `/_/p/a`; a bare name is of the package that names it."""
    name = name.strip()
    if name.startswith("/"):
        return name
    return f"/_/{name if '/' in name else in_package(name, package)}"


def local(path: str) -> str | None:
    """The name below the own namespace of `/_/p/a`; None for a foreign namespace."""
    return path.removeprefix("/_/") if path.startswith("/_/") else None


def pairs(key: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """A member of a body that is a list of keys and values; nothing where there are none."""
    return {key: [{"key": name, "value": value} for name, value in values.items()]} if values else {}
