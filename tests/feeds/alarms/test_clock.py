"""Alarms before a small OpenWhisk, at a time of day that the tests set."""

import threading
from contextlib import closing
from typing import Any

import pytest

from deepwhisk.feeds.database import open_database
from feeds.conftest import Bench
from feeds.day import NOON, Day
from feeds.standin import Outcome, Rule, StandIn


@pytest.fixture
def day() -> Day:
    return Day()


def state(bench: Bench, name: str = "guest/t") -> str:
    registered = bench.feed.register.find(name)
    assert registered
    return registered.state


def reason(bench: Bench) -> str:
    registered = bench.feed.register.find("guest/t")
    assert registered
    return registered.reason


async def fired(bench: Bench, openwhisk: StandIn, number: int) -> None:
    """Wait until that many fires have come to their end."""
    await bench.until(lambda: bench.counts().get("confirmed", 0) == number)
    assert len(openwhisk.fires) == number


async def test_each_time_fires_once_with_its_payload(bench: Bench, openwhisk: StandIn, day: Day) -> None:
    async with bench.running(now=day) as feed:
        await bench.alarm(cron="* * * * *", trigger_payload={"name": "Odin"})
        for number in range(1, 4):
            day.passes(feed, 30)
            day.passes(feed, 30)
            await fired(bench, openwhisk, number)

    assert [fire.payload for fire in openwhisk.fires] == [{"name": "Odin"}] * 3


async def test_what_passes_while_the_feed_is_down_fires_once(
    bench: Bench, openwhisk: StandIn, day: Day
) -> None:
    async with bench.running(now=day):
        await bench.alarm(cron="* * * * *")
        await bench.alarm("CREATE", "i", minutes=1, isInterval=True)
    day.now += 3600.5
    async with bench.running(now=day) as feed:
        await bench.until(lambda: len(openwhisk.fires) == 2)
        assert feed.clock.ticks.find("guest/t").next == NOON + 3660
        assert feed.clock.ticks.find("guest/i").next == NOON + 3630
        day.passes(feed, 60)
        await bench.until(lambda: len(openwhisk.fires) == 4)


async def test_a_single_time_that_passes_while_the_feed_is_down_fires_late(
    bench: Bench, openwhisk: StandIn, day: Day
) -> None:
    async with bench.running(now=day):
        await bench.alarm(date=(NOON + 60) * 1000, fireOnce=True)
    day.now += 86400
    async with bench.running(now=day):
        await fired(bench, openwhisk, 1)
        await bench.until(lambda: state(bench) == "disabled")
        assert reason(bench) == "Automatically disabled after firing once"


async def test_what_was_entered_is_fired_by_the_next_process(
    bench: Bench, openwhisk: StandIn, day: Day
) -> None:
    openwhisk.script = [503] * 100
    async with bench.running(now=day, first_backoff=60.0, longest_backoff=60.0) as feed:
        await bench.alarm(cron="* * * * *")
        day.passes(feed, 60)
        await bench.until(lambda: openwhisk.answers["503"] >= 1)
    openwhisk.script = []
    async with bench.running(now=day):
        await fired(bench, openwhisk, 1)


async def test_times_that_pass_while_openwhisk_is_away_fold_into_one(
    bench: Bench, openwhisk: StandIn, day: Day
) -> None:
    openwhisk.pause()
    openwhisk_back = openwhisk.start
    async with bench.running(now=day) as feed:
        openwhisk.start()
        await bench.alarm(cron="* * * * *")
        openwhisk.pause()
        for _ in range(10):
            day.passes(feed, 60)
        assert bench.counts() == {"new": 1}
        openwhisk_back()
        await fired(bench, openwhisk, 1)
        day.passes(feed, 60)
        await fired(bench, openwhisk, 2)


async def test_a_time_that_comes_while_a_fire_is_on_its_way_is_fired_too(
    bench: Bench, openwhisk: StandIn, day: Day
) -> None:
    gate = threading.Event()

    def outcome(_: object) -> Outcome:
        gate.wait(60)
        return Outcome()

    openwhisk.rules[0].outcome = outcome
    async with bench.running(now=day) as feed:
        await bench.alarm(cron="* * * * *")
        day.passes(feed, 60)
        await bench.until(lambda: feed.flows["guest/t"].dispatcher.flying)
        day.passes(feed, 60)
        gate.set()
        await fired(bench, openwhisk, 2)


