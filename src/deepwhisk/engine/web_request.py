"""From an HTTP request to the arguments of a web action."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

import pybase64
from aiohttp.web import BaseRequest

from deepwhisk.engine.codec import loads_foreign
from deepwhisk.engine.exchange import check_length
from deepwhisk.engine.names import Name, is_name
from deepwhisk.engine.problems import reserved_properties, too_large
from deepwhisk.engine.targets import Target
from deepwhisk.engine.triggers import lowered_headers
from deepwhisk.engine.web_answer import EXTENSIONS, is_json, is_text

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
CHARSETS = frozenset({"utf-8", "utf-16", "utf-16be", "utf-16le", "us-ascii", "iso-8859-1", "iso-8859-15"})
RESERVED = frozenset(f"__ow_{each}" for each in ("method", "headers", "path", "user", "query", "body"))


@dataclass(frozen=True, slots=True)
class Address:
    """What a URL says: the action, the form of its answer, and the rest of the path as it came."""

    name: Name | None  # None when no entity can have such a name
    extension: str
    path: str


def read_address(below: str) -> Address | None:
    """The address in `NS/PACKAGE/ACTION[.EXTENSION][/REST]`; nothing when there is no action in it."""
    namespace, _, tail = below.partition("/")
    package, _, tail = tail.partition("/")
    last, slash, rest = tail.partition("/")
    if not last:
        return None
    action, dot, extension = last.rpartition(".")
    if not dot or extension not in EXTENSIONS:
        action, extension = last, "http"
    segments = [unquote(segment) for segment in (namespace, package, action)]
    if not all(is_name(segment) for segment in segments):
        return Address(None, extension, slash + rest)
    home = None if segments[1] == "default" else segments[1]
    return Address(Name(segments[0], home, segments[2]), extension, slash + rest)


async def read_arguments(
    request: BaseRequest, target: Target, address: Address, query: str, user: str | None, limit: int
) -> dict[str, Any]:
    """What the action gets on top of its own parameters."""
    check_length(request, limit)
    body = await request.read()
    if len(body) > limit:
        raise too_large("Request", len(body), limit)
    headers = lowered_headers(request)
    if body:
        headers["content-type"] = _content_type(request)
    context: dict[str, Any] = {
        "__ow_method": request.method.lower(),
        "__ow_headers": headers,
        "__ow_path": address.path,
    }
    if user is not None:
        context["__ow_user"] = user
    if target.action.annotations.get("raw-http") is True:
        return {**context, "__ow_query": query, "__ow_body": _raw_body(request, body)}
    sent: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    content = _read_body(request, body)
    if isinstance(content, dict):
        sent.update(content)
    if not RESERVED.isdisjoint(sent):
        raise reserved_properties()
    target.check_overrides(sent)
    if not isinstance(content, dict) and body:
        context["__ow_body"] = content
    return {**context, **sent}


def _content_type(request: BaseRequest) -> str:
    """As it came, but for its character set: by its own name, and not where there can be but one."""
    media, charset = request.content_type, request.charset
    if media in (FORM, JSON):
        return media
    sent = request.headers.get("Content-Type", media)
    if charset is None or sent.count(";") > 1:
        return sent
    return f"{media}; charset={charset.upper() if charset.lower() in CHARSETS else charset}"


def _read_body(request: BaseRequest, body: bytes) -> Any:
    """Fields of JSON or a form; any other value for `__ow_body`."""
    media = request.content_type
    if not body:
        return {}
    if is_json(media):
        return loads_foreign(body)
    if media == FORM:
        return dict(parse_qsl(_decode(request, body), keep_blank_values=True))
    return _decode(request, body) if is_text(media) else pybase64.b64encode_as_string(body)


def _raw_body(request: BaseRequest, body: bytes) -> str:
    media = request.content_type
    if is_text(media) and media != JSON:
        return _decode(request, body)
    return pybase64.b64encode_as_string(body)


def _decode(request: BaseRequest, body: bytes) -> str:
    try:
        text = body.decode(request.charset or "utf-8", errors="replace")
    except (LookupError, UnicodeError):  # a character set nobody knows, or one that is no text's
        return body.decode(errors="replace")
    # Some of Python's own let halves of characters through, which cannot be written again.
    return text.encode(errors="replace").decode()
