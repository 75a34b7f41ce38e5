"""Webhooks: SeaweedFS, or MinIO, posts what happened.

Law: only who knows the token is heard, and 2xx means that the ledger has it. SeaweedFS tries once and
then only logs, MinIO may drop its queue: listing finds what they lost.
"""

import hmac
from collections.abc import Callable, Collection, Iterator
from typing import Any

import orjson
from aiohttp import web

from deepwhisk.feeds.events import Hint
from deepwhisk.feeds.source import Standing, Take

Decode = Callable[[Any], Iterator[Hint]]


class Webhook:
    """One store's webhook, at `/hooks/NAME`."""

    def __init__(self, name: str, decode: Decode, take: Take, token: str) -> None:
        self.name = name
        self._decode, self._take = decode, take
        self._expected = f"Bearer {token}".encode()
        self._standing = Standing()

    def watch(self, buckets: Collection[str]) -> None:
        """The store posts all buckets; those that nobody watches cost nothing."""

    def status(self) -> dict[str, Any]:
        return self._standing.show()

    async def close(self) -> None:
        """Nothing runs between posts."""

    async def handle(self, request: web.Request) -> web.Response:
        """Take one post: 401 without the token, 400 for no notification, 503 if it could not be looked at."""
        given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
        if not hmac.compare_digest(given, self._expected):
            return web.Response(status=401, text="the webhook's bearer token is missing or wrong\n")
        try:
            hints = list(self._decode(orjson.loads(await request.read())))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._standing.error = f"not a notification of {self.name}: {type(error).__name__}: {error}"
            return web.Response(status=400, text=self._standing.error + "\n")
        return web.Response(status=200 if await self._take_all(hints) else 503)

    async def _take_all(self, hints: list[Hint]) -> bool:
        self._standing.state = "listening"
        self._standing.count(len(hints))
        return all([await self._take(hint) for hint in hints])