async def test_a_clock_that_is_set_back_doubles_nothing(bench: Bench, openwhisk: StandIn, day: Day) -> None:
    async with bench.running(now=day) as feed:
        await bench.alarm(cron="* * * * *")
        day.passes(feed, 60)
        await fired(bench, openwhisk, 1)
        day.passes(feed, -600)
        for _ in range(10):
            day.passes(feed, 60)
        assert len(openwhisk.fires) == 1
        day.passes(feed, 60)
        await fired(bench, openwhisk, 2)


async def test_nothing_is_due_after_the_stop_date(bench: Bench, openwhisk: StandIn, day: Day) -> None:
    async with bench.running(now=day) as feed:
        await bench.alarm(cron="* * * * *", stopDate=(NOON + 130) * 1000)
        day.passes(feed, 60)
        await fired(bench, openwhisk, 1)
        day.passes(feed, 60)
        await fired(bench, openwhisk, 2)
        await bench.until(lambda: feed.clock.turn() or state(bench) == "disabled")
        assert reason(bench) == "Automatically disabled after firing last scheduled cron trigger"
        day.passes(feed, 600)
        assert len(openwhisk.fires) == 2


async def test_what_would_be_late_for_the_stop_date_is_not_fired(
    bench: Bench, openwhisk: StandIn, day: Day
) -> None:
    async with bench.running(now=day):
        await bench.alarm(cron="* * * * *", stopDate=(NOON + 130) * 1000)
    day.now += 3600
    async with bench.running(now=day):
        await bench.until(lambda: state(bench) == "disabled")
    assert openwhisk.fires == []


async def test_no_more_than_max_triggers_are_fired(bench: Bench, openwhisk: StandIn, day: Day) -> None:
    async with bench.running(now=day) as feed:
        await bench.alarm(cron="* * * * *", maxTriggers=2)
        for number in (1, 2):
            day.passes(feed, 60)
            await fired(bench, openwhisk, number)
        await bench.until(lambda: feed.clock.turn() or state(bench) == "disabled")
        assert reason(bench) == "Automatically disabled after reaching max triggers"


async def test_a_trigger_that_has_gone_disables_its_alarm(bench: Bench, openwhisk: StandIn, day: Day) -> None:
    async with bench.running(now=day) as feed:
        await bench.alarm(cron="* * * * *")
        openwhisk.script = [404]
        day.passes(feed, 60)
        await bench.until(lambda: state(bench) == "disabled")
        assert "404" in reason(bench)
        day.passes(feed, 600)
        assert openwhisk.fires == []

        await bench.alarm(cron="* * * * *")
        day.passes(feed, 30)
        assert bench.counts() == {}
        day.passes(feed, 30)
        await fired(bench, openwhisk, 1)


async def test_a_time_at_which_no_rule_listens_is_over(bench: Bench, openwhisk: StandIn, day: Day) -> None:
    openwhisk.rules = []
    async with bench.running(now=day) as feed:
        await bench.alarm(cron="* * * * *")
        day.passes(feed, 60)
        await bench.until(lambda: bench.counts() == {"confirmed": 1})
        openwhisk.rules = [Rule()]
        day.passes(feed, 60)
        await bench.until(lambda: bench.counts() == {"confirmed": 2})
    assert len(openwhisk.fires) == 1


@pytest.mark.parametrize("status", [1, 2])
async def test_an_action_that_fails_is_not_fired_again(
    bench: Bench, openwhisk: StandIn, day: Day, status: int
) -> None:
    openwhisk.rules = [Rule(outcome=lambda payload: Outcome(status, {"error": "no"}))]
    async with bench.running(now=day) as feed:
        await bench.alarm(cron="* * * * *")
        day.passes(feed, 60)
        await bench.until(lambda: bench.counts() == {"dead": 1})
        assert [one["due"] for one in feed.flows["guest/t"].dead_letters(5)] == ["2027-01-15T12:01:00.000Z"]
    assert len(openwhisk.fires) == 1


