"""A feed in this process, over a store in memory, before a small OpenWhisk."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from deepwhisk.feeds.alarms.lifecycle import AlarmLifecycle
from deepwhisk.feeds.database import open_database
from deepwhisk.feeds.feed import Feed
from deepwhisk.feeds.lifecycle import Lifecycle
from deepwhisk.feeds.settings import Pace
from deepwhisk.feeds.subscriptions import Subscription
from deepwhisk.objects.store import Store
from deepwhisk.objects.stores.memory import MemoryStore
from feeds.standin import AUTH, StandIn

QUICK = Pace(
    first_backoff=0.02,
    longest_backoff=0.2,
    first_look=0.02,
    slowest_look=0.2,
    margin=0.5,
    outage_grace=0.3,
    fire_timeout=60.0,
    listing=3600.0,
)


@pytest.fixture
def openwhisk() -> Iterator[StandIn]:
    """A stand-in that answers everything well until told otherwise."""
    running = StandIn()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def memory() -> MemoryStore:
    """A store with the buckets that the tests name."""
    return MemoryStore(buckets=["inbox", "out", "letters"])


class Bench:
    """A feed to try things on; `pace` may be changed before it runs."""

    def __init__(self, folder: Path, apihost: str, store: Store) -> None:
        self.folder, self.apihost, self.store = folder, apihost, store
        self.pace = QUICK
        self.feed: Feed

    @asynccontextmanager
    async def running(self, now: Callable[[], float] = time.time, **pace: float) -> AsyncIterator[Feed]:
        """The feed, from its ledger as the last one left it. `now` is its clock's time of day."""
        with closing(open_database(self.folder / "ledger.db")) as database:
            async with aiohttp.ClientSession() as session:
                paced = replace(self.pace, **pace)
                self.feed = Feed(database, self.store, session, self.apihost, paced, now)
                self.feed.start([])
                try:
                    yield self.feed
                finally:
                    await self.feed.stop()
                    assert not self.feed.tasks.defect.done(), self.feed.tasks.defect

    async def create(self, trigger: str = "t", **parameters: object) -> dict[str, object]:
        return await self.ask(
            "CREATE", trigger, **{"bucket": "inbox", "startFrom": "beginning", **parameters}
        )

    async def ask(self, event: str, trigger: str = "t", **parameters: object) -> dict[str, object]:
        lifecycle = Lifecycle(self.feed, None)
        told = {"lifecycleEvent": event, "triggerName": f"/_/{trigger}", "authKey": AUTH, **parameters}
        return await lifecycle.ask(told)

    async def alarm(self, event: str = "CREATE", trigger: str = "t", **parameters: object) -> dict[str, Any]:
        """Ask as the feeds of `/whisk.system/alarms` do."""
        told = {"lifecycleEvent": event, "triggerName": f"/_/{trigger}", "authKey": AUTH, **parameters}
        return await AlarmLifecycle(self.feed).ask(told)

    def counts(self, name: str = "guest/t") -> dict[str, int]:
        return self.feed.ledger.counts(name)

    async def until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        """Wait for something that must come true."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"never came true: {self.feed.status()}"
            await asyncio.sleep(0.01)


@pytest.fixture
def bench(tmp_path: Path, openwhisk: StandIn, memory: MemoryStore) -> Bench:
    """The bench over the store in memory."""
    return Bench(tmp_path, openwhisk.apihost, memory)


@pytest.fixture
def subscription() -> Subscription:
    """A subscription on `in/photos/*.jpg`."""
    return Subscription("guest", "t", AUTH, "inbox", "photos/", ".jpg")
