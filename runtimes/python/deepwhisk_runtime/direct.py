"""A plain prediction, JSON or an upload in and JSON out, answered without Flask: nearly every call is one.

Law: the answer is the application's, byte for byte; tests ask both. Whatever is not plain (queries, large
files, other types) goes to the application, which is made when something first needs it.
"""

import io
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from deepwhisk_runtime.activation import never
from deepwhisk_runtime.answers import Outgoing, encode, file_of
from deepwhisk_runtime.errors import Fault, Invalid
from deepwhisk_runtime.forms import MULTIPART, arguments, chosen, members
from deepwhisk_runtime.jsontext import dumps
from deepwhisk_runtime.served import JSON, Asking, Served

ACTIVATION = "deepwhisk.activation"  # WSGI variables that a replayed web action brings
PUT = "deepwhisk.put"
GONE, LEFT = "deepwhisk.gone", "waitress.client_disconnected"  # who knows whether the client has gone
CACHED = "X-Cache"
LARGEST = 1 << 20  # bytes of a body; a larger one is for the application, which need not hold it
ANYTHING = ("", "*/*")  # what asks for no type
QUICK = 0.001  # seconds
RECENT = 16  # calls that count for how long one takes
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
Put = Callable[[Outgoing], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it is anybody's HTTP."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    cached: str = ""  # "hit", "miss" or "bypass", of a model whose answers are kept

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What is said of the body, but for its length."""
        said = [("Content-Type", self.content_type)]
        return [*said, (CACHED, self.cached)] if self.cached else said


class Direct:
    """A WSGI application in front of the whole one."""

    def __init__(self, service: Served, whole: Application, largest: int | None = None) -> None:
        self.path = f"/v2/models/{service.name}/predict/"
        self._service = service
        self._whole = whole
        self._largest = min(LARGEST, largest or LARGEST)
        self._taken: float | None = None

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        media = self._media(environ)
        if media not in (JSON, MULTIPART):
            return self._whole(environ, start)
        content = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        reply = self.answer(content, environ) if media == JSON else self._upload(content, environ)
        if reply is None:
            return self._whole({**environ, "wsgi.input": io.BytesIO(content)}, start)
        start(line(reply.status), [*reply.headers, ("Content-Length", str(len(reply.body)))])
        return [reply.body]

    def takes(self, environ: Mapping[str, Any]) -> bool:
        """Whether a request is a plain prediction of JSON."""
        return self._media(environ) == JSON

    def _media(self, environ: Mapping[str, Any]) -> str:
        """The type of what a plain prediction brings; nothing when it is none."""
        length, accept = environ.get("CONTENT_LENGTH", ""), environ.get("HTTP_ACCEPT", "")
        plain = (
            environ["REQUEST_METHOD"] == "POST"
            and environ["PATH_INFO"] == self.path
            and not environ.get("QUERY_STRING")
            and (length.isascii() and length.isdigit() and 0 < int(length) <= self._largest)
            and (accept in ANYTHING or (accept == JSON and not self._service.signature.accepts))
        )
        return environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() if plain else ""

    @property
    def quick(self) -> bool:
        """Whether calls come one by one, and are over so soon that nobody is kept waiting by them."""
        if self._service.together > 1 or self._service.keeps:
            return False
        return self._taken is not None and self._taken < QUICK

    def answer(self, content: bytes, environ: Mapping[str, Any]) -> Reply:
        """The answer to a body; the WSGI variables say who asks."""
        begun = time.perf_counter()
        try:
            return self._predict(lambda: chosen(members(content), self._service.signature), environ)
        finally:
            taken = time.perf_counter() - begun
            self._taken = taken if self._taken is None else self._taken + (taken - self._taken) / RECENT

    def _upload(self, content: bytes, environ: Mapping[str, Any]) -> Reply | None:
        """The answer to a form; nothing when that cannot be read, which the application knows how to say."""
        # Not for who is only ever asked in JSON.
        from werkzeug.exceptions import HTTPException  # noqa: PLC0415
        from werkzeug.wrappers import Request  # noqa: PLC0415

        with Request({**environ, "wsgi.input": io.BytesIO(content)}) as form:
            try:
                return self._predict(lambda: arguments(form, self._service.signature), environ)
            except HTTPException:
                return None

    def _predict(self, read: Callable[[], Mapping[str, Any]], environ: Mapping[str, Any]) -> Reply:
        try:
            return predicted(self._service, read(), environ, JSON.__eq__)
        except Invalid as error:
            return invalid(error)
        except Fault as error:
            return failed(error, environ)


def predicted(
    service: Served, given: Mapping[str, Any], environ: Mapping[str, Any], wants: Callable[[str], bool]
) -> Reply:
    """The answer to the arguments of a request."""
    put, asked = environ.get(PUT, Outgoing.inline), asking(environ)
    reply = service.predict(given, lambda result: handed(result, service.wraps, put, wants), asked)
    return replace(reply, cached=asked.cached) if asked.cached else reply


def asking(environ: Mapping[str, Any]) -> Asking:
    """How a request is asked."""
    return Asking(
        environ.get(GONE) or environ.get(LEFT) or never, wish(environ.get("HTTP_CACHE_CONTROL", ""))
    )


def wish(said: str) -> str:
    """What a header Cache-Control asks for."""
    words = {each.strip().lower() for each in said.split(",")} if said else ()
    return "no-store" if "no-store" in words else "no-cache" if {"no-cache", "max-age=0"} & set(words) else ""


class Later:
    """An application that is made when it is first asked for."""

    def __init__(self, make: Callable[[], Application]) -> None:
        self._make = make
        self._made: Application | None = None
        self._turn = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        try:
            with self._turn:
                self._made = self._made or self._make()
        except Fault as fault:
            reply = failed(fault, environ)
            start(line(reply.status), [("Content-Type", reply.content_type)])
            return [reply.body]
        return self._made(environ, start)


def handed(result: Any, wraps: bool, put: Put, wants: Callable[[str], bool]) -> Reply:
    """The answer to a prediction: JSON, or the file that the client asked for.

    Not wrapped is that of a model whose answers have a schema: they are the whole body.
    """
    if not wraps:
        return as_file(result) if isinstance(result, Outgoing) else Reply(encode(result, put))
    file = file_of(result)
    if file and (isinstance(result, Outgoing) or wants(file.content_type)):
        return as_file(file)
    return Reply(b'{"status":"OK","predictions":%b}\n' % encode(result, put))


def as_file(file: Outgoing) -> Reply:
    """A file as it is."""
    return Reply(file.content, content_type=file.content_type)


def invalid(error: Invalid) -> Reply:
    """The answer to arguments that do not fit: messages by argument, in the words of V2."""
    return Reply(dumps(error.phrases), error.status)


def failed(error: Fault, environ: Mapping[str, Any]) -> Reply:
    """The answer when the model failed."""
    return Reply(dumps({"error": error.as_object(environ.get(ACTIVATION))}), error.status)


def line(status: int) -> str:
    """The status with its name, as Flask writes it."""
    if status == 200:
        return "200 OK"
    from werkzeug.http import HTTP_STATUS_CODES  # noqa: PLC0415 — few calls fail

    return f"{status} {HTTP_STATUS_CODES.get(status, 'Unknown').upper()}"
