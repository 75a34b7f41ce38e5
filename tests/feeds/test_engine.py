"""The feed before the real engine, over the real store."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deepwhisk import sockets
from deepwhisk.cli.ports import hold_any
from deepwhisk.objects.seaweed import Seaweed
from deepwhisk.objects.seaweed_folder import Webhook
from deepwhisk.objects.store import Store
from deepwhisk.objects.stores import open_store
from deepwhisk.whisk import Whisk
from feeds.process import TOKEN, FeedProcess
from fixtures.engine import Engine, start_engine

ACTION = """
def main(args):
    event = args["event"]
    if event["key"].startswith("bad"):
        return {"error": {"message": "no photograph", "cause": "ValueError: bad", "phase": "arguments"}}
    return {"key": event["key"]}
"""
QUICK = {"first_backoff": 0.05, "longest_backoff": 0.5, "outage_grace": 3.0, "listing": 3600.0}


@dataclass
class Site:
    """Store, engine and feed, as `up` has them."""

    engine: Engine
    feed: FeedProcess
    store: Store
    whisk: Whisk
    cache: Path

    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = self.feed.status()["subscriptions"][0]["counts"]
        return {state: number for state, number in counts.items() if number}

    def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < end, (self.feed.status(), self.feed.log.read_text()[-3000:])
            time.sleep(0.05)

    def strike_engine(self) -> None:
        port = int(self.engine.apihost.rpartition(":")[2])
        self.engine.process.send_signal(signal.SIGKILL)
        self.engine.process.wait()
        assert self.engine.process.stdout
        self.engine.process.stdout.close()
        self.engine = start_engine(self.engine.state, self.cache, port)


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    """The engine's and the feed's, which nobody else has while they are away."""
    with hold_any("127.0.0.1") as engine, hold_any("127.0.0.1") as feed:
        yield sockets.number(engine), sockets.number(feed)


@pytest.fixture
def site(tmp_path: Path, environment_cache: Path, ports: tuple[int, int]) -> Iterator[Site]:
    own, port = ports
    engine = start_engine(tmp_path / "engine", environment_cache, own)
    hook = Webhook(f"http://127.0.0.1:{port}/hooks/seaweed", TOKEN)
    with Seaweed(tmp_path / "store", webhook=hook) as seaweed:
        store = open_store(seaweed.settings, ["inbox", "letters"])
        feed = FeedProcess(tmp_path, engine.apihost, seaweed.settings, port, pace=QUICK)
        feed.start()
        made = Site(engine, feed, store, Whisk(engine.apihost, engine.auth), environment_cache)
        made.whisk.put("actions", "a", {"exec": {"kind": "python:3", "code": ACTION}})
        made.whisk.put("triggers", "t", {})
        yield made
        feed.kill()
    made.engine.process.terminate()
    made.engine.process.wait(60)
    assert made.engine.process.stdout
    made.engine.process.stdout.close()


def bind(site: Site) -> None:
    site.whisk.put("rules", "r", {"trigger": "/_/t", "action": "/_/a"})


def test_uploads_become_activations_and_bad_ones_letters(site: Site) -> None:
    created = site.feed.ask("CREATE", site.engine.auth, bucket="inbox", deadLetters={"bucket": "letters"})
    site.store.put("inbox", "held/ü+1.jpg", b"x")
    site.until(lambda: site.counts() == {"held": 1})
    bind(site)
    site.store.put("inbox", "bad.txt", b"x")
    for number in range(20):
        site.store.put("inbox", f"good/{number}.jpg", b"x")
    site.until(lambda: site.counts() == {"confirmed": 21, "dead": 1})
    site.until(lambda: list(site.store.list("letters")))
    [dead] = site.feed.ask("READ", site.engine.auth)["deadLetters"]

    assert created["trigger"] == "/guest/t"
    assert dead["cause"]["message"] == "no photograph"
    assert site.whisk.activation(dead["cause"]["activation"])["response"]["status"] == "application error"
    results = {
        record["response"]["result"].get("key")
        for record in site.whisk.list("activations", name="a", docs=True, limit=200)
    }
    assert results == {None, "held/ü+1.jpg", *(f"good/{number}.jpg" for number in range(20))}


def test_no_upload_is_lost_when_the_engine_dies(site: Site) -> None:
    bind(site)
    site.feed.ask("CREATE", site.engine.auth, bucket="inbox")
    keys = [f"{number}.jpg" for number in range(100)]

    def upload() -> None:
        for key in keys:
            site.store.put("inbox", key, b"x")
            time.sleep(0.01)

    uploads = threading.Thread(target=upload)
    uploads.start()
    time.sleep(0.5)
    site.strike_engine()
    uploads.join()
    site.until(lambda: site.counts() == {"confirmed": 100})
