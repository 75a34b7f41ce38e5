"""What the feeds of alarms are answered."""

from typing import Any

import pytest

from deepwhisk.errors import FeedError
from feeds.conftest import Bench
from feeds.day import NOON, Day
from feeds.standin import AUTH, OTHER_AUTH, StandIn


async def refusal(bench: Bench, event: str = "CREATE", **parameters: Any) -> FeedError:
    with pytest.raises(FeedError) as caught:
        await bench.alarm(event, **parameters)
    return caught.value


async def test_create_read_update_delete_are_answered_as_openwhisk_does(bench: Bench) -> None:
    day = Day()
    async with bench.running(now=day):
        created = await bench.alarm(cron="*/5 * * * *", trigger_payload="hi", stopDate=(NOON + 9999) * 1000)
        read = await bench.alarm("READ")
        assert created == {"status": "success"}
        assert read["config"] == {
            "name": "t",
            "namespace": "guest",
            "payload": {"payload": "hi"},
            "cron": "*/5 * * * *",
            "stopDate": (NOON + 9999) * 1000,
        }
        assert read["status"]["active"] is True
        assert "reason" not in read["status"]
        assert read["status"]["dateChangedISO"].endswith("Z")
        assert isinstance(read["status"]["dateChanged"], int)
        assert read["status"]["next"] == "2027-01-15T12:05:00.000Z"

        assert await bench.alarm("UPDATE", cron="0 * * * *", timezone="Europe/Madrid") == {
            "status": "success"
        }
        read = await bench.alarm("READ")
        assert (read["config"]["cron"], read["config"]["timezone"]) == ("0 * * * *", "Europe/Madrid")
        assert read["status"]["next"] == "2027-01-15T13:00:00.000Z"

        assert await bench.alarm("DELETE") == {"status": "success"}
        assert (await refusal(bench, "READ")).status == 404


async def test_any_of_the_feeds_reads_what_another_made(bench: Bench) -> None:
    async with bench.running(now=Day()):
        await bench.alarm(date=(NOON + 60) * 1000, deleteAfterFire="true", fireOnce=True)
        config = (await bench.alarm("READ"))["config"]
        assert (config["date"], config["deleteAfterFire"]) == ((NOON + 60) * 1000, "true")
        assert "cron" not in config
        await bench.alarm("UPDATE", deleteAfterFire="rules")
        assert (await bench.alarm("READ"))["config"]["deleteAfterFire"] == "rules"

        await bench.alarm("CREATE", "i", minutes=3, isInterval=True)
        config = (await bench.alarm("READ", "i"))["config"]
        assert (config["minutes"], config["startDate"]) == (3, (NOON + 30) * 1000)


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({"lifecycleEvent": "EXPLODE"}, 400, "unsupported lifecycleEvent"),
        ({"triggerName": None}, 400, "no trigger name parameter was provided"),
        ({"authKey": "no:body"}, 401, "Trigger authentication request failed."),
        ({"authKey": None}, 401, "Trigger authentication request failed."),
        ({"authKey": OTHER_AUTH, "triggerName": "/guest/t"}, 403, "Trigger authentication request failed."),
        ({"cron": "x"}, 400, "cron pattern 'x' is not valid"),
    ],
)
async def test_what_is_refused_is_said_as_openwhisk_says_it(
    bench: Bench, given: dict[str, Any], status: int, words: str
) -> None:
    told = {"lifecycleEvent": "CREATE", "triggerName": "/_/t", "authKey": AUTH, "cron": "* * * * *", **given}
    async with bench.running(now=Day()):
        error = await refusal(bench, **{"event": told.pop("lifecycleEvent"), **told})
    assert error.status == status
    assert str(error).startswith(words)


async def test_a_trigger_that_is_not_there_gets_no_alarm(bench: Bench, openwhisk: StandIn) -> None:
    openwhisk.gone = ["triggers/t"]
    async with bench.running(now=Day()):
        error = await refusal(bench, cron="* * * * *")
        assert (error.status, str(error)[:37]) == (404, "Trigger authentication request failed")
        openwhisk.gone = []
        await bench.alarm(cron="* * * * *")
        openwhisk.gone = ["triggers/t"]
        assert await bench.alarm("DELETE") == {"status": "success"}