async def test_a_fire_that_was_lost_on_the_way_is_made_again(
    bench: Bench, openwhisk: StandIn, day: Day
) -> None:
    outcomes = iter([Outcome(3), Outcome()])
    openwhisk.rules = [Rule(outcome=lambda payload: next(outcomes))]
    async with bench.running(now=day, longest_backoff=0.1) as feed:
        await bench.alarm(cron="* * * * *")
        day.passes(feed, 60)
        await bench.until(lambda: bench.counts() == {"confirmed": 1})
    assert len(openwhisk.fires) == 2


@pytest.mark.parametrize(
    ("word", "gone"), [("true", ["triggers/t"]), ("rules", ["rules/r", "rules/s", "triggers/t"])]
)
async def test_what_fired_once_goes_with_what_it_says(
    bench: Bench, openwhisk: StandIn, day: Day, word: str, gone: list[str]
) -> None:
    openwhisk.rules = [Rule(), Rule("guest/s")]
    openwhisk.deletions = [503, 200]
    async with bench.running(now=day) as feed:
        await bench.alarm(date=(NOON + 60) * 1000, fireOnce=True, deleteAfterFire=word)
        assert openwhisk.gone == []
        day.passes(feed, 60)
        await bench.until(lambda: feed.clock.turn() or state(bench) == "deleted")
        await bench.until(lambda: not feed.flows)
    assert openwhisk.gone == gone
    assert len(openwhisk.fires) == 1


async def test_an_end_that_was_cut_short_is_made_again(bench: Bench, openwhisk: StandIn, day: Day) -> None:
    openwhisk.rules = [Rule(), Rule("guest/s")]
    openwhisk.deletions = [200, *[503] * 1000]
    async with bench.running(now=day) as feed:
        await bench.alarm(date=(NOON + 60) * 1000, fireOnce=True, deleteAfterFire="rules")
        day.passes(feed, 60)
        await bench.until(lambda: feed.clock.turn() or len(openwhisk.deletions) < 1000)
    openwhisk.deletions = []
    async with bench.running(now=day):
        await bench.until(lambda: state(bench) == "deleted")
    assert openwhisk.gone[-1] == "triggers/t"
    assert {"rules/r", "rules/s"} <= set(openwhisk.gone)


async def test_a_deletion_that_is_refused_disables(bench: Bench, openwhisk: StandIn, day: Day) -> None:
    openwhisk.deletions = [403]
    async with bench.running(now=day) as feed:
        await bench.alarm(date=(NOON + 60) * 1000, fireOnce=True, deleteAfterFire="true")
        day.passes(feed, 60)
        await bench.until(lambda: feed.clock.turn() or state(bench) == "disabled")
        assert reason(bench) == "The trigger was fired and could not be deleted: no"


async def test_a_fire_that_openwhisk_refuses_deletes_nothing(
    bench: Bench, openwhisk: StandIn, day: Day
) -> None:
    openwhisk.script = [413]
    async with bench.running(now=day) as feed:
        await bench.alarm(date=(NOON + 60) * 1000, fireOnce=True, deleteAfterFire="true")
        day.passes(feed, 60)
        await bench.until(lambda: feed.clock.turn() or state(bench) == "disabled")
    assert openwhisk.gone == []


async def test_old_ticks_are_dropped(bench: Bench, openwhisk: StandIn, day: Day) -> None:
    async with bench.running(now=day) as feed:
        await bench.alarm(cron="* * * * *")
        day.passes(feed, 60)
        await fired(bench, openwhisk, 1)
        feed.database.execute("UPDATE events SET changed = changed - 4000")
        day.passes(feed, 3601)
        await bench.until(lambda: len(openwhisk.fires) == 2)
        await bench.until(lambda: bench.counts() == {"confirmed": 1})


async def test_a_ledger_of_before_there_were_alarms_is_taken(bench: Bench, day: Day) -> None:
    async with bench.running(now=day):
        await bench.create()
    with closing(open_database(bench.folder / "ledger.db")) as database:
        database.execute("DROP TABLE alarms")
    async with bench.running(now=day):
        status: dict[str, Any] = bench.feed.status()["subscriptions"][0]
        assert status["bucket"] == "inbox"
        await bench.alarm("CREATE", "other", cron="* * * * *")
