"""One request on its way to an answer, and the forms answers have."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from aiohttp.web import BaseRequest, Response

from deepwhisk.engine.authentication import Identities, Identity
from deepwhisk.engine.codec import dumps, loads_foreign
from deepwhisk.engine.names import Name
from deepwhisk.engine.problems import (
    Abandoned,
    Problem,
    bad_query,
    forbidden,
    malformed,
    not_acceptable,
    too_large,
    unsupported_type,
)

JSON = "application/json"
ACTIVATION_ID = "x-openwhisk-activation-id"
SERVER_TIMING = "Server-Timing"
T = TypeVar("T")
_RANGE = re.compile(r"(?P<media>[\w!#$&^.+*-]+/[\w!#$&^.+*-]+)(?P<parameters>(?:\s*;.*)?)")
_QUALITY = re.compile(r";\s*q=([01](?:\.[0-9]*)?)")

_BOOLEANS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def readable(text: str) -> str:
    """TEXT of a request's head; bytes that are not UTF-8 are replaced, so that it can be written again."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def target(text: str) -> str:
    """Path and query of a request; a client may name the whole address, as one does to a proxy."""
    if text.startswith("/") or "://" not in text:
        return readable(text)
    return "/" + readable(text).partition("://")[2].partition("/")[2]


@lru_cache(1024)
def read_query(text: str) -> Mapping[str, str]:
    """The first value of each key."""
    pairs = parse_qsl(text, keep_blank_values=True)
    return MappingProxyType(dict(reversed(pairs)))


@dataclass(frozen=True, slots=True)
class Exchange:
    """An authenticated request on a namespace."""

    request: BaseRequest
    transaction_id: str
    caller: Identity
    namespace: str
    query: Mapping[str, str]
    identities: Identities

    def own(self, name: str | None = None) -> None:
        """Only the owner of a namespace goes on."""
        if self.namespace != self.caller.namespace:
            raise forbidden(f"{self.namespace}/{name}" if name else self.namespace)

    def name(self, name: str, package: str | None = None) -> Name:
        return Name(self.namespace, package, name)

    def flag(self, key: str, default: bool = False) -> bool:
        text = self.query.get(key)
        if text is None:
            return default
        value = _BOOLEANS.get(text.lower())
        if value is None:
            raise bad_query(key, f"'{text}' is not a valid Boolean value")
        return value

    def value(self, key: str, read: Callable[[str], T], default: T) -> T:
        text = self.query.get(key)
        return default if text is None else read(text)

    async def body(self) -> bytes:
        """The body, which must be JSON if there is any."""
        body = await self.request.read()
        self.identities.confirm(self.caller)  # bodies take their time
        if body and self.request.content_type != JSON:
            raise unsupported_type(self.request.content_type)
        return body

    async def content(self) -> dict[str, Any]:
        """The body of a PUT."""
        content = loads_foreign(await self.body())
        if not isinstance(content, dict):
            raise malformed("Object expected in field 'exec'")
        return content

    async def payload(self, limit: int) -> dict[str, Any]:
        """The body of an invocation, which may be absent."""
        check_length(self.request, limit)
        body = await self.body()
        if len(body) > limit:
            raise too_large("Request", len(body), limit)
        payload = loads_foreign(body) if body else {}
        if not isinstance(payload, dict):
            raise malformed("JSON object expected")
        return payload


def check_length(request: BaseRequest, limit: int) -> None:
    """Refuses a body that says it is too large before any of it is kept."""
    length = request.content_length or 0
    if length > request.client_max_size:
        raise Abandoned(400, "Request too large")
    if length > limit:
        raise too_large("Request", length, limit)


def check_accept(request: BaseRequest, response: Response) -> None:
    """Refuses to send what a client says it does not take; a failure it is told whatever it takes."""
    offered, accept = response.headers.get("Content-Type"), request.headers.get("Accept")
    if offered is None or accept is None or not 200 <= response.status < 300:
        return
    if not accepts(accept, offered.partition(";")[0]):
        raise not_acceptable(offered)


@lru_cache(1024)
def accepts(accept: str, media: str) -> bool:
    """Whether the most exact range of ACCEPT that MEDIA is in is wanted; without any range all is."""
    found = [taken for each in accept.split(",") if (taken := _RANGE.fullmatch(each.strip()))]
    ranges = {taken["media"].lower(): _QUALITY.search(taken["parameters"]) for taken in found}
    kind = media.partition("/")[0]
    for name in (media, f"{kind}/*", "*/*"):
        if name in ranges:
            quality = ranges[name]
            return quality is None or float(quality[1]) > 0
    return not ranges


def reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return reply_bytes(dumps(value), status, headers)


def reply_bytes(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body=body, status=status, headers={"Content-Type": JSON, **(headers or {})})


def reply_text(text: str, status: int = 200) -> Response:
    return Response(body=text.encode(), status=status, headers={"Content-Type": "text/plain; charset=UTF-8"})


def reply_problem(problem: Problem, transaction_id: str) -> Response:
    return reply({"error": problem.message, "code": transaction_id}, problem.status, problem.headers)
