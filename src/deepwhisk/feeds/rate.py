"""A token bucket: how fast one namespace may be fired at, whichever of its feeds does it.

Law: in no minute does it give more than nine tenths of the limit, since others may fire there too.
"""

import asyncio
import time

from deepwhisk.errors import WhiskUnreachable
from deepwhisk.feeds.apihost import Apihost
from deepwhisk.feeds.backoff import Backoff
from deepwhisk.feeds.settings import Pace
from deepwhisk.feeds.tasks import Tasks

BURST, STEADY = 0.1, 0.8
FALLBACK = 60  # fires per minute, OpenWhisk's default


class Rate:
    """Tokens that grow back. Waiters are served in the order they came."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._tokens = self._room
        self._filled = time.monotonic()
        self._turn = asyncio.Lock()

    @property
    def _room(self) -> float:
        return max(1.0, self.per_minute * BURST)

    @property
    def _per_second(self) -> float:
        return self.per_minute * STEADY / 60

    async def take(self) -> None:
        """Return when one more fire is within the limit."""
        async with self._turn:
            self._fill()
            if self._tokens < 1:
                await asyncio.sleep((1 - self._tokens) / self._per_second)
                self._fill()
            self._tokens -= 1

    def widen(self, per_minute: int) -> None:
        """The limit is known now: what may go at once, may go at once."""
        self.per_minute = per_minute
        self._tokens, self._filled = self._room, time.monotonic()

    def empty(self) -> None:
        """OpenWhisk said that it is too much: start from nothing."""
        self._fill()
        self._tokens = min(self._tokens, 0.0)

    def _fill(self) -> None:
        now = time.monotonic()
        grown = (now - self._filled) * self._per_second
        self._tokens, self._filled = min(self._room, self._tokens + grown), now


class Rates:
    """One bucket a namespace. Until the endpoint has said its limit, it is taken for OpenWhisk's default."""

    def __init__(self, apihost: Apihost, pace: Pace, tasks: Tasks) -> None:
        self._apihost, self._pace, self._tasks = apihost, pace, tasks
        self._known: dict[str, Rate] = {}

    def of(self, namespace: str, auth: str) -> Rate:
        """The namespace's bucket."""
        if namespace not in self._known:
            self._known[namespace] = Rate(self._pace.fires_per_minute or FALLBACK)
            if self._pace.fires_per_minute is None:
                self._tasks.start(self._learn(self._known[namespace], auth))
        return self._known[namespace]

    async def _learn(self, rate: Rate, auth: str) -> None:
        backoff = Backoff(self._pace.first_backoff, self._pace.longest_backoff)
        while True:
            try:
                limit = await self._apihost.fires_per_minute(auth)
            except WhiskUnreachable:
                await asyncio.sleep(backoff.next())
                continue
            rate.widen(limit or FALLBACK)
            return
