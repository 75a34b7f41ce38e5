"""A raw web action replayed, whole, on a WSGI application.

The payload's `__ow_*` members become the request they were made of: method, path, query string, headers and
the bytes of the body. The answer becomes `{statusCode, headers, body}`, with base64 for what is no text:
OpenWhisk decides by the content type which of the two a body is, in both directions, and counts SVG among the
binary ones.
"""

import binascii
import io
import json
from typing import Any
from urllib.parse import unquote_to_bytes

import pybase64

from deepwhisk_runtime.activation import Activation
from deepwhisk_runtime.answers import Outgoing
from deepwhisk_runtime.direct import ACTIVATION, GONE, PUT, Application
from deepwhisk_runtime.errors import Fault
from deepwhisk_runtime.references import Outbox

LARGEST_BODY = 700_000  # bytes; base64 and JSON have to fit 1 MB
TEXTS = ("application/xml", "application/javascript", "application/x-www-form-urlencoded")
HOP_BY_HOP = ("connection", "content-length", "transfer-encoding", "keep-alive")


def answer(
    app: Application, payload: dict[str, Any], activation: Activation, outbox: Outbox | None
) -> dict[str, Any]:
    """The result of a web action; one that failed is an error of the application as well."""
    environ = environment(payload, activation, outbox)
    code, pairs, body = asked(app, environ)
    headers = grouped(pairs)
    content_type = str(headers.get("Content-Type", ""))
    if len(body) > LARGEST_BODY:
        return elsewhere(Outgoing(body, content_type), outbox)
    told = {"statusCode": code, "headers": headers, "body": written(body, content_type)}
    return {"error": told} if code >= 400 else told


def asked(app: Application, environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body of what an application answers."""
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], error: object = None) -> None:
        begun.append((status, headers))

    chunks = app(environ, start)
    try:
        body = b"".join(chunks)
    finally:
        getattr(chunks, "close", lambda: None)()
    status, headers = begun[-1]
    return int(status.partition(" ")[0]), headers, body


def elsewhere(file: Outgoing, outbox: Outbox | None) -> dict[str, Any]:
    """An answer too large for a message is put into the store, and the client sent there."""
    size = len(file.content)
    try:
        if outbox is None:
            raise Fault(
                "result", f"The answer of {size} bytes is larger than {LARGEST_BODY}, and there is no store."
            )
        return {"statusCode": 303, "headers": {"Location": outbox.put(file)["$object"]["url"]}}
    except Fault as fault:
        body = {"error": fault.as_object(outbox.activation if outbox else None)}
        return {"error": {"statusCode": 500, "headers": {"Content-Type": "application/json"}, "body": body}}


def environment(payload: dict[str, Any], activation: Activation, outbox: Outbox | None) -> dict[str, Any]:
    """The WSGI environment of the request that a payload was made of."""
    headers = {name.lower(): str(each) for name, each in (payload.get("__ow_headers") or {}).items()}
    body = body_of(payload, headers)
    host, _, port = headers.get("host", "localhost").partition(":")
    environ = {
        "REQUEST_METHOD": str(payload["__ow_method"]).upper(),
        "SCRIPT_NAME": base_of(activation.name),
        "PATH_INFO": unquote_to_bytes(payload.get("__ow_path") or "/").decode("latin-1"),
        "QUERY_STRING": str(payload.get("__ow_query") or ""),
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": headers.pop("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": headers.get("x-forwarded-proto", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        ACTIVATION: activation.id,
        GONE: activation.gone,
    }
    if outbox:
        environ[PUT] = outbox.place
    kept = {name: each for name, each in headers.items() if name not in HOP_BY_HOP}
    return environ | {f"HTTP_{name.upper().replace('-', '_')}": each for name, each in kept.items()}


def base_of(action: str) -> str:
    """Where the web action of that full name begins."""
    namespace, *package, name = action.strip("/").split("/") if action.count("/") >= 2 else ("", "")
    return f"/api/v1/web/{namespace}/{package[0] if package else 'default'}/{name}" if name else ""


def body_of(payload: dict[str, Any], headers: dict[str, str]) -> bytes:
    """The bytes of the request's body."""
    if "__ow_query" not in payload and "__ow_body" not in payload:
        return merged(payload, headers)
    body = payload.get("__ow_body") or ""
    if not isinstance(body, str):
        return json.dumps(body).encode()
    content_type = headers.get("content-type", "")
    if is_text(content_type) and media_type(content_type) != "application/json":
        return body.encode()
    try:
        return pybase64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return body.encode()


def merged(payload: dict[str, Any], headers: dict[str, str]) -> bytes:
    """The body of a web action that is not raw: OpenWhisk merged query and body into the payload."""
    given = {name: each for name, each in payload.items() if not name.startswith("__ow_")}
    headers["content-type"] = "application/json"
    return json.dumps(given).encode() if given else b""


def written(body: bytes, content_type: str) -> str:
    """A body as text, in base64 when its type is no text."""
    return body.decode() if is_text(content_type) else pybase64.b64encode_as_string(body)


def is_text(content_type: str) -> bool:
    """Whether OpenWhisk takes a type for text."""
    kind = media_type(content_type)
    return kind.startswith("text/") or kind == "application/json" or kind.endswith("+json") or kind in TEXTS


def media_type(content_type: str) -> str:
    """The type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def grouped(pairs: Any) -> dict[str, Any]:
    """Headers by name; one that is given twice has a list."""
    headers: dict[str, Any] = {}
    for name, each in pairs:
        if name.lower() in HOP_BY_HOP:
            continue
        before = headers.get(name)
        headers[name] = (
            each if before is None else [*(before if isinstance(before, list) else [before]), each]
        )
    return headers
