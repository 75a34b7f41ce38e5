"""The hard test: uploads in a storm of refusals, lost replies and deaths. Nothing may be lost."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deepwhisk import sockets
from deepwhisk.cli.ports import hold_any
from deepwhisk.errors import StoreError
from deepwhisk.objects.seaweed import Seaweed
from deepwhisk.objects.seaweed_folder import Webhook
from deepwhisk.objects.store import Store
from deepwhisk.objects.stores import open_store
from feeds.process import TOKEN, FeedProcess
from feeds.standin import AUTH, Outcome, StandIn

ODD = "in/a b+c%41/ü 漢字 {}.jpg"
QUICK: dict[str, Any] = {
    "first_backoff": 0.05,
    "longest_backoff": 0.5,
    "first_look": 0.1,
    "slowest_look": 1.0,
    "margin": 3.0,
    "outage_grace": 1.0,
    "listing": 2.0,
}


class Site:
    """A real store and a real feed, before a small OpenWhisk."""

    def __init__(self, folder: Path, openwhisk: StandIn) -> None:
        self.held = hold_any("127.0.0.1")  # the feed's port, also while that is away
        port = sockets.number(self.held)
        self.seaweed = Seaweed(
            folder / "store", webhook=Webhook(f"http://127.0.0.1:{port}/hooks/seaweed", TOKEN)
        )
        self.seaweed.start()
        self.store: Store = open_store(self.seaweed.settings, ["inbox"])
        self.openwhisk = openwhisk
        self.feed = FeedProcess(
            folder, openwhisk.apihost, self.seaweed.settings, port, pace=QUICK, make_buckets=True
        )
        self.feed.start()

    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = self.feed.status()["subscriptions"][0]["counts"]
        return {state: number for state, number in counts.items() if number}

    def until(self, condition: Callable[[], object], seconds: float = 120.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"{self.feed.status()} {self.feed.log.read_text()[-3000:]}"
            time.sleep(0.05)

    def close(self) -> None:
        self.feed.kill()
        self.seaweed.stop()
        self.held.close()


@pytest.fixture
def site(tmp_path: Path, openwhisk: StandIn) -> Iterator[Site]:
    made = Site(tmp_path, openwhisk)
    yield made
    made.close()


def put(store: Store, key: str, body: bytes) -> str:
    """Upload as a patient client does; the etag of what is there in the end."""
    while True:
        try:
            return store.put("inbox", key, body, content_type="image/jpeg").etag
        except StoreError:
            time.sleep(0.1)


def test_nothing_is_lost_in_a_storm(site: Site, openwhisk: StandIn) -> None:
    openwhisk.faults = {"429": 0.10, "500": 0.05, "204": 0.03, "lost": 0.04}
    site.feed.ask("CREATE", AUTH, bucket="inbox", prefix="in/", startFrom="now")
    latest: dict[str, str] = {}

    def upload(share: int) -> None:
        for number in range(200):
            key = ODD.format(f"{share}-{number % 60}")
            latest[key] = put(site.store, key, f"{share} {number}".encode())
            time.sleep(0.01)

    uploads = [threading.Thread(target=upload, args=(share,)) for share in range(2)]
    for thread in uploads:
        thread.start()
    for blow in (site.feed, site.feed, site.seaweed, site.feed):
        time.sleep(0.8)
        strike(blow)
    for thread in uploads:
        thread.join()
    fired = lambda: {(fire.key, fire.payload["event"]["etag"]) for fire in openwhisk.fires}  # noqa: E731
    site.until(lambda: set(latest.items()) <= fired())
    site.until(lambda: site.counts().keys() == {"confirmed"})

    ids = [fire.payload["event"]["id"] for fire in openwhisk.fires]
    print(f"{len(set(ids))} events, {len(ids) - len(set(ids))} fired twice, {dict(openwhisk.answers)}")
    assert site.counts()["confirmed"] == len(set(ids))


def strike(part: FeedProcess | Seaweed) -> None:
    """kill -9, and start again as the supervisor does."""
    if isinstance(part, FeedProcess):
        part.kill()
        time.sleep(0.2)
    else:
        assert part.process
        part.process.kill()
        part.process.wait()
    part.start()


def test_in_calm_each_upload_is_fired_once(site: Site, openwhisk: StandIn) -> None:
    site.feed.ask("CREATE", AUTH, bucket="inbox", prefix="in/")
    keys = {ODD.format(number) for number in range(100)}
    for key in keys:
        put(site.store, key, b"x")
    put(site.store, "out/side", b"x")
    site.until(lambda: site.counts() == {"confirmed": 100})

    assert sorted(fire.key for fire in openwhisk.fires) == sorted(keys)


def test_what_comes_while_the_feed_is_down_is_fired_at_its_start(site: Site, openwhisk: StandIn) -> None:
    site.feed.ask("CREATE", AUTH, bucket="inbox")
    site.feed.kill()
    keys = {ODD.format(number) for number in range(50)}
    for key in keys:
        put(site.store, key, b"x")
    site.feed.start()
    site.until(lambda: site.counts() == {"confirmed": 50})

    assert sorted(fire.key for fire in openwhisk.fires) == sorted(keys)


def test_an_openwhisk_that_dies_with_its_activations_loses_no_event(site: Site, openwhisk: StandIn) -> None:
    site.feed.ask("CREATE", AUTH, bucket="inbox")
    openwhisk.rules[0].outcome = lambda payload: Outcome(recorded=False)
    keys = {ODD.format(number) for number in range(20)}
    for key in keys:
        put(site.store, key, b"x")
    site.until(lambda: openwhisk.keys() == keys)
    openwhisk.pause()
    openwhisk.rules[0].outcome = lambda payload: Outcome()
    openwhisk.fires.clear()
    time.sleep(2)  # as long as an engine takes to be back
    site.until(lambda: "Cannot connect" in site.feed.status()["subscriptions"][0]["lastError"])
    openwhisk.start()
    site.until(lambda: site.counts() == {"confirmed": 20})

    assert openwhisk.keys() == keys
