"""Which activations a list shows, how many they are, and where the n-th of them is.

Law: nobody walks past more rows than an hour has; whole hours are counted in the table of tallies.
"""

from dataclasses import dataclass, replace
from typing import Any

from deepwhisk.engine.database import Read
from deepwhisk.engine.schema import HOUR

NEAR = 2000  # rows that are walked past faster than they are counted
_LAST_HOUR = 1 << 50


@dataclass(frozen=True, slots=True)
class Filter:
    """Which activations a list shows; both moments are inclusive, in ms since the epoch."""

    namespace: str
    path: str | None = None
    since: int | None = None
    upto: int | None = None

    def where(self) -> tuple[str, list[Any]]:
        clauses: list[str] = ["namespace = ?"]
        values: list[Any] = [self.namespace]
        for clause, value in (("path = ?", self.path), ("start >= ?", self.since), ("start <= ?", self.upto)):
            if value is not None:
                clauses.append(clause)
                values.append(value)
        return " AND ".join(clauses), values

    def hours(self) -> tuple[int, int]:
        """The first and the last hour that is whole in it; none if the first is the later one."""
        first = 0 if self.since is None else max(0, -(-self.since // HOUR))
        last = _LAST_HOUR if self.upto is None else (self.upto + 1) // HOUR - 1
        return first, last

    def before(self, hour: int) -> "Filter":
        return replace(self, upto=hour * HOUR - 1)

    def after(self, hour: int) -> "Filter":
        return replace(self, since=(hour + 1) * HOUR)


def count(read: Read, which: Filter) -> int:
    first, last = which.hours()
    if first > last:
        return _rows(read, which)
    older = 0 if which.since is None else _rows(read, which.before(first))
    newer = 0 if which.upto is None else _rows(read, which.after(last))
    whole = sum(int(tally) for _, tally in _tallies(read, which))
    return older + whole + newer


def leap(read: Read, which: Filter, skip: int) -> tuple[Filter, int]:
    """The part of WHICH after almost SKIP of the newest, and how many are still to be skipped there."""
    first, last = which.hours()
    if skip < NEAR or first > last:
        return which, skip
    newer = 0 if which.upto is None else _rows(read, which.after(last))
    if skip < newer:
        return which, skip
    skip -= newer
    for hour, tally in _tallies(read, which):
        if skip < tally:
            return which.before(hour + 1), skip
        skip -= tally
    return which.before(first), skip


def _rows(read: Read, which: Filter) -> int:
    where, values = which.where()
    return int(read(f"SELECT count(*) FROM activations WHERE {where}", values)[0][0])


def _tallies(read: Read, which: Filter) -> list[tuple[Any, ...]]:
    """Each whole hour and what it holds, the newest first."""
    path, values = ("", []) if which.path is None else (" AND path = ?", [which.path])
    return read(
        "SELECT hour, sum(count) FROM tallies WHERE namespace = ? AND hour BETWEEN ? AND ?"
        f"{path} GROUP BY hour ORDER BY hour DESC",
        [which.namespace, *which.hours(), *values],
    )