async def test_what_was_never_made_is_not_found(bench: Bench) -> None:
    async with bench.running(now=Day()):
        for event in ("READ", "UPDATE", "DELETE", "PAUSE", "UNPAUSE"):
            error = await refusal(bench, event, cron="* * * * *")
            assert (error.status, str(error)) == (404, "could not find trigger /guest/t in the database")


async def test_times_that_pass_during_a_pause_are_over(bench: Bench, openwhisk: StandIn) -> None:
    day = Day()
    async with bench.running(now=day) as feed:
        await bench.alarm(cron="* * * * *")
        await bench.alarm("PAUSE")
        assert (await bench.alarm("READ"))["status"]["reason"]["message"] == "paused by its owner"
        day.passes(feed, 600)
        await bench.alarm("UNPAUSE")
        assert bench.counts() == {}
        day.passes(feed, 60)
        await bench.until(lambda: len(openwhisk.fires) == 1)


async def test_the_only_time_of_an_alarm_outlives_a_pause(bench: Bench, openwhisk: StandIn) -> None:
    day = Day()
    async with bench.running(now=day) as feed:
        await bench.alarm(date=(NOON + 60) * 1000, fireOnce=True)
        await bench.alarm("PAUSE")
        day.passes(feed, 600)
        assert openwhisk.fires == []
        await bench.alarm("UNPAUSE")
        await bench.until(lambda: len(openwhisk.fires) == 1)


async def test_a_deployment_that_makes_it_anew_skips_no_time(bench: Bench, openwhisk: StandIn) -> None:
    day = Day()
    async with bench.running(now=day):
        await bench.alarm(cron="* * * * *")
        await bench.alarm("DELETE")
        day.now += 60.5
        await bench.alarm(cron="* * * * *")
        await bench.until(lambda: len(openwhisk.fires) == 1)
        await bench.until(lambda: bench.counts() == {"confirmed": 1})

        await bench.alarm("DELETE")
        day.now += 60.5
        await bench.alarm(cron="0 0 1 1 *")
        assert bench.counts() == {"confirmed": 1}


@pytest.mark.parametrize("events", [["UPDATE"], ["DELETE", "CREATE"]])
async def test_a_time_that_waits_to_be_fired_outlives_a_deployment(
    bench: Bench, openwhisk: StandIn, events: list[str]
) -> None:
    openwhisk.script = [503] * 100
    day = Day()
    async with bench.running(now=day, first_backoff=60.0, longest_backoff=60.0) as feed:
        await bench.alarm(cron="* * * * *")
        day.passes(feed, 60)
        await bench.until(lambda: openwhisk.answers["503"] >= 1)
        openwhisk.script = []
        for event in events:
            await bench.alarm(event, cron="* * * * *", trigger_payload="new")
        await bench.until(lambda: bench.counts() == {"confirmed": 1})
        assert [fire.payload["payload"] for fire in openwhisk.fires] == ["new"]


async def test_a_trigger_has_one_kind_of_feed(bench: Bench) -> None:
    async with bench.running(now=Day()):
        await bench.alarm(cron="* * * * *")
        with pytest.raises(FeedError, match="fired by an alarm") as caught:
            await bench.create()
        assert caught.value.status == 409
        with pytest.raises(FeedError, match="there is no feed"):
            await bench.ask("READ")
        await bench.alarm("DELETE")
        await bench.create()
        assert (await refusal(bench, cron="* * * * *")).status == 409
        await bench.ask("DELETE")
        await bench.alarm(cron="* * * * *")
        assert (await bench.alarm("READ"))["status"]["active"] is True


async def test_status_shows_the_times_and_no_key(bench: Bench) -> None:
    async with bench.running(now=Day()) as feed:
        await bench.alarm(cron="*/5 * * * *")
        await bench.alarm("CREATE", "u", date=(NOON + 60) * 1000, fireOnce=True)
        shown = {one["name"]: one for one in feed.status()["subscriptions"]}
        assert AUTH not in str(shown)
        assert shown["guest/t"]["times"] == "*/5 * * * * UTC"
        assert shown["guest/u"]["next"] == "2027-01-15T12:01:00.000Z"
        await bench.alarm("PAUSE", "u")
        assert next(one["next"] for one in feed.status()["subscriptions"] if one["name"] == "guest/u") is None
