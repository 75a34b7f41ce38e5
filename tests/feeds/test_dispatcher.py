"""Every answer to a fire, and what the dispatcher makes of it."""

import time
from pathlib import Path

import pytest

from deepwhisk.objects.stores.memory import MemoryStore
from feeds.conftest import Bench
from feeds.standin import AUTH, StandIn


def put(store: MemoryStore, *keys: str) -> None:
    for key in keys:
        store.put("inbox", key, key.encode(), content_type="image/jpeg")


async def test_an_event_is_fired_with_all_that_head_says(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    put(memory, "a b+c%41/ü 漢字.jpg")
    async with bench.running():
        await bench.create(payload={"argument": "image", "results": {"bucket": "out"}})
        await bench.until(lambda: bench.counts().get("confirmed"))

    event = openwhisk.fires[0].payload.pop("event")
    found = memory.head("inbox", "a b+c%41/ü 漢字.jpg")
    assert openwhisk.fires[0].payload == {"argument": "image", "results": {"bucket": "out"}}
    assert len(event.pop("id")) == 32
    assert event == {
        "bucket": "inbox",
        "key": "a b+c%41/ü 漢字.jpg",
        "etag": found.etag,
        "size": found.size,
        "contentType": "image/jpeg",
        "lastModified": found.last_modified.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "versionId": None,
    }


@pytest.mark.parametrize("trouble", [429, 500, 503, "lost"])
async def test_trouble_slows_down_and_never_skips(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn, trouble: int | str
) -> None:
    put(memory, *(f"{number:02}" for number in range(10)))
    openwhisk.script = [trouble, 202, trouble, trouble]
    async with bench.running():
        await bench.create()
        await bench.until(lambda: bench.counts().get("confirmed") == 10)

    assert openwhisk.keys() == {f"{number:02}" for number in range(10)}
    assert openwhisk.answers[str(trouble)] == 3


async def test_an_endpoint_that_is_away_is_waited_for(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    async with bench.running() as feed:
        await bench.create()
        openwhisk.pause()
        put(memory, "x")
        feed.list_again("inbox")
        await bench.until(lambda: "does not answer" in feed.flows["guest/t"].dispatcher.error)
        openwhisk.start()
        await bench.until(lambda: bench.counts().get("confirmed") == 1)


async def test_fires_start_in_the_order_of_arrival(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    keys = [f"{number:03}" for number in range(40)]
    put(memory, *keys)
    openwhisk.script = [202, 202, 429]
    async with bench.running(parallel_fires=1, look_threads=1):
        await bench.create()
        await bench.until(lambda: bench.counts().get("confirmed") == 40)

    assert [fire.key for fire in openwhisk.fires] == keys


async def test_without_an_active_rule_events_are_held_and_said_to_be(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    openwhisk.rules[0].active = False
    put(memory, "1", "2", "3")
    async with bench.running() as feed:
        await bench.create()
        await bench.until(lambda: bench.counts().get("held") and sum(bench.counts().values()) == 3)
        [status] = feed.status()["subscriptions"]
        assert "no active rule" in status["reason"]
        assert status["waiting"] == 3
        assert not openwhisk.fires
        openwhisk.rules[0].active = True
        await bench.until(lambda: bench.counts().get("confirmed") == 3)
        assert feed.status()["subscriptions"][0]["reason"] == ""


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refusal_disables_and_deletes_nothing(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn, status: int
) -> None:
    openwhisk.script = [status] * 20
    put(memory, "1", "2")
    async with bench.running() as feed:
        await bench.create()
        await bench.until(lambda: feed.register.find("guest/t").state == "disabled")
        await bench.until(lambda: feed.status()["subscriptions"][0]["state"] == "disabled")
        put(memory, "3")
        feed.list_again("inbox")
        await bench.until(lambda: bench.counts() == {"new": 3})
        assert str(status) in feed.status()["subscriptions"][0]["reason"]
        openwhisk.script = []
        await bench.ask("UNPAUSE")
        await bench.until(lambda: bench.counts() == {"confirmed": 3})
        # listing, dispatcher and confirmer of one flow, the letters and the clock
        await bench.until(lambda: len(feed.tasks) == 5)


async def test_a_fire_that_is_on_its_way_while_the_feed_changes_is_made_once(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    openwhisk.script = ["slow"]
    put(memory, "1")
    async with bench.running():
        await bench.create()
        await bench.until(lambda: openwhisk.fires)
        await bench.ask("PAUSE")
        await bench.ask("UNPAUSE")
        await bench.until(lambda: bench.counts() == {"confirmed": 1})

    assert len(openwhisk.fires) == 1


async def test_a_refusal_under_way_does_not_bring_a_deleted_feed_back(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    openwhisk.script = [404] * 20
    put(memory, "1")
    async with bench.running() as feed:
        await bench.create()
        await bench.ask("DELETE")
        feed._disable("guest/t", "firing was answered 404")
        assert feed.register.find("guest/t").state == "deleted"
        assert not feed.flows


async def test_a_fire_that_openwhisk_does_not_take_becomes_a_dead_letter(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    openwhisk.script = [413]
    put(memory, "1")
    async with bench.running():
        await bench.create()
        await bench.until(lambda: bench.counts() == {"dead": 1})


async def test_an_overwrite_is_fired_again_and_an_identical_look_is_not(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    put(memory, "1")
    async with bench.running() as feed:
        await bench.create()
        await bench.until(lambda: bench.counts() == {"confirmed": 1})
        memory.put("inbox", "1", b"new content")
        for _ in range(3):
            feed.list_again("inbox")
            await bench.until(lambda: bench.counts() == {"confirmed": 2})

    assert len(openwhisk.fires) == 2


async def test_the_limit_of_the_namespace_is_asked_for_and_kept(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn, tmp_path: Path
) -> None:
    openwhisk.fires_per_minute = 120
    async with bench.running() as feed:
        await bench.create()
        await bench.until(lambda: feed.rates.of("guest", AUTH).per_minute == 120)
        began = time.monotonic()
        put(memory, *(str(number) for number in range(15)))
        feed.list_again("inbox")
        await bench.until(lambda: len(openwhisk.fires) == 15)
        took = time.monotonic() - began

    assert len(openwhisk.fires) <= 12 + took * 120 / 60
