"""What a model returns, on its way out: JSON text.

Objects may be dicts, pydantic models or dataclasses; members may be numpy scalars and arrays, files (Path,
bytes, PIL image), dates, enumerations. Heavy libraries are recognized by type, never imported. What JSON
cannot hold is named with its place, and never turned into something else in silence.
"""

import dataclasses
import datetime
import decimal
import enum
import io
import json
import mimetypes
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pybase64

from deepwhisk_runtime.errors import Fault, describe
from deepwhisk_runtime.jsontext import unfit

IMAGE_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}


@dataclasses.dataclass(frozen=True, slots=True)
class Outgoing:
    """A file as it leaves."""

    content: bytes
    content_type: str
    name: str = ""

    def inline(self) -> dict[str, Any]:
        """The file inside a JSON text."""
        told = {"$bytes": pybase64.b64encode_as_string(self.content), "contentType": self.content_type}
        return told | ({"filename": self.name} if self.name else {})


class Encoded:
    """An answer that is JSON text already."""

    def __init__(self, text: bytes) -> None:
        self.text = text


class Held:
    """A file that stands for a Path, bytes or a picture: unlike Outgoing, its caller chose no type."""

    def __init__(self, file: Outgoing) -> None:
        self.file = file


def typed(result: Any, content_type: str) -> Outgoing:
    """A result as the file of the type that the caller asked for with `accept`."""
    if isinstance(result, str):
        charset = "; charset=utf-8" if content_type.startswith("text/") else ""
        return Outgoing(result.encode(), content_type + charset)
    images = sys.modules.get("PIL.Image")
    formats = [kind for kind, each in IMAGE_TYPES.items() if each == content_type]
    if images is not None and isinstance(result, images.Image) and formats:
        return _drawn(result, formats[0])
    if (file := file_of(result)) is None:
        kind = f"{type(result).__module__}.{type(result).__qualname__}"
        raise Fault("result", f"predict was asked for {content_type} and returned {kind}, which is no file.")
    return dataclasses.replace(file, content_type=content_type)


def encode(result: Any, put: Callable[[Outgoing], dict[str, Any]] = Outgoing.inline) -> bytes:
    """The JSON text of a result; `put` says what stands for a file in it."""
    if result is None:
        raise Fault("result", "predict returned nothing (None); it has to return its answer.")

    if isinstance(result, Encoded):
        return result.text
    if isinstance(result, Outgoing):
        result = put(result)  # orjson would write out its members

    def convert(value: Any) -> Any:
        return converted(value, put)

    numpy = orjson.OPT_SERIALIZE_NUMPY if "numpy" in sys.modules else 0
    try:
        text: bytes = orjson.dumps(result, convert, numpy)
    except orjson.JSONEncodeError as error:
        text = _encode_slowly(result, convert, error)
    if b"null" in text:
        _refuse_unfit(result)
    return text


def _encode_slowly(result: Any, convert: Callable[[Any], Any], error: Exception) -> bytes:
    def nearer(value: Any) -> Any:
        return plain_keys(convert(value))

    # Keys that are numbers, whole numbers beyond 64 bits: JSON allows what orjson does not.
    if isinstance(error.__cause__, Fault):
        raise error.__cause__
    try:
        text = json.dumps(plain_keys(result), default=nearer, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as slow_error:
        _refuse_unfit(result)
        raise Fault("result", f"The result of predict has no JSON form: {slow_error}.", slow_error) from None
    return text.encode()


def plain_keys(value: Any) -> Any:
    """The same with numbers of numpy in keys as Python's own; counting labels makes such dicts."""
    if isinstance(value, dict):
        return {getattr(key, "item", lambda key=key: key)(): plain_keys(each) for key, each in value.items()}
    return [plain_keys(each) for each in value] if isinstance(value, (list, tuple)) else value


def _refuse_unfit(result: Any) -> None:
    for place, member in unfit(result, convert=lambda value: converted(value, _hide)):
        where = place or "the result"
        if isinstance(member, float):
            raise Fault("result", f"{where} is {member}, which JSON cannot hold.", field=place or None)
        kind = f"{type(member).__module__}.{type(member).__qualname__}"
        raise Fault("result", f"{where} is of type {kind}, which JSON cannot hold.", field=place or None)


def _hide(file: Outgoing) -> dict[str, Any]:
    return {}


def converted(value: Any, put: Callable[[Outgoing], dict[str, Any]]) -> Any:
    """One member that is not JSON, as something that is nearer to it; TypeError when there is nothing."""
    if (file := file_of(value)) is not None:
        return put(file)
    if hasattr(value, "model_dump"):
        return value.model_dump(by_alias=True)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return value.tolist()  # of an array, or of one number: both of numpy and of what looks like it
    if isinstance(value, (set, frozenset)):
        return list(value)
    return simple(value)


def simple(value: Any) -> Any:
    """Small types of the standard library as text or number."""
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    raise TypeError(f"{type(value).__qualname__} has no JSON form")


def file_of(value: Any) -> Outgoing | None:
    """The file that a value is, if it is one."""
    if isinstance(value, Outgoing):
        return value
    if isinstance(value, Held):
        return value.file
    if isinstance(value, Path):
        return _read(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Outgoing(bytes(value), "application/octet-stream")
    images = sys.modules.get("PIL.Image")
    if images is not None and isinstance(value, images.Image):
        return _drawn(value, value.format)
    return _streamed(value) if isinstance(value, io.IOBase) else None


def _read(path: Path) -> Outgoing:
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"predict returned the file {path}, which cannot be read: {error.strerror}."
        raise Fault("result", message, error) from error
    return Outgoing(content, mimetypes.guess_type(path.name)[0] or "application/octet-stream", path.name)


def _streamed(stream: io.IOBase) -> Outgoing:
    if not stream.readable():
        raise Fault("result", "predict returned an open file that cannot be read; open it for reading.")
    with stream:
        if stream.seekable():
            stream.seek(0)
        content = stream.read()
    name = Path(str(getattr(stream, "name", ""))).name
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Outgoing(content.encode() if isinstance(content, str) else content, kind, name)


def _drawn(image: Any, wanted: str | None) -> Outgoing:
    kind = wanted if wanted in IMAGE_TYPES else "PNG"
    stream = io.BytesIO()
    try:
        image.save(stream, format=kind)
    except (OSError, ValueError) as error:
        message = f"predict returned an image of mode {image.mode} that cannot be written: {describe(error)}."
        raise Fault("result", message, error) from error
    return Outgoing(stream.getvalue(), IMAGE_TYPES[kind], f"image.{kind.lower()}")
