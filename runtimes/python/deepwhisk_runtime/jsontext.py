"""JSON text of results: fast, and never wrong in silence.

orjson writes NaN as `null`, which would turn a broken result into a plausible one: every `null` is looked at
again. What orjson refuses but JSON allows (whole numbers beyond 64 bits, keys that are numbers) the standard
library writes.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

import orjson

# Passed through to the standard library, which refuses them, as OpenWhisk's own Python image does.
OPTIONS = (
    orjson.OPT_APPEND_NEWLINE
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)


class NotJSON(ValueError):
    """Raised when a value has no JSON form; `value` is the member at fault, `place` where it is."""

    def __init__(self, value: Any, place: str) -> None:
        super().__init__(f"{name(value)} at {place}" if place else name(value))
        self.value = value
        self.place = place

    @property
    def is_number(self) -> bool:
        return isinstance(self.value, float)


def loads(text: bytes) -> Any:
    """The value of a JSON text; ValueError says what is wrong with it."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)  # lone surrogates, NaN: what Python's own reader of actions takes


def dumps(value: Any) -> bytes:
    """The JSON text of a value and a line end; NotJSON names the first member that has none."""
    try:
        text: bytes = orjson.dumps(value, option=OPTIONS)
    except TypeError:
        return _dumps_slowly(value)
    if b"null" in text:
        _refuse_unfit(value)
    return text


def _dumps_slowly(value: Any) -> bytes:
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        _refuse_unfit(value)
        raise NotJSON(value, "") from error


def _refuse_unfit(value: Any) -> None:
    for place, member in unfit(value):
        raise NotJSON(member, place)


def unfit(value: Any, place: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every member that JSON cannot hold, with its place as one would write it: `scores[3].top`."""
    if isinstance(value, float):
        if not math.isfinite(value):
            yield place, value
    elif depth > 900:
        yield place, value  # nested without end: most likely it holds itself
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from unfit(member, f"{place}.{key}" if place else str(key), depth + 1)
    elif isinstance(value, (list, tuple)):
        for index, member in enumerate(value):
            yield from unfit(member, f"{place}[{index}]", depth + 1)
    elif not isinstance(value, (str, int, type(None))):
        yield place, value


def name(value: Any) -> str:
    """What a value is called in a message: a number by its value, anything else by its type."""
    return str(value) if isinstance(value, float) else f"a value of type {type(value).__name__}"
