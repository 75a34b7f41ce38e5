"""The ledger keeps each event once, and in order."""

import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deepwhisk.feeds.database import open_database
from deepwhisk.feeds.ledger import Ledger
from deepwhisk.feeds.register import Register
from deepwhisk.feeds.subscriptions import Subscription
from deepwhisk.objects.store import Object

NAME = "guest/t"
FOUND = Object("in", "a b+ü.jpg", "e1", 3, "image/jpeg", datetime(2026, 11, 22, 3, tzinfo=UTC))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_database(tmp_path / "feed" / "ledger.db")) as opened:
        yield opened


@pytest.fixture
def ledger(database: sqlite3.Connection) -> Ledger:
    return Ledger(database)


def later(seconds: int) -> Object:
    moment = datetime.fromtimestamp(FOUND.last_modified.timestamp() + seconds, UTC)
    return replace(FOUND, last_modified=moment)


def test_an_event_is_entered_once(ledger: Ledger) -> None:
    assert ledger.enter(NAME, FOUND)
    assert not ledger.enter(NAME, FOUND)
    assert ledger.enter("guest/other", FOUND)
    assert ledger.counts(NAME) == {"new": 1}


def test_an_overwrite_is_another_event(ledger: Ledger) -> None:
    assert ledger.enter(NAME, FOUND)
    assert ledger.enter(NAME, replace(FOUND, etag="e2"))
    assert ledger.enter(NAME, later(1))


def test_an_identical_overwrite_within_a_second_counts_once_unless_there_are_versions(ledger: Ledger) -> None:
    assert ledger.enter(NAME, replace(FOUND, version_id="null"))
    assert not ledger.enter(NAME, FOUND)
    assert ledger.enter(NAME, replace(FOUND, version_id="v1"))
    assert ledger.enter(NAME, replace(FOUND, version_id="v2"))


def test_a_listing_knows_what_head_entered(ledger: Ledger) -> None:
    ledger.enter(NAME, replace(FOUND, version_id="v1"))
    listed = replace(FOUND, content_type=None, last_modified=FOUND.last_modified.replace(microsecond=700_000))

    assert ledger.knows(NAME, listed)
    assert not ledger.knows(NAME, replace(listed, etag="e2"))


def test_a_hint_at_the_baseline_is_no_news(ledger: Ledger) -> None:
    ledger.enter_baseline(NAME, [replace(FOUND, content_type=None)])

    assert not ledger.enter(NAME, replace(FOUND, version_id="v1"))
    assert ledger.enter(NAME, later(5))


def test_events_come_in_the_order_they_were_entered(ledger: Ledger) -> None:
    for seconds in (5, 1, 3):
        ledger.enter(NAME, later(seconds))
    flying: set[str] = set()
    moments = []
    while entry := ledger.next(NAME, flying, time.time()):
        moments.append(entry.event.lastModified[-3:-1])
        flying.add(entry.event.id)

    assert moments == ["05", "01", "03"]


def test_one_that_waits_for_its_time_is_not_next(ledger: Ledger) -> None:
    ledger.enter(NAME, FOUND)
    entry = ledger.next(NAME, (), time.time())
    assert entry
    due = time.time() + 60
    ledger.again(entry, due, {"message": "no"}, counted=True)

    assert ledger.next(NAME, (), time.time()) is None
    assert ledger.next_due(NAME, time.time()) == pytest.approx(due)


def test_no_moment_lies_between_now_and_later(ledger: Ledger) -> None:
    ledger.enter(NAME, FOUND)
    entry = ledger.next(NAME, (), time.time())
    assert entry
    due = time.time() + 60
    ledger.again(entry, due, {"message": "no"}, counted=True)

    for moment in (due - 1e-3, due, due + 1e-3):
        assert (ledger.next(NAME, (), moment) is None) != (ledger.next_due(NAME, moment) is None)


def test_an_entry_whose_object_exists_stays_and_one_whose_object_is_gone_goes(ledger: Ledger) -> None:
    for etag in ("kept", "gone"):
        ledger.enter(NAME, replace(FOUND, etag=etag))
    while entry := ledger.next(NAME, (), time.time()):
        ledger.confirmed([entry])
    present = {(FOUND.key, "kept", int(FOUND.last_modified.timestamp()))}

    assert ledger.prune(NAME, time.time() - 60, present) == 0
    assert ledger.prune(NAME, time.time() + 60, present) == 1
    assert ledger.knows(NAME, replace(FOUND, etag="kept"))


def test_what_was_not_delivered_is_never_pruned(ledger: Ledger) -> None:
    ledger.enter(NAME, FOUND)

    assert ledger.prune(NAME, time.time() + 60, ()) == 0


def test_only_the_owner_reads_the_file(database: sqlite3.Connection, tmp_path: Path) -> None:
    database.execute("INSERT INTO subscriptions VALUES ('a/b', '{}', 'secret', 'active', '', 0)")
    files = list((tmp_path / "feed").iterdir())

    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert len(files) == 3


def test_a_deleted_subscription_is_forgotten_later_with_its_ledger(database: sqlite3.Connection) -> None:
    ledger = Ledger(database)
    register = Register(database, ledger)
    register.put(Subscription("guest", "t", "secret:key", "photos"))
    ledger.enter(NAME, FOUND)
    register.set(NAME, "deleted")

    register.forget_deleted(time.time() - 60)
    assert register.find(NAME)
    assert ledger.counts(NAME)
    register.forget_deleted(time.time() + 60)

    assert register.find(NAME) is None
    assert ledger.counts(NAME) == {}
