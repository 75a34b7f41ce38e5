"""From the result of a web action to an HTTP answer, by the extension of its URL."""

import binascii
import re
from collections.abc import Iterable
from typing import Any

import pybase64
from aiohttp.http_writer import StreamWriter
from aiohttp.web import Response
from multidict import CIMultiDict

from deepwhisk.engine.codec import dumps, dumps_pretty
from deepwhisk.engine.problems import Problem

JSON, HTML, SVG, HTTP = "application/json", "text/html", "image/svg+xml", "message/http"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NUMBER = re.compile(r"[0-9]{1,9}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_MEDIA = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+")
_TEXTUAL = ("application/javascript", "application/xml", "application/x-www-form-urlencoded")
_FRAMING = ("content-length", "transfer-encoding", "connection")  # the server's to say
_MISMATCH = "Response type in header did not match generated content type."


def is_json(media: str) -> bool:
    return media == JSON or (media.startswith("application/") and media.endswith("+json"))


def is_text(media: str) -> bool:
    """Whether a body of this type travels as text; any other as base64."""
    return (
        media.startswith("text/")
        or media in _TEXTUAL
        or is_json(media)
        or (media.startswith("application/") and media.endswith("+xml"))
    )


class Answer(Response):
    """With headers that are read as HTTP has it, a byte a character; aiohttp writes them as UTF-8."""

    async def _write_headers(self) -> None:
        await super()._write_headers()
        writer = self._payload_writer
        if isinstance(writer, StreamWriter) and writer._headers_buf is not None:
            writer._headers_buf = writer._headers_buf.decode().encode("latin-1", "replace")


def render(extension: str, result: Any) -> Response:
    """The answer, or a `Problem` that says what the result is not."""
    return _RENDERERS[extension](result)


def _not_valid(media: str) -> Problem:
    return Problem(400, f"Response is not valid '{media}'.")


def _page(body: bytes, content_type: str, status: int = 200) -> Response:
    return Response(body=body, status=status, headers={"Content-Type": content_type})


def _json(result: Any) -> Response:
    if not isinstance(result, dict | list):
        raise _not_valid(JSON)
    return _page(dumps_pretty(result), JSON)


def _html(result: Any) -> Response:
    return _page(_string(result, "html", HTML), "text/html; charset=UTF-8")


def _svg(result: Any) -> Response:
    return _page(_string(result, "svg", SVG), SVG)


def _string(result: Any, member: str, media: str) -> bytes:
    value = result.get("body", result.get(member)) if isinstance(result, dict) else result
    if not isinstance(value, str):
        raise _not_valid(media)
    return value.encode()


def _text(result: Any) -> Response:
    values = [result]
    if isinstance(result, dict):
        values = [result[member] for member in ("body", "text") if member in result]
    if not values:
        raise Problem(404, "Response does not include requested property.")
    body = values[0].encode() if isinstance(values[0], str) else dumps_pretty(values[0])
    return _page(body, "text/plain; charset=UTF-8")


def _http(result: Any) -> Response:
    if not isinstance(result, dict):
        raise _not_valid(HTTP)
    headers = _headers(result.get("headers", {}))
    body = result.get("body")
    status = _status(result, 200 if body not in (None, "") else 204)
    declared = headers.popall("content-type", [])
    if body in (None, "") or status in (204, 304):
        return Answer(status=status, headers=headers)
    content, content_type = _content(body, declared[-1] if declared else None)
    headers["Content-Type"] = content_type
    return Answer(body=content, status=status, headers=headers)


def _status(result: dict[str, Any], default: int) -> int:
    asked = result.get("statusCode", default)
    if isinstance(asked, str) and _NUMBER.fullmatch(asked.strip()):
        asked = int(asked)
    if isinstance(asked, bool) or not isinstance(asked, int | float) or asked != int(asked):
        raise _not_valid(HTTP)
    if not 200 <= asked <= 599:  # an answer below 200 is not final, and no client would take it for one
        raise _not_valid(HTTP)
    return int(asked)


def _headers(asked: Any) -> CIMultiDict[str]:
    """A list repeats the header; a value that cannot travel is left out."""
    if not isinstance(asked, dict):
        raise _not_valid(HTTP)
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in asked.items():
        if not _TOKEN.fullmatch(name):
            raise _not_valid(HTTP)
        for text in _header_values(value):
            if name.lower() not in _FRAMING and not _CONTROL.search(text):
                headers.add(name, text)
    return headers


def _header_values(value: Any) -> Iterable[str]:
    if isinstance(value, list):
        for each in value:
            yield from _header_values(each)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, bool | int | float):
        yield dumps(value).decode()
    else:
        raise _not_valid(HTTP)


def _content(body: Any, declared: str | None) -> tuple[bytes, str]:
    """The bytes of a body, and the type they have."""
    media = None if declared is None else declared.partition(";")[0].strip().lower()
    if media is not None and not _MEDIA.fullmatch(media):
        raise Problem(400, "Response did not specify a known content-type.")
    if not isinstance(body, str):
        if media is not None and not is_json(media):
            raise Problem(400, _MISMATCH)
        return dumps_pretty(body), media or JSON
    if media is None:
        return body.encode(), "text/html; charset=UTF-8"
    if is_json(media):
        return _decoded_if_base64(body), media
    if is_text(media):
        return body.encode(), f"{media}; charset=UTF-8"
    return _decoded(body), declared or media


def _decoded(body: str) -> bytes:
    try:
        return pybase64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise Problem(400, _MISMATCH) from None


def _decoded_if_base64(body: str) -> bytes:
    """JSON that was sent as base64, as old actions did."""
    try:
        return pybase64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return body.encode()


_RENDERERS = {"json": _json, "html": _html, "svg": _svg, "text": _text, "http": _http}
EXTENSIONS = tuple(_RENDERERS)
