"""A fire is over when the actions behind it have ended, and no sooner."""

import asyncio
import json
import time
from typing import Any

import pytest

from deepwhisk.objects.stores.memory import MemoryStore
from feeds.conftest import Bench
from feeds.standin import Outcome, Rule, StandIn

MODEL_ERROR = {"message": "image is not a photograph", "cause": "UnidentifiedImageError", "activation": "abc"}


def always(status: int, result: Any = None, **more: Any) -> Any:
    return lambda payload: Outcome(status, result or {}, **more)


def put(store: MemoryStore, count: int) -> None:
    for number in range(count):
        store.put("inbox", f"{number:03}", b"x")


async def test_a_slow_action_is_waited_for(bench: Bench, memory: MemoryStore, openwhisk: StandIn) -> None:
    openwhisk.rules[0].outcome = always(0, after=0.7)
    put(memory, 1)
    async with bench.running():
        await bench.create()
        await bench.until(lambda: bench.counts() == {"fired": 1})
        await bench.until(lambda: bench.counts() == {"confirmed": 1})

    assert len(openwhisk.fires) == 1


async def test_many_are_confirmed_with_few_requests(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    put(memory, 300)
    openwhisk.rules[0].outcome = always(0, after=0.3)
    async with bench.running():
        await bench.create()
        await bench.until(lambda: bench.counts() == {"confirmed": 300})

    assert len(openwhisk.fires) == 300
    records = 2 * len(openwhisk.fires)  # of the trigger and of the action
    assert openwhisk.requests["activations"] < records


async def test_an_application_error_is_given_up_at_once_with_a_letter(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    openwhisk.rules[0].outcome = always(1, {"error": MODEL_ERROR})
    put(memory, 1)
    async with bench.running():
        await bench.create(deadLetters={"bucket": "letters", "prefix": "bad/"})
        await bench.until(lambda: list(memory.list("letters")))
        shown = await bench.ask("READ")

    [found] = memory.list("letters")
    with memory.get("letters", found.key) as body:
        letter = json.loads(body.read())
    event = openwhisk.fires[0].payload["event"]
    assert len(openwhisk.fires) == 1
    assert found.key == f"bad/{event['id']}.error.json"
    assert letter["event"] == event
    assert letter["cause"]["error"] == MODEL_ERROR
    assert letter["activation"] in openwhisk.activations
    assert shown["deadLetters"][0]["key"] == "000"  # type: ignore[index]
    assert shown["deadLetters"][0]["cause"]["message"] == "image is not a photograph"  # type: ignore[index]


@pytest.mark.parametrize("status", [2, 3])
async def test_an_error_that_may_pass_is_tried_again_and_then_given_up(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn, status: int
) -> None:
    openwhisk.rules[0].outcome = always(status, {"error": "the container died"})
    put(memory, 1)
    async with bench.running():
        await bench.create(retries=2)
        await bench.until(lambda: bench.counts() == {"dead": 1})

    assert len(openwhisk.fires) == 3


async def test_an_error_that_passes_leaves_no_trace(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    outcomes = [Outcome(2, {"error": "killed"}), Outcome(0)]
    openwhisk.rules[0].outcome = lambda payload: outcomes.pop(0)
    put(memory, 1)
    async with bench.running():
        await bench.create(deadLetters={"bucket": "letters"})
        await bench.until(lambda: bench.counts() == {"confirmed": 1})

    assert not list(memory.list("letters"))


async def test_what_leaves_no_outcome_within_its_limit_is_fired_again(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    openwhisk.action_timeout = 100
    outcomes = [Outcome(0, recorded=False), Outcome(0)]
    openwhisk.rules[0].outcome = lambda payload: outcomes.pop(0)
    put(memory, 1)
    async with bench.running():
        await bench.create()
        await bench.until(lambda: bench.counts() == {"confirmed": 1})

    assert len(openwhisk.fires) == 2


async def test_outcomes_that_an_outage_swallowed_are_not_waited_for(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    outcomes = [Outcome(0, recorded=False), Outcome(0)]
    openwhisk.rules[0].outcome = lambda payload: outcomes.pop(0)
    put(memory, 1)
    async with bench.running(margin=3600.0) as feed:
        await bench.create()
        await bench.until(lambda: bench.counts() == {"fired": 1})
        openwhisk.pause()
        await bench.until(lambda: feed.apihost.last_outage)
        openwhisk.start()
        await bench.until(lambda: bench.counts() == {"confirmed": 1})

    assert len(openwhisk.fires) == 2


async def test_a_throttled_rule_is_tried_until_there_is_room(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    openwhisk.rules[0].error = "Too many concurrent requests in flight (count: 31, allowed: 30)."
    put(memory, 1)
    async with bench.running():
        await bench.create(retries=0)
        await bench.until(lambda: len(openwhisk.fires) == 2)
        openwhisk.rules[0].error = None
        await bench.until(lambda: bench.counts() == {"confirmed": 1})


async def test_every_rule_must_have_done_its_work(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    openwhisk.rules.append(Rule("guest/s", "guest/b", outcome=always(1, {"error": "no"})))
    openwhisk.rules.append(Rule("guest/off", "guest/c", active=False))
    put(memory, 1)
    async with bench.running():
        await bench.create()
        await bench.until(lambda: bench.counts() == {"dead": 1})
        [entry] = bench.feed.ledger.entries("guest/t", "dead")

    assert entry.cause
    assert entry.cause["action"] == "guest/b"


async def test_what_was_open_at_the_end_is_followed_after_the_next_start(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    openwhisk.rules[0].outcome = always(0, recorded=False)
    put(memory, 10)
    async with bench.running():
        await bench.create()
        await bench.until(lambda: bench.counts() == {"fired": 10})
    openwhisk.show()
    async with bench.running():
        await bench.until(lambda: bench.counts() == {"confirmed": 10})

    assert len(openwhisk.fires) == 10


async def test_no_more_fires_are_open_than_can_be_followed(
    bench: Bench, memory: MemoryStore, openwhisk: StandIn
) -> None:
    put(memory, 30)
    openwhisk.rules[0].outcome = always(0, after=0.2)
    most = 0
    async with bench.running(unconfirmed=5, parallel_fires=3):
        await bench.create()
        end = time.monotonic() + 60
        while bench.counts() != {"confirmed": 30}:
            most = max(most, bench.counts().get("fired", 0))
            assert time.monotonic() < end
            await asyncio.sleep(0.01)

    assert most <= 5 + 2


async def test_a_letter_waits_for_its_store(bench: Bench, memory: MemoryStore, openwhisk: StandIn) -> None:
    openwhisk.rules[0].outcome = always(1, {"error": "bad"})
    put(memory, 1)
    async with bench.running() as feed:
        await bench.create(deadLetters={"bucket": "letters"})
        del memory._buckets["letters"]
        await bench.until(lambda: feed.letters.error)
        assert "could not be written to letters" in feed.status()["lastError"]
        memory._buckets["letters"] = {}
        await bench.until(lambda: list(memory.list("letters")))
        await bench.until(lambda: not feed.letters.error)
