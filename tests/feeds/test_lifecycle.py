"""CREATE, READ, UPDATE, DELETE, PAUSE and UNPAUSE, as feed actions ask for them."""

from typing import Any

import pytest

from deepwhisk.errors import FeedError
from deepwhisk.feeds.lifecycle import Lifecycle
from deepwhisk.objects.stores.memory import MemoryStore
from feeds.conftest import Bench
from feeds.standin import AUTH, OTHER_AUTH, StandIn


def put(store: MemoryStore, *keys: str, bucket: str = "inbox") -> None:
    for key in keys:
        store.put(bucket, key, key.encode())


async def relist(bench: Bench) -> None:
    """Let every flow list once more, and what it found be over."""
    for flow in list(bench.feed.flows.values()):
        flow.listing._at = None  # two listings may end in one millisecond
        flow.listing.ask()
        await bench.until(lambda flow=flow: flow.listing.status()["listedAt"] is not None)


async def test_from_now_means_what_comes_after_the_answer(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    put(memory, "old")
    async with bench.running():
        await bench.create(startFrom="now")
        put(memory, "new")
        await relist(bench)
        await bench.until(lambda: bench.counts() == {"baseline": 1, "confirmed": 1})

    assert openwhisk.keys() == {"new"}


async def test_from_the_beginning_means_all(bench: Bench, memory: MemoryStore, openwhisk: StandIn) -> None:
    put(memory, "old", "older")
    async with bench.running():
        await bench.create(startFrom="beginning")
        await bench.until(lambda: bench.counts() == {"confirmed": 2})


async def test_delete_and_create_fire_nothing_twice_and_lose_nothing_between(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    put(memory, "1", "2")
    async with bench.running():
        await bench.create()
        await bench.until(lambda: bench.counts() == {"confirmed": 2})
        await bench.ask("DELETE")
        put(memory, "3")
        await bench.create(startFrom="now")
        await bench.until(lambda: bench.counts() == {"confirmed": 3})
        await bench.ask("DELETE")
    async with bench.running():
        await bench.create(startFrom="beginning")
        await relist(bench)
        await relist(bench)

    assert sorted(fire.key for fire in openwhisk.fires) == ["1", "2", "3"]


async def test_create_long_after_delete_begins_anew_but_fires_nothing_twice(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    put(memory, "1")
    async with bench.running(resume=0.0):
        await bench.create()
        await bench.until(lambda: bench.counts() == {"confirmed": 1})
        await bench.ask("DELETE")
        put(memory, "2")
        await bench.create(startFrom="now")
        put(memory, "3")
        await relist(bench)
        await bench.until(lambda: bench.counts() == {"confirmed": 2, "baseline": 1})

    assert sorted(fire.key for fire in openwhisk.fires) == ["1", "3"]


async def test_pause_keeps_the_ledger_and_fires_nothing(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    async with bench.running():
        await bench.create()
        shown = await bench.ask("PAUSE")
        put(memory, "1", "2")
        await relist(bench)
        assert shown["status"]["state"] == "paused"  # type: ignore[index]
        assert bench.counts() == {"new": 2}
        assert not openwhisk.fires
    async with bench.running():
        assert bench.feed.flows["guest/t"].status()["state"] == "paused"
        await bench.ask("UNPAUSE")
        await bench.until(lambda: bench.counts() == {"confirmed": 2})


async def test_update_changes_what_is_given_and_keeps_the_rest(bench: Bench, memory: MemoryStore) -> None:
    async with bench.running():
        await bench.create(prefix="a/", payload={"argument": "image"})
        shown = await bench.ask("UPDATE", suffix=".jpg")

    config: Any = shown["config"]
    assert (config["prefix"], config["suffix"], config["payload"]) == ("a/", ".jpg", {"argument": "image"})


async def test_an_update_that_widens_begins_now_with_what_is_new_to_it(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    put(memory, "b/old")
    async with bench.running():
        await bench.create(prefix="a/", startFrom="now")
        put(memory, "a/missed")
        await bench.ask("UPDATE", prefix="")
        put(memory, "b/new")
        await relist(bench)
        await bench.until(lambda: bench.counts() == {"baseline": 1, "confirmed": 2})

    assert openwhisk.keys() == {"a/missed", "b/new"}


async def test_read_tells_configuration_counts_and_lag(bench: Bench, memory: MemoryStore) -> None:
    put(memory, "1")
    async with bench.running():
        await bench.create()
        await bench.until(lambda: bench.counts() == {"confirmed": 1})
        shown: Any = await bench.ask("READ")

    assert shown["trigger"] == "/guest/t"
    assert shown["config"]["bucket"] == "inbox"
    assert shown["status"]["counts"]["confirmed"] == 1
    assert shown["status"]["lag"] == 0
    assert shown["deadLetters"] == []
    assert AUTH.partition(":")[2] not in str(shown)


async def test_two_subscriptions_on_one_bucket_each_get_every_object(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    put(memory, "1")
    async with bench.running():
        await bench.create("t")
        await bench.create("u")
        await bench.until(lambda: bench.counts("guest/t") == bench.counts("guest/u") == {"confirmed": 1})

    assert sorted(fire.trigger for fire in openwhisk.fires) == ["t", "u"]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ({"lifecycleEvent": "MAKE"}, 400, "lifecycleEvent must be one of CREATE, READ, UPDATE, DELETE"),
        ({"authKey": None}, 401, "authKey is missing"),
        ({"authKey": "uuid:nobody"}, 401, "authKey is nobody's"),
        ({"triggerName": "/"}, 400, "triggerName is missing; give /_/NAME"),
        ({"triggerName": "/other/t"}, 403, "/other/t is not in guest"),
        ({"lifecycleEvent": "READ"}, 404, "there is no feed of the trigger /guest/t; CREATE one first"),
        ({"lifecycleEvent": "DELETE"}, 404, "there is no feed"),
        ({"bucket": "missing"}, 404, "there is no bucket missing; make it first"),
        ({"deadLetters": {"bucket": "missing"}}, 404, "there is no bucket missing; make it first"),
        ({"bucket": "x"}, 400, "'x' cannot name a bucket"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_words(
    bench: Bench, arguments: dict[str, Any], status: int, words: str
) -> None:
    good = {"lifecycleEvent": "CREATE", "triggerName": "/_/t", "authKey": AUTH, "bucket": "inbox"}
    async with bench.running() as feed:
        with pytest.raises(FeedError) as refused:
            await Lifecycle(feed, None).ask(good | arguments)

    assert refused.value.status == status
    assert words in str(refused.value)
    assert bench.feed.flows == {}


async def test_the_trigger_belongs_to_the_namespace_of_the_key(bench: Bench) -> None:
    async with bench.running() as feed:
        await bench.create()
        told = {"lifecycleEvent": "READ", "triggerName": "/_/t", "authKey": OTHER_AUTH}
        with pytest.raises(FeedError, match="no feed of the trigger /other/t"):
            await Lifecycle(feed, None).ask(told)


async def test_missing_buckets_are_made_where_that_was_asked_for(bench: Bench, memory: MemoryStore) -> None:
    made: set[str] = set()
    async with bench.running() as feed:
        told = {"lifecycleEvent": "CREATE", "triggerName": "t", "authKey": AUTH, "bucket": "inbox"}
        await Lifecycle(feed, made.update).ask({**told, "deadLetters": {"bucket": "letters"}})

    assert made == {"inbox", "letters"}


async def test_a_refused_update_changes_nothing(bench: Bench, memory: MemoryStore) -> None:
    async with bench.running():
        await bench.create(prefix="a/")
        with pytest.raises(FeedError, match="feed itself"):
            await bench.ask("UPDATE", deadLetters={"bucket": "inbox", "prefix": "a/"})
        shown: Any = await bench.ask("READ")

    assert shown["config"]["deadLetters"] is None
    assert shown["status"]["active"]
