"""Alarms before the real engine, asked for as `wsk` and `wskdeploy` ask."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from deepwhisk.errors import WhiskError
from deepwhisk.objects.store import StoreSettings
from deepwhisk.system import deploy_system, packages_at
from deepwhisk.whisk import Whisk
from feeds.process import FeedProcess
from fixtures.engine import Engine, wait_until

NO_STORE = StoreSettings("http://127.0.0.1:9", "nobody", "nothing")  # alarms need none
QUICK = {"first_backoff": 0.05, "longest_backoff": 0.5}
EVERY_SECOND = "* * * * * *"
ECHO = "def main(args):\n    return {'got': {k: v for k, v in args.items() if not k.startswith('__')}}\n"


@dataclass
class Site:
    """An engine with its system packages, and the feed service they know."""

    whisk: Whisk
    feed: FeedProcess

    def create(self, name: str, feed: str, **parameters: Any) -> dict[str, Any]:
        """`wsk trigger create NAME --feed /whisk.system/alarms/FEED -p …`, with a rule before it begins."""
        annotations = [{"key": "feed", "value": f"/whisk.system/alarms/{feed}"}]
        self.whisk.put("triggers", name, {"name": name, "annotations": annotations})
        self.whisk.put("rules", f"{name}-rule", {"trigger": f"/_/{name}", "action": "/_/echo"})
        return self.ask("CREATE", name, feed, **parameters)

    def once(self, name: str, seconds: float, **parameters: Any) -> None:
        """A time that is soon; a later one where that had passed when the feed heard of it."""
        for wait in (seconds, seconds * 4, seconds * 16):
            try:
                self.create(name, "once", date=round((time.time() + wait) * 1000), **parameters)
                return
            except WhiskError as error:
                refused = error
        raise refused

    def ask(self, event: str, name: str, feed: str = "alarm", **parameters: Any) -> dict[str, Any]:
        told = {
            **parameters,
            "lifecycleEvent": event,
            "triggerName": f"/_/{name}",
            "authKey": self.whisk.auth,
        }
        activation = self.whisk.invoke(f"/whisk.system/alarms/{feed}", told)
        result: dict[str, Any] = activation["response"]["result"]
        return result

    def refusal(self, event: str, name: str, feed: str = "alarm", **parameters: Any) -> Any:
        with pytest.raises(WhiskError) as caught:
            self.ask(event, name, feed, **parameters)
        assert caught.value.status == 502
        body: Any = caught.value.body
        return body["response"]["result"]["error"]

    def fires(self, name: str) -> list[str]:
        return [one["activationId"] for one in self.whisk.list("activations", name=name)]

    def freeze_at_rest(self, *names: str) -> None:
        """Stop the feed while nothing is on its way: that would be fired again after a kill."""
        wait_until(lambda: self._frozen_at_rest(names))

    def _frozen_at_rest(self, names: tuple[str, ...]) -> bool:
        self.feed.freeze()
        rests = {tick["state"] for name in names for tick in self.ticks(name)} == {"confirmed"}
        if not rests:
            self.feed.thaw()
        return rests

    def ticks(self, name: str) -> list[sqlite3.Row]:
        """What the ledger has of a trigger."""
        with closing(sqlite3.connect(f"file:{self.feed.settings.ledger}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            found = "SELECT * FROM events WHERE subscription = ? ORDER BY seq"
            return database.execute(found, (f"guest/{name}",)).fetchall()


@pytest.fixture(scope="module")
def site(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    feed = FeedProcess(tmp_path_factory.mktemp("alarms"), engine.apihost, NO_STORE, pace=QUICK)
    feed.start()
    with closing(Whisk(engine.apihost, engine.auth_system)) as system:
        deploy_system(system, packages_at(feed.url))
    with closing(Whisk(engine.apihost, engine.auth)) as whisk:
        whisk.put("actions", "echo", {"exec": {"kind": "python:3", "code": ECHO}})
        yield Site(whisk, feed)
    feed.kill()


def test_the_package_is_described_as_openwhisks_is(site: Site) -> None:
    package = site.whisk.request("GET", "/whisk.system/packages/alarms")
    values = {pair["key"]: pair["value"] for pair in package["parameters"]}
    described = {pair["key"]: pair["value"] for pair in package["annotations"]}

    assert {feed["name"] for feed in package["feeds"]} == {"alarm", "interval", "once"}
    assert values == {"feed_url": site.feed.url, "trigger_payload": ""}
    assert described["description"] == "Alarms and periodic utility."
    assert described["parameters"] == [{"name": "trigger_payload", "required": False}]
    for feed in package["feeds"]:
        annotations = {pair["key"]: pair["value"] for pair in feed["annotations"]}
        assert annotations["feed"] is True
        assert annotations["parameters"][0]["required"] is True


def test_a_trigger_fires_again_and_again_until_it_is_deleted(site: Site) -> None:
    made = site.create("often", "alarm", cron=EVERY_SECOND, trigger_payload={"name": "Odin"})
    assert made == {"status": "success"}
    wait_until(lambda: len(site.fires("often")) >= 2)

    record = wait_until(lambda: site.whisk.activation(site.fires("often")[0]))
    assert record["response"]["result"] == {"name": "Odin"}
    started = json.loads(record["logs"][0])["activationId"]
    assert site.whisk.finished(started)["response"]["result"] == {"got": {"name": "Odin"}}

    read = site.ask("READ", "often")
    assert read["config"] == {
        "name": "often",
        "namespace": "guest",
        "payload": {"name": "Odin"},
        "cron": EVERY_SECOND,
    }
    assert read["status"]["active"] is True

    assert site.ask("DELETE", "often") == {"status": "success"}
    entered = len(site.ticks("often"))
    time.sleep(1.2)
    assert len(site.ticks("often")) == entered
    assert site.refusal("READ", "often") == {"error": "could not find trigger /guest/often in the database"}


def test_without_a_payload_a_fire_carries_what_the_package_is_bound_to(site: Site) -> None:
    site.create("plain", "alarm", cron=EVERY_SECOND, maxTriggers=1)
    fired = wait_until(lambda: site.fires("plain"))

    assert site.whisk.activation(fired[0])["response"]["result"] == {"payload": ""}
    read = wait_until(lambda: (found := site.ask("READ", "plain"))["status"]["active"] is False and found)
    assert read["status"]["reason"] == {
        "kind": "AUTO",
        "message": "Automatically disabled after reaching max triggers",
    }
    assert len(site.fires("plain")) == 1


@pytest.mark.parametrize(("word", "left"), [("true", 1), ("rules", 0)])
def test_once_goes_with_its_trigger_when_it_has_fired(site: Site, word: str, left: int) -> None:
    name = f"once-{word}"
    site.once(name, 1.5, deleteAfterFire=word, trigger_payload="now")

    wait_until(lambda: name not in [one["name"] for one in site.whisk.list("triggers")])
    assert len(site.fires(name)) == 1
    rules = [one["name"] for one in site.whisk.list("rules") if one["name"] == f"{name}-rule"]
    assert len(rules) == left


def test_an_interval_is_read_by_the_cron_feed_and_updated(site: Site) -> None:
    start = round((time.time() + 3600) * 1000)
    site.create("every", "interval", minutes=5, startDate=start)
    assert site.ask("UPDATE", "every", minutes=7) == {"status": "success"}

    config = site.ask("READ", "every")["config"]
    assert (config["minutes"], config["startDate"]) == (7, start)


def test_what_is_refused_reaches_the_client(site: Site) -> None:
    site.whisk.put("triggers", "bad", {})

    assert site.refusal("CREATE", "bad") == {"error": "alarms trigger feed is missing the cron parameter"}
    assert site.refusal("CREATE", "bad", cron="x")["error"].startswith("cron pattern 'x' is not valid")
    assert site.refusal("CREATE", "bad", "interval", minutes="five")["error"].startswith(
        "the minutes parameter must be an integer"
    )
    assert site.refusal("CREATE", "bad", "once", date="tomorrow") == {
        "error": "date parameter 'tomorrow' is not a valid Date"
    }
    assert site.refusal("CREATE", "nowhere", cron=EVERY_SECOND)["error"].startswith(
        "Trigger authentication request failed."
    )
    assert site.refusal("EXPLODE", "bad") == "unsupported lifecycleEvent"


def test_a_binding_of_the_package_does_too(site: Site) -> None:
    binding = {"namespace": "whisk.system", "name": "alarms"}
    parameters = [{"key": "trigger_payload", "value": {"bound": True}}]
    site.whisk.put("packages", "mine", {"binding": binding, "parameters": parameters})
    site.whisk.put("triggers", "bound", {})
    told = {"lifecycleEvent": "CREATE", "triggerName": "/_/bound", "authKey": site.whisk.auth}

    site.whisk.invoke("mine/alarm", {**told, "cron": "0 0 1 1 *"})

    assert site.ask("READ", "bound")["config"]["payload"] == {"bound": True}


def test_kill_9_between_ticks_loses_none_and_doubles_none(site: Site) -> None:
    site.create("kept", "alarm", cron="*/2 * * * * *")
    site.once("last", 3)
    for number in range(1, 4):
        wait_until(lambda number=number: len(site.fires("kept")) >= number)
        site.freeze_at_rest("kept", "last")
        site.feed.kill()
        site.feed.start()
    wait_until(lambda: site.fires("last"))
    site.freeze_at_rest("kept", "last")
    ticks = site.ticks("kept")
    begun = {one["activationId"]: one["start"] / 1000 for one in site.whisk.list("activations", name="kept")}
    site.feed.thaw()
    assert site.ask("PAUSE", "kept") == {"status": "success"}

    for earlier, later in pairwise(ticks):
        entered = max(earlier["second"], earlier["entered"])
        assert after(entered) <= later["second"] <= after(max(entered, begun[earlier["activation"]]))
    assert sorted(begun) == sorted(tick["activation"] for tick in ticks)
    assert len(site.fires("last")) == 1


def after(moment: float) -> int:
    """The first of the times of `kept`; those that come before a fire goes out fold into it."""
    return int(moment) // 2 * 2 + 2
