"""Listing finds what no event told."""

import asyncio
from collections.abc import Iterator

from deepwhisk.errors import StoreError, StoreUnreachable
from deepwhisk.feeds.events import Hint
from deepwhisk.objects.store import Object
from deepwhisk.objects.stores.memory import MemoryStore
from feeds.conftest import Bench
from feeds.standin import StandIn


class Away(MemoryStore):
    """A store that can go away."""

    away = False

    def list(self, bucket: str, prefix: str = "") -> Iterator[Object]:
        if self.away:
            raise StoreUnreachable("no store answers")
        return super().list(bucket, prefix)

    def head(self, bucket: str, key: str) -> Object:
        if self.away:
            raise StoreUnreachable("no store answers")
        return super().head(bucket, key)


def put(store: MemoryStore, *keys: str) -> None:
    for key in keys:
        store.put("inbox", key, b"x")


async def test_what_came_while_the_feed_was_away_is_found_at_its_start(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    async with bench.running():
        await bench.create(startFrom="now")
    put(memory, *(f"{number:04}" for number in range(700)))
    async with bench.running():
        await bench.until(lambda: bench.counts() == {"confirmed": 700}, 60)

    assert len(openwhisk.fires) == 700


async def test_the_timer_finds_what_no_hint_told(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    async with bench.running(listing=0.05):
        await bench.create()
        put(memory, "0-before-all-keys")
        await bench.until(lambda: bench.counts() == {"confirmed": 1})
        put(memory, "0-a-key-before-the-last-one")
        await bench.until(lambda: bench.counts() == {"confirmed": 2})


async def test_a_store_that_is_away_is_asked_again(bench: Bench, openwhisk: StandIn) -> None:
    store = Away(buckets=["inbox"])
    bench.store = store
    async with bench.running() as feed:
        await bench.create()
        store.away = True
        put(store, "1")
        feed.list_again("inbox")
        await bench.until(lambda: "no store answers" in feed.status()["subscriptions"][0]["lastError"])
        store.away = False
        await bench.until(lambda: bench.counts() == {"confirmed": 1})
        await bench.until(lambda: feed.status()["subscriptions"][0]["listing"]["state"] == "listening")


async def test_a_hint_that_could_not_be_looked_at_is_found_by_a_listing(
    bench: Bench, openwhisk: StandIn
) -> None:
    store = Away(buckets=["inbox"])
    bench.store = store
    async with bench.running() as feed:
        await bench.create()
        store.away = True
        put(store, "1")
        assert not await feed.intake.hint(Hint("inbox", "1"))
        store.away = False
        await bench.until(lambda: bench.counts() == {"confirmed": 1})


async def test_hints_beyond_the_bound_ask_for_a_listing(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    keys = [f"{number:03}" for number in range(100)]
    async with bench.running(hints=10) as feed:
        await bench.create()
        put(memory, *keys)
        taken = await asyncio.gather(*(feed.intake.hint(Hint("inbox", key)) for key in keys))
        assert taken.count(False) == 90
        assert feed.status()["overflows"] == 90
        await bench.until(lambda: bench.counts() == {"confirmed": 100})

    assert len(openwhisk.fires) == 100


async def test_a_hint_at_an_object_that_is_gone_is_taken(bench: Bench, openwhisk: StandIn) -> None:
    async with bench.running() as feed:
        await bench.create()
        assert await feed.intake.hint(Hint("inbox", "gone"))
        assert bench.counts() == {}


class Locked(MemoryStore):
    """A store that never says what one of its objects is."""

    def head(self, bucket: str, key: str) -> Object:
        if key == "0000-locked":
            raise StoreError("the store refused access to it")
        return super().head(bucket, key)


async def test_an_object_that_cannot_be_looked_at_hides_no_other(bench: Bench, openwhisk: StandIn) -> None:
    store = Locked(buckets=["inbox"])
    bench.store = store
    async with bench.running() as feed:
        await bench.create()
        put(store, "0000-locked", *(f"{number:04}" for number in range(1, 602)))
        feed.list_again("inbox")
        await bench.until(lambda: bench.counts() == {"confirmed": 601}, 60)
        await bench.until(lambda: "1 objects of inbox" in feed.status()["subscriptions"][0]["lastError"])
