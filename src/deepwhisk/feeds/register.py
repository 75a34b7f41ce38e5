"""The register: which subscriptions there are, and in which state each is.

States: `active`; `paused` by its owner; `disabled` by an answer of OpenWhisk that more fires would not
change; `deleted`, kept for a while, since a deployment deletes a feed and makes it again and must not
fire everything anew.
"""

import json
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from deepwhisk.feeds.alarms.alarm import Alarm
from deepwhisk.feeds.database import transaction
from deepwhisk.feeds.ledger import Ledger
from deepwhisk.feeds.subscriptions import Subscription
from deepwhisk.objects.store import Object

Subscribed = Subscription | Alarm


@dataclass(frozen=True, slots=True)
class Registered:
    """A subscription and how it stands."""

    subscription: Subscribed
    state: str
    reason: str
    changed: float


class Register:
    """The subscriptions table."""

    def __init__(self, database: sqlite3.Connection, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger

    def all(self) -> list[Registered]:
        """Every subscription that was not deleted."""
        rows = self._database.execute("SELECT * FROM subscriptions WHERE state <> 'deleted' ORDER BY name")
        return [_registered(row) for row in rows]

    def find(self, name: str) -> Registered | None:
        """The subscription of this name, deleted ones too."""
        row = self._database.execute("SELECT * FROM subscriptions WHERE name = ?", (name,)).fetchone()
        return _registered(row) if row else None

    def put(self, subscription: Subscribed, baseline: Iterable[Object] = ()) -> None:
        """Make or change a subscription, active from now on, together with what it shall not fire."""
        row = (subscription.name, json.dumps(subscription.config()), subscription.auth, time.time())
        with transaction(self._database):
            self._ledger.enter_baseline(subscription.name, baseline)
            self._database.execute(
                "INSERT OR REPLACE INTO subscriptions (name, document, auth, state, changed) "
                "VALUES (?, ?, ?, 'active', ?)",
                row,
            )

    def set(self, name: str, state: str, reason: str = "") -> None:
        self._database.execute(
            "UPDATE subscriptions SET state = ?, reason = ?, changed = ? WHERE name = ?",
            (state, reason, time.time(), name),
        )

    def forget(self, name: str) -> None:
        """Drop a subscription with its ledger: another kind of feed begins under its name."""
        with transaction(self._database):
            self._database.execute("DELETE FROM events WHERE subscription = ?", (name,))
            self._database.execute("DELETE FROM alarms WHERE name = ?", (name,))
            self._database.execute("DELETE FROM subscriptions WHERE name = ?", (name,))

    def forget_deleted(self, before: float) -> None:
        """Drop the subscriptions that were deleted before then, with their ledgers."""
        old = "(SELECT name FROM subscriptions WHERE state = 'deleted' AND changed < ?)"
        with transaction(self._database):
            self._database.execute(f"DELETE FROM events WHERE subscription IN {old}", (before,))
            self._database.execute(f"DELETE FROM alarms WHERE name IN {old}", (before,))
            self._database.execute(
                "DELETE FROM subscriptions WHERE state = 'deleted' AND changed < ?", (before,)
            )


def _registered(row: sqlite3.Row) -> Registered:
    namespace, _, trigger = row["name"].partition("/")
    return Registered(
        _subscription(namespace, trigger, row["auth"], json.loads(row["document"])),
        row["state"],
        row["reason"],
        row["changed"],
    )


def _subscription(namespace: str, trigger: str, auth: str, document: dict[str, Any]) -> Subscribed:
    """An alarm names its feed; what watches a bucket does not."""
    feed = document.pop("feed", None)
    if feed is not None:
        return Alarm(namespace, trigger, auth, feed, document)
    return Subscription(namespace, trigger, auth).given(document)
