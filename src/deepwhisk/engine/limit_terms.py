"""Limits by the names that OpenWhisk's operators know: what `--limits FILE`, `user limits` and the API say.

Each term is checked on its own where it is read; `check` says what does not go together.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from deepwhisk.engine.limits import MB, Limits

Terms = Mapping[str, Any]

UNITS = {"B": 1, "KB": 1 << 10, "MB": MB}
_SIZE = re.compile(r"(\d{1,12}) ?(B|KB|MB)", re.ASCII | re.IGNORECASE)
_LARGEST = 50 * MB  # what a request's body may have
_MOST = 10**9


@dataclass(frozen=True, slots=True)
class Term:
    """One limit: the field of `Limits` it sets, and how its values are read; a ValueError says why not."""

    field: str
    read: Callable[[Any], Any]


def _whole(low: int, unit: str = "") -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= _MOST:
            raise ValueError(f"must be a whole number{unit} from {low} to {_MOST}, not {value!r}")
        return value

    return read


def _size(value: Any) -> int:
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    size = int(found[1]) * UNITS[found[2].upper()] if found else value
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= _LARGEST:
        raise ValueError(f"must be bytes or a text like '1 MB', up to 50 MB, not {value!r}")
    return size


def _kinds(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(kind, str) for kind in value):
        raise ValueError(f"must be a list of kinds, as ['python:3', 'sequence'], not {value!r}")
    return tuple(kind.strip().lower() for kind in value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {value!r}")
    return value


TERMS = {
    "invocationsPerMinute": Term("invocations_per_minute", _whole(0)),
    "concurrentInvocations": Term("concurrent_invocations", _whole(0)),
    "firesPerMinute": Term("fires_per_minute", _whole(0)),
    "maxActionInstances": Term("max_instances", _whole(0)),
    "minActionTimeout": Term("min_timeout", _whole(1, " of milliseconds")),
    "maxActionTimeout": Term("max_timeout", _whole(1, " of milliseconds")),
    "minActionMemory": Term("min_memory", _whole(1, " of MB")),
    "maxActionMemory": Term("max_memory", _whole(1, " of MB")),
    "minActionLogs": Term("min_logs", _whole(0, " of MB")),
    "maxActionLogs": Term("max_logs", _whole(0, " of MB")),
    "minActionConcurrency": Term("min_concurrency", _whole(1)),
    "maxActionConcurrency": Term("max_concurrency", _whole(1)),
    "maxParameterSize": Term("max_parameters", _size),
    "maxPayloadSize": Term("max_payload", _size),
    "allowedKinds": Term("kinds", _kinds),
    "storeActivations": Term("stores", _truth),
}
"""What may be said of a namespace."""
SEQUENCE_LENGTH = Term("sequence_length", _whole(1))
"""Beside these, what only a whole engine has: `sequenceLength`."""

_PAIRS = [(f"min{what}", f"max{what}") for what in ("ActionTimeout", "ActionMemory", "ActionLogs")]
_PAIRS += [("minActionConcurrency", "maxActionConcurrency")]


def read_terms(said: Terms) -> dict[str, Any]:
    """SAID, checked; ValueError names the term."""
    for name, value in said.items():
        if name not in TERMS:
            raise ValueError(f"there is no limit {name!r}; there are: {', '.join(sorted(TERMS))}")
        try:
            TERMS[name].read(value)
        except ValueError as error:
            raise ValueError(f"{name} {error}") from error
    return dict(said)


def apply_terms(base: Limits, said: Terms) -> Limits:
    """BASE, and what is SAID instead."""
    fields = {TERMS[name].field: TERMS[name].read(value) for name, value in said.items()}
    return replace(base, **fields)


def check(limits: Limits) -> None:
    """ValueError for a least that is above its most."""
    for least, most in _PAIRS:
        low, high = (getattr(limits, TERMS[name].field) for name in (least, most))
        if low > high:
            raise ValueError(f"{least} is {low}, and {most} no more than {high}")
