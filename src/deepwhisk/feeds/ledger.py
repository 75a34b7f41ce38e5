"""The ledger: which events were seen, fired, confirmed, held back or given up, for each subscription.

Law: an event is entered once, by its id, and an entry whose object still exists stays: without it, the
next listing would fire it again. States:

    new        to be fired, from `due` on
    held       fired, but no rule was active; to be fired again
    fired      OpenWhisk has it; the outcome of its rules' actions is open
    confirmed  they ended well
    dead       they will not; `cause` says why
    baseline   was there before the subscription began
"""

import json
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from deepwhisk.feeds.database import transaction
from deepwhisk.feeds.events import Event, Happening, dump, identify, parse, second, timestamp
from deepwhisk.objects.store import Object

OVER = ("confirmed", "dead", "baseline")
ENTER = """
INSERT OR IGNORE INTO events (subscription, id, bucket, key, etag, second, document, state, entered, changed)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)"""
KNOWN = "FROM events WHERE subscription = ? AND bucket = ? AND key = ? AND etag = ? AND second = ?"
WAITING = "FROM events WHERE subscription = ? AND state IN ('new', 'held')"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of one subscription, as the ledger has it."""

    subscription: str
    event: Happening
    state: str
    attempts: int
    activation: str | None
    changed: float
    cause: dict[str, Any] | None


class Ledger:
    """The events table."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def enter(self, subscription: str, found: Object) -> bool:
        """Enter what HEAD said of an object; whether it is news."""
        version = None if found.version_id in (None, "", "null") else found.version_id
        seconds = second(found.last_modified)
        place = (found.bucket, found.key, found.etag, seconds)
        baseline = self._database.execute(f"SELECT 1 {KNOWN} AND state = 'baseline'", (subscription, *place))
        if baseline.fetchone():
            return False
        event = Event(
            identify(*place, version),
            found.bucket,
            found.key,
            found.etag,
            found.size,
            found.content_type or "application/octet-stream",
            timestamp(seconds),
            version,
        )
        row = (subscription, event.id, *place, dump(event), "new", time.time())
        return self._database.execute(ENTER, row).rowcount > 0

    def enter_baseline(self, subscription: str, found: Iterable[Object]) -> None:
        """Enter objects that shall not fire. Part of the caller's transaction."""
        now = time.time()
        for one in found:
            place = (one.bucket, one.key, one.etag, second(one.last_modified))
            row = (subscription, identify(*place, None), *place, "{}", "baseline", now)
            self._database.execute(ENTER, row)

    def knows(self, subscription: str, found: Object) -> bool:
        """Whether this version, as far as a listing can tell, was entered before."""
        place = (subscription, found.bucket, found.key, found.etag, second(found.last_modified))
        return self._database.execute(f"SELECT 1 {KNOWN}", place).fetchone() is not None

    def next(self, subscription: str, flying: Collection[str], now: float) -> Entry | None:
        """The oldest event that is to be fired and is not among those being fired."""
        for row in self._database.execute(
            f"SELECT * {WAITING} AND due <= ? ORDER BY seq LIMIT ?",
            (subscription, now, len(flying) + 1),
        ):
            if row["id"] not in flying:
                return _entry(row)
        return None

    def next_due(self, subscription: str, now: float) -> float | None:
        """When the next event that waits for its time is to be fired: what `next` passes over now."""
        row = self._database.execute(
            f"SELECT min(due) AS due {WAITING} AND due > ?", (subscription, now)
        ).fetchone()
        return None if row["due"] is None else float(row["due"])

    def fired(self, entry: Entry, activation: str) -> None:
        self._set(entry, "state = 'fired', activation = ?, cause = NULL", activation)

    def held(self, entry: Entry) -> None:
        self._set(entry, "state = 'held'")

    def release(self, subscription: str) -> None:
        """A rule is active again: what was held is to be fired."""
        self._database.execute(
            "UPDATE events SET state = 'new' WHERE subscription = ? AND state = 'held'", (subscription,)
        )

    def again(self, entry: Entry, due: float, cause: dict[str, Any], *, counted: bool) -> None:
        """Fire it once more, from `due` on."""
        self._set(
            entry,
            "state = 'new', due = ?, cause = ?, attempts = attempts + ?",
            due,
            json.dumps(cause, ensure_ascii=False),
            int(counted),
        )

    def confirmed(self, entries: Collection[Entry]) -> None:
        with transaction(self._database):
            for entry in entries:
                self._set(entry, "state = 'confirmed', cause = NULL")

    def dead(self, entry: Entry, cause: dict[str, Any]) -> None:
        text = json.dumps(cause, ensure_ascii=False)
        self._set(entry, "state = 'dead', letter = 0, attempts = attempts + 1, cause = ?", text)

    def letter_sent(self, entry: Entry) -> None:
        self._database.execute(
            "UPDATE events SET letter = 1 WHERE subscription = ? AND id = ?",
            (entry.subscription, entry.event.id),
        )

    def letters_due(self, limit: int) -> list[Entry]:
        """The dead whose letter was not written yet."""
        rows = self._database.execute(
            "SELECT * FROM events WHERE state = 'dead' AND letter = 0 ORDER BY seq LIMIT ?", (limit,)
        )
        return [_entry(row) for row in rows]

    def entries(self, subscription: str, state: str, limit: int = -1) -> list[Entry]:
        """The entries in a state, the latest first."""
        rows = self._database.execute(
            "SELECT * FROM events WHERE subscription = ? AND state = ? ORDER BY changed DESC LIMIT ?",
            (subscription, state, limit),
        )
        return [_entry(row) for row in rows]

    def counts(self, subscription: str) -> dict[str, int]:
        rows = self._database.execute(
            "SELECT state, count(*) AS n FROM events WHERE subscription = ? GROUP BY state", (subscription,)
        )
        return {row["state"]: row["n"] for row in rows}

    def lag(self, subscription: str) -> float:
        """How long the oldest event that was not fired has waited, in seconds."""
        row = self._database.execute(
            f"SELECT entered {WAITING} ORDER BY seq LIMIT 1", (subscription,)
        ).fetchone()
        return max(0.0, time.time() - row["entered"]) if row else 0.0

    def prune(self, subscription: str, before: float, present: Collection[tuple[str, str, int]]) -> int:
        """Drop what is over since then and whose object no listing shows any more."""
        gone = list(self._gone(subscription, before, present))
        with transaction(self._database):
            self._database.executemany("DELETE FROM events WHERE seq = ?", gone)
        return len(gone)

    def _gone(
        self, subscription: str, before: float, present: Collection[tuple[str, str, int]]
    ) -> Iterator[tuple[int]]:
        for state in OVER:
            for row in self._database.execute(
                "SELECT seq, key, etag, second FROM events "
                "WHERE subscription = ? AND state = ? AND changed < ?",
                (subscription, state, before),
            ):
                if (row["key"], row["etag"], row["second"]) not in present:
                    yield (row["seq"],)

    def _set(self, entry: Entry, change: str, *values: object) -> None:
        self._database.execute(
            f"UPDATE events SET {change}, changed = ? WHERE subscription = ? AND id = ?",
            (*values, time.time(), entry.subscription, entry.event.id),
        )


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(
        row["subscription"],
        parse(row["document"]),
        row["state"],
        row["attempts"],
        row["activation"],
        row["changed"],
        json.loads(row["cause"]) if row["cause"] else None,
    )
