"""JSON text of results: fast, and never wrong in silence.

orjson writes NaN as `null`, which would turn a broken result into a plausible one: every `null` is looked at
again. What orjson refuses but JSON allows (whole numbers beyond 64 bits, keys that are numbers) the standard
library writes.
"""

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import orjson

# Passed through to the standard library, which refuses them, as OpenWhisk's own Python image does.
OPTIONS = (
    orjson.OPT_APPEND_NEWLINE
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)
DEEPEST = 200  # levels of lists and dicts


class NotJSON(ValueError):
    """Raised when a value has no JSON form; `value` is the member at fault, `place` where it is."""

    def __init__(self, value: Any, place: str) -> None:
        super().__init__(f"{name(value)} at {place}" if place else name(value))
        self.value = value
        self.place = place


def loads(text: bytes) -> Any:
    """The value of a JSON text; ValueError says what is wrong with it."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _loads_slowly(text)


def _loads_slowly(text: bytes) -> Any:
    """Lone surrogates, NaN: what Python's own reader of actions takes."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


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


def _refuse(value: Any) -> Any:
    raise TypeError


def unfit(
    value: Any, place: str = "", depth: int = 0, convert: Callable[[Any], Any] = _refuse
) -> Iterator[tuple[str, Any]]:
    """Every member that JSON cannot hold, with its place as one would write it: `scores[3].top`.

    `convert` brings a member nearer to JSON, or raises TypeError.
    """
    if isinstance(value, (str, int, type(None))) or (isinstance(value, float) and math.isfinite(value)):
        return
    if isinstance(value, float) or depth > DEEPEST:  # so deep, it most likely holds itself
        yield place, value
        return
    try:
        inside = members(value, place, convert)
    except TypeError:
        yield place, value
        return
    for where, member in inside:
        yield from unfit(member, where, depth + 1, convert)


def members(value: Any, place: str, convert: Callable[[Any], Any]) -> list[tuple[str, Any]]:
    """What a value holds, each with its place."""
    if isinstance(value, dict):
        return [(f"{place}.{key}" if place else str(key), member) for key, member in value.items()]
    if isinstance(value, (list, tuple)):
        return [(f"{place}[{index}]", member) for index, member in enumerate(value)]
    return [(place, convert(value))]


def name(value: Any) -> str:
    """What a value is called in a message: a number by its value, anything else by its type."""
    return str(value) if isinstance(value, float) else f"a value of type {type(value).__name__}"
