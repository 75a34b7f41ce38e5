"""Listing: the truth. It runs at the start, when a source may have missed something, and on a timer.

Law: it lists everything under a subscription's prefix, not what comes after the last key seen: keys are
not in the order of time. What the ledger does not know is looked at.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Executor
from itertools import islice
from typing import Any

from deepwhisk.errors import StoreError
from deepwhisk.feeds.backoff import Backoff
from deepwhisk.feeds.events import Hint, second
from deepwhisk.feeds.ledger import Ledger
from deepwhisk.feeds.settings import Pace
from deepwhisk.feeds.source import Standing
from deepwhisk.feeds.subscriptions import Subscription
from deepwhisk.feeds.tasks import woken
from deepwhisk.objects.store import Object, Store

log = logging.getLogger("deepwhisk.feeds")

TOGETHER = 500  # entries between which others may run
SHARE, REST = 20, 4  # how much longer than a listing the time to the next is: unasked, asked
DAY = 86400.0


async def listed(store: Store, subscription: Subscription, threads: Executor) -> AsyncIterator[list[Object]]:
    """All objects that the subscription matches, some hundred at a time."""
    loop = asyncio.get_running_loop()
    objects = await loop.run_in_executor(threads, store.list, subscription.bucket, subscription.prefix)
    while page := await loop.run_in_executor(threads, _some, objects):
        yield [one for one in page if subscription.matches(one.bucket, one.key)]


def _some(objects: Iterator[Object]) -> list[Object]:
    return list(islice(objects, TOGETHER))


class Listing:
    """Lists for one subscription."""

    name = "listing"

    def __init__(
        self,
        subscription: Subscription,
        store: Store,
        ledger: Ledger,
        threads: Executor,
        look: Callable[[Hint], Awaitable[bool]],
        pace: Pace,
    ) -> None:
        self.subscription = subscription
        self._store, self._ledger, self._threads, self._look, self._pace = store, ledger, threads, look, pace
        self._standing = Standing("starting")
        self._backoff = Backoff(pace.first_backoff, pace.longest_backoff)
        self._wanted = asyncio.Event()
        self._pruned = time.time()
        self._took = 0.0
        self._at: float | None = None

    def ask(self) -> None:
        """List soon: something may have been missed."""
        self._wanted.set()

    def status(self) -> dict[str, Any]:
        return {**self._standing.show(), "seconds": round(self._took, 3), "listedAt": self._at}

    async def run(self) -> None:
        """List until cancelled, first at once."""
        while True:
            self._wanted.clear()
            wait = await self._attempt()
            if await woken(self._wanted, wait):
                await asyncio.sleep(REST * self._took)  # many may ask, again and again

    async def _attempt(self) -> float:
        """List once; how long until the next time."""
        try:
            await self._list()
        except StoreError as error:
            self._standing.state, self._standing.error = "failing", str(error)
            self._wanted.clear()
            return self._backoff.next()
        self._standing.state, self._standing.error = "listening", ""
        self._backoff.reset()
        return max(self._pace.listing, SHARE * self._took)

    async def _list(self) -> None:
        began, prune = time.monotonic(), time.time() - self._pruned > DAY
        present: set[tuple[str, str, int]] = set()
        unseen = 0  # one that is never to be seen must not hide what comes after it
        async for page in listed(self._store, self.subscription, self._threads):
            unseen += await self._look_at(
                [one for one in page if not self._ledger.knows(self.subscription.name, one)]
            )
            if prune:
                present.update((one.key, one.etag, second(one.last_modified)) for one in page)
        self._took, self._at = time.monotonic() - began, round(time.time(), 3)
        if unseen:
            raise StoreError(f"{unseen} objects of {self.subscription.bucket} could not be looked at")
        if prune:
            self._prune(present)

    async def _look_at(self, news: list[Object]) -> int:
        """Look at objects; how many could not be looked at."""
        if not news:
            return 0
        self._standing.count(len(news))
        seen = await asyncio.gather(*(self._look(Hint(one.bucket, one.key)) for one in news))
        return seen.count(False)

    def _prune(self, present: set[tuple[str, str, int]]) -> None:
        before = time.time() - self._pace.keep_days * DAY
        gone = self._ledger.prune(self.subscription.name, before, present)
        self._pruned = time.time()
        log.info("%s: %d entries whose objects are gone were dropped", self.subscription.name, gone)
