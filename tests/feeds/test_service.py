"""The process: its HTTP, its secrets, its end."""

import stat
from pathlib import Path

import pytest
import requests

from deepwhisk.objects.store import StoreSettings
from deepwhisk.objects.stores import open_store
from feeds.process import TOKEN, FeedProcess
from feeds.standin import AUTH, StandIn


def test_a_feed_lives_through_its_whole_life(feed: FeedProcess, bucket: str, trigger: str) -> None:
    created = feed.ask("CREATE", AUTH, trigger, bucket=bucket)
    assert (created["http"], created["status"]["state"]) == (200, "active")
    assert feed.ask("PAUSE", AUTH, trigger)["status"]["state"] == "paused"
    assert feed.ask("UPDATE", AUTH, trigger, suffix=".jpg")["config"]["suffix"] == ".jpg"
    assert feed.ask("UNPAUSE", AUTH, trigger)["status"]["state"] == "active"
    assert feed.ask("READ", AUTH, trigger)["deadLetters"] == []
    assert feed.ask("DELETE", AUTH, trigger)["status"]["state"] == "deleted"
    assert feed.ask("READ", AUTH, trigger)["http"] == 404


def test_a_bucket_that_is_missing_is_made(
    feed: FeedProcess, store_settings: StoreSettings, bucket: str, trigger: str
) -> None:
    created = feed.ask("CREATE", AUTH, trigger, bucket=bucket, deadLetters={"bucket": f"{bucket}-letters"})

    assert created["http"] == 200
    assert list(open_store(store_settings).list(f"{bucket}-letters")) == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "the body is not JSON"),
        (b"[]", "the body must be a JSON object"),
        (b"\xff", "the body is not JSON"),
        (b'{"authKey": "\\ud800"}', "the body is not JSON"),
        (b'{"lifecycleEvent": {}}', "lifecycleEvent must be one of"),
    ],
)
def test_a_body_that_means_nothing_is_refused(feed: FeedProcess, body: bytes, words: str) -> None:
    headers = {"Content-Type": "application/json"}
    response = requests.post(f"{feed.url}/subscriptions", data=body, headers=headers, timeout=60)

    assert response.status_code == 400
    assert words in response.json()["error"]


def test_an_openwhisk_that_is_away_is_said_to_be(
    feed: FeedProcess, standin: StandIn, bucket: str, trigger: str
) -> None:
    standin.pause()
    answer = feed.ask("CREATE", AUTH, trigger, bucket=bucket)
    standin.start()

    assert answer["http"] == 502
    assert "does not answer" in answer["error"]


def test_secrets_stay_in_the_ledger(feed: FeedProcess, bucket: str, trigger: str) -> None:
    feed.ask("CREATE", AUTH, trigger, bucket=bucket)
    requests.post(f"{feed.url}/hooks/seaweed", headers={"Authorization": "Bearer no"}, timeout=60)
    ledger = feed.settings.ledger
    said = requests.get(f"{feed.url}/status", timeout=60).text + feed.log.read_text()

    assert stat.S_IMODE(ledger.stat().st_mode) == 0o600
    assert stat.S_IMODE(ledger.parent.stat().st_mode) == 0o700
    for secret in (AUTH, AUTH.partition(":")[2], TOKEN, feed.settings.store.secret_key):
        assert secret not in said


def test_it_ends_politely_when_asked_to(
    feed: FeedProcess, tmp_path: Path, standin: StandIn, bucket: str
) -> None:
    second = FeedProcess(tmp_path, standin.apihost, feed.settings.store)
    second.start()
    second.ask("CREATE", AUTH, bucket=bucket)

    assert second.stop() == 0
    assert "Traceback" not in second.log.read_text()


def test_a_port_that_is_taken_is_said_to_be(feed: FeedProcess, tmp_path: Path, standin: StandIn) -> None:
    second = FeedProcess(tmp_path / "second", standin.apihost, feed.settings.store, feed.port)
    (tmp_path / "second").mkdir()
    second.start()

    assert second.wait() != 0
    assert f"cannot listen on 127.0.0.1:{feed.port}" in second.log.read_text()
