"""What makes two answers the same answer: the version of a model, and the arguments of a call, as digests.

Law: whatever could change an answer changes the digest. A value of which that cannot be said has none.
"""

import dataclasses
import datetime
import decimal
import enum
import hashlib
import json
import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deepwhisk_runtime import artifact

CHUNK = 1 << 20
PLAIN = (type(None), bool, int, float, str, complex, decimal.Decimal, uuid.UUID)
TIMES = (datetime.datetime, datetime.date, datetime.time, datetime.timedelta)
PASSED_OVER = ("__pycache__", "example", "tests")  # of a model's folder: what no answer depends on


class Unknowable(TypeError):
    """Raised for a value of which nobody can say whether it is the same as another."""


def version_of(folder: Path, weights: Path | None, trained: Path | None) -> str:
    """The model as it is loaded: its code, its weights, the training it was promoted to, what it runs in."""
    promoted = artifact.promoted()
    told = {
        "code": tree(folder),
        "weights": None if weights is None else stamps(weights),  # of gigabytes: they are not read for this
        "artifact": promoted["sha256"] if promoted else None if trained is None else tree(trained),
        "python": [sys.version, sys.prefix, os.fspath(Path(__file__).parent)],
    }
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def tree(path: Path) -> str:
    """The digest of a file, or of all files of a folder with their names."""
    hashed = hashlib.sha256()
    for each in sorted(path.rglob("*")) if path.is_dir() else (path,):
        inner = each.relative_to(path)
        if each.is_file() and not set(inner.parts) & set(PASSED_OVER):
            hashed.update(f"{inner}\0{file(each)}\0".encode("utf-8", "surrogateescape"))
    return hashed.hexdigest()


def stamps(path: Path) -> list[Any]:
    """Which files a folder holds, their sizes and times."""
    found = [(each, each.stat()) for each in sorted(path.rglob("*")) if each.is_file()]
    return [path.name, [(os.fspath(each), stat.st_size, stat.st_mtime_ns) for each, stat in found]]


def file(path: Path) -> str:
    """The digest of what a file holds."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def digest_of(version: str, arguments: Mapping[str, Any]) -> str:
    """The digest of one call; Unknowable when there is none."""
    hashed = hashlib.sha256(version.encode())
    for part in parts(dict(arguments)):
        hashed.update(f"{len(part)}:{part}".encode("utf-8", "surrogateescape"))
    return hashed.hexdigest()


def parts(value: Any) -> Iterator[str]:
    """Texts that two values have in common only when they are the same."""
    kind = type(value)
    yield kind.__qualname__
    if kind in PLAIN or kind in TIMES:
        yield repr(value)
    elif isinstance(value, Path):
        yield from (value.name, file(value))
    elif kind in (bytes, bytearray):
        yield hashlib.sha256(value).hexdigest()
    elif isinstance(value, enum.Enum):
        yield from (value.name, *parts(value.value))
    else:
        yield from inner(value)


def inner(value: Any) -> Iterator[str]:
    """The same of what holds others."""
    members: list[Any]
    if isinstance(value, dict):
        members = [each for name in sorted(value, key=text_of) for each in (name, value[name])]
    elif type(value) in (list, tuple):
        members = list(value)
    elif hasattr(value, "model_fields_set") and hasattr(value, "__dict__"):
        members = [dict(value.__dict__), dict(value.__pydantic_extra__ or {})]
    elif dataclasses.is_dataclass(value):
        members = [{each.name: getattr(value, each.name) for each in dataclasses.fields(value)}]
    elif hasattr(value, "tobytes") and hasattr(value, "mode") and hasattr(value, "size"):
        members = [value.mode, list(value.size), value.getbands(), value.tobytes()]  # a picture of PIL
    else:
        raise Unknowable(f"{type(value).__qualname__} is nothing to tell answers apart by")
    yield str(len(members))
    for each in members:
        yield from parts(each)


def text_of(name: Any) -> str:
    """By what the names of a mapping are put in order."""
    return f"{type(name).__qualname__} {name!r}"
