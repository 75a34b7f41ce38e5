"""JSON as the engine reads and writes it: orjson, and a sentence for what cannot be read.

Numbers outside 64 bits are written exactly by the standard library, which orjson refuses.
"""

import json
from typing import Any

import orjson

from deepwhisk.engine.problems import malformed

# Lists and objects in each other. The standard library writes a thousand, and ours come around them.
DEEPEST = 910

_WORDS = {"a string key": "'\"'", "a JSON value": "JSON Value"}


def dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_fragment).encode()


def dumps_pretty(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, indent=2).encode()


def loads(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed(_explain(body, error)) from None


def loads_foreign(body: bytes) -> Any:
    """As `loads`, for what others sent: it must be possible to write it again."""
    value = loads(body)
    if nests_too_deep(body, value):
        raise malformed(f"JSON is nested deeper than {DEEPEST} levels")
    return value


def nests_too_deep(text: bytes, value: Any) -> bool:
    """Whether VALUE, which was read from TEXT, has more than DEEPEST levels."""
    if text.count(b"[") + text.count(b"{") <= DEEPEST:
        return False
    try:
        orjson.dumps(value)
    except TypeError:  # more than 254, and nothing says so faster
        return _levels(value) > DEEPEST
    return False


def _levels(value: Any) -> int:
    level, count = [value], 0
    while level := [each for each in level if isinstance(each, dict | list)]:
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
        count += 1
    return count


def _fragment(value: Any) -> Any:
    """A piece that was written before, inside a document that needs the standard library."""
    return json.loads(value.contents)


def _explain(body: bytes, error: json.JSONDecodeError) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError as wrong:
        return f"Not UTF-8: byte 0x{body[wrong.start]:02x} at input index {wrong.start}"
    if error.pos >= len(text):
        return _pointer("Unexpected end-of-input", _wanted(text), text, len(text))
    what, _, expected = error.msg.partition(", expected ")
    character = f" '{text[error.pos]}'" if expected else ""
    return _pointer(what.capitalize() + character, _WORDS.get(expected, expected), text, error.pos)


def _wanted(text: str) -> str:
    """What might have come after a document that ends too early."""
    last = text.rstrip()[-1:]
    if last == "{":
        return "'\"'"
    return "JSON Value" if last in ("", ":", "[") else ""


def _pointer(what: str, expected: str, text: str, at: int) -> str:
    """Names the place, shows its line and points at it."""
    before = text[:at]
    line, column = before.count("\n") + 1, at - (before.rfind("\n") + 1)
    start = max(0, column - 60)
    shown = (text.split("\n")[line - 1])[start : start + 120]
    place = f"at input index {at} (line {line}, position {column + 1})"
    wanted = f", expected {expected}" if expected else ""
    return f"{what} {place}{wanted}:\n{shown}\n{' ' * (column - start)}^\n"
