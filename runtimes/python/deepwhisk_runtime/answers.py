"""What a model returns, on its way out: JSON text.

Objects may be dicts, pydantic models or dataclasses; members may be numpy scalars and arrays, files (Path,
bytes, PIL image), dates, enumerations. Heavy libraries are recognized by type, never imported. What JSON
cannot hold is named with its place, and never turned into something else in silence.
"""

import base64
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
        told = {"$bytes": base64.b64encode(self.content).decode(), "contentType": self.content_type}
        return told | ({"filename": self.name} if self.name else {})


def encode(result: Any, put: Callable[[Outgoing], dict[str, Any]] = Outgoing.inline) -> bytes:
    """The JSON text of a result; `put` says what stands for a file in it."""
    if result is None:
        raise Fault("result", "predict returned nothing (None); it has to return its answer.")

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
    if isinstance(value, Path):
        return _read(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Outgoing(bytes(value), "application/octet-stream")
    images = sys.modules.get("PIL.Image")
    if images is not None and isinstance(value, images.Image):
        return _drawn(value)
    return None


def _read(path: Path) -> Outgoing:
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"predict returned the file {path}, which cannot be read: {error.strerror}."
        raise Fault("result", message, error) from error
    return Outgoing(content, mimetypes.guess_type(path.name)[0] or "application/octet-stream", path.name)


def _drawn(image: Any) -> Outgoing:
    kind = image.format if image.format in IMAGE_TYPES else "PNG"
    stream = io.BytesIO()
    try:
        image.save(stream, format=kind)
    except (OSError, ValueError) as error:
        message = f"predict returned an image of mode {image.mode} that cannot be written: {describe(error)}."
        raise Fault("result", message, error) from error
    return Outgoing(stream.getvalue(), IMAGE_TYPES[kind], f"image.{kind.lower()}")
