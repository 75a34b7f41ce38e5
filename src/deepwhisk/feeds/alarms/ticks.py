"""Ticks: when each alarm is due next, and what was due.

Law: a tick is entered together with the next time, so that a death in between changes neither. A time that
comes while an earlier one waits to be fired folds into it; what is on its way does not wait.
"""

import hashlib
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from deepwhisk.feeds.alarms.schedule import show_time
from deepwhisk.feeds.events import Tick, dump

TOGETHER = 50
ENTER = """
INSERT OR IGNORE INTO events (subscription, id, bucket, key, etag, second, document, state, entered, changed)
VALUES (?1, ?2, '', '', '', ?3, ?4, 'new', ?5, ?5)"""
ACTIVE = "alarms CROSS JOIN subscriptions USING (name) WHERE state = 'active'"  # CROSS: alarms first, by next
UNFIRED = "FROM events WHERE subscription = ? AND state = 'new' AND activation IS NULL"
OPEN = "SELECT 1 FROM events WHERE subscription = name AND events.state IN ('new', 'held', 'fired')"


@dataclass(frozen=True, slots=True)
class Standing:
    """When an alarm is due next, and how often it was."""

    next: float | None
    fires: int


def tick(name: str, due: float) -> Tick:
    """The tick of an alarm at a time."""
    told = f"{name} {due:.3f}"
    return Tick(hashlib.sha256(told.encode()).hexdigest()[:32], show_time(due))


class Ticks:
    """The alarms table, and the ticks among the events."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def find(self, name: str) -> Standing:
        row = self._database.execute("SELECT next, fires FROM alarms WHERE name = ?", (name,)).fetchone()
        return Standing(row["next"], row["fires"]) if row else Standing(None, 0)

    def put(self, name: str, following: float | None, fires: int) -> None:
        """When it is due next, and how often it was."""
        self._database.execute("INSERT OR REPLACE INTO alarms VALUES (?, ?, ?)", (name, following, fires))

    def drop(self, name: str) -> None:
        """Forget what waits to be fired."""
        self._database.execute(f"DELETE {UNFIRED}", (name,))

    def due(self, now: float) -> list[str]:
        """Active alarms that are due, the first ones; between some and the next ones others may run."""
        found = f"SELECT name FROM {ACTIVE} AND next <= ? ORDER BY next LIMIT {TOGETHER}"
        rows = self._database.execute(found, (now,))
        return [row["name"] for row in rows]

    def soonest(self) -> float | None:
        """When the first active alarm is due."""
        found = f"SELECT next FROM {ACTIVE} AND next IS NOT NULL ORDER BY next LIMIT 1"
        row = self._database.execute(found).fetchone()
        return float(row["next"]) if row else None

    def enter(self, name: str, due: float, now: float, flying: Collection[str]) -> bool:
        """Enter a tick; whether it is one to fire. Part of the caller's transaction."""
        waiting = self._database.execute(f"SELECT id {UNFIRED}", (name,)).fetchall()
        if any(row["id"] not in flying for row in waiting):
            return False
        found = tick(name, due)
        row = (name, found.id, int(due), dump(found), now)
        return self._database.execute(ENTER, row).rowcount > 0

    def advance(self, name: str, following: float | None, fires: int) -> None:
        self._database.execute(
            "UPDATE alarms SET next = ?, fires = ? WHERE name = ?", (following, fires, name)
        )

    def running(self) -> bool:
        """Whether any alarm is active."""
        return self._database.execute(f"SELECT 1 FROM {ACTIVE} LIMIT 1").fetchone() is not None

    def over(self) -> list[str]:
        """The active alarms that will not be due again, and none of whose ticks is open."""
        rows = self._database.execute(f"SELECT name FROM {ACTIVE} AND next IS NULL AND NOT EXISTS ({OPEN})")
        return [row["name"] for row in rows]

    def refused(self, name: str) -> bool:
        """Whether OpenWhisk never took the latest tick."""
        row = self._database.execute(
            "SELECT state, activation FROM events WHERE subscription = ? ORDER BY seq DESC LIMIT 1", (name,)
        ).fetchone()
        return row is not None and row["state"] == "dead" and row["activation"] is None

    def prune(self, state: str, before: float) -> None:
        """Drop the ticks that have been in this state since then."""
        self._database.execute(
            "DELETE FROM events "
            "WHERE subscription IN (SELECT name FROM alarms) AND state = ? AND changed < ?",
            (state, before),
        )
