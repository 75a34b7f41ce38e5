"""A database with a long past: as many activations as one likes, written as the engine would have.

`python -m benchmarks.past STATE [COUNT]` makes one at STATE/engine/whisk.db. The rows go in before their
indices and their tallies: ten million take about three minutes, and 9 GB.
"""

import random
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deepwhisk.engine.activations import Record
from deepwhisk.engine.database import Database
from deepwhisk.engine.schema import HOUR

ACTIVATIONS = 10_000_000
DAYS = 7
ACTIONS = 100
BATCH = 50_000
INSERT = (
    "INSERT INTO activations (id, namespace, path, start, status, head, response, logs) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
TALLY = (
    f"INSERT INTO tallies SELECT namespace, start / {HOUR}, path, count(*) FROM activations GROUP BY 1, 2, 3"
)
HELD = "SELECT type, name FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
Row = tuple[Any, ...]


def make_past(state: Path, count: int = ACTIVATIONS) -> None:
    """Fills the database of STATE, an engine's folder that no engine uses, with COUNT activations."""
    file = state / "engine" / "whisk.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    Database(file).close_now()
    connection = sqlite3.connect(file, isolation_level=None)
    connection.executescript("PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF; PRAGMA cache_size=-64000;")
    for kind, name in connection.execute(HELD).fetchall():
        connection.execute(f"DROP {kind} {name}")
    rows = past(count)
    for _ in range(0, count, BATCH):
        connection.execute("BEGIN")
        connection.executemany(INSERT, (row for _, row in zip(range(BATCH), rows, strict=False)))
        connection.execute("COMMIT")
    connection.close()
    Database(file).close_now()
    connection = sqlite3.connect(file)
    with connection:
        connection.execute(TALLY)
    connection.close()


def past(count: int) -> Iterator[Row]:
    """Rows in order of time, the last of them of a minute ago; some actions are called more than others."""
    chance = random.Random(count)
    end = int(time.time() * 1000) - 60_000
    step = DAYS * 86_400_000 / count
    templates = [[piece.replace(b"%", b"%%") for piece in template(number)] for number in range(ACTIONS)]
    for number in range(count):
        start = end - int((count - number) * step)
        which = int(ACTIONS * chance.random() ** 2)
        yield row(number, start, which, templates[which], chance)


def template(which: int) -> tuple[bytes, bytes, bytes]:
    """The three pieces of a call with an answer of a hundred bytes and two lines of log."""
    notes = {
        "path": f"guest/action{which}",
        "waitTime": 2,
        "kind": "python:3",
        "timeout": False,
        "limits": {"timeout": 60_000, "memory": 256, "logs": 10, "concurrency": 1},
    }
    record = Record(
        "ACTIVATION", "guest", f"action{which}", f"action{which}", "0.0.1", 7777, {"label": "espresso " * 9},
        end=8888, duration=9, size=100, annotations=notes,
        logs=["2026-11-22T05:38:01.123456Z stdout: took the photograph"] * 2,
    )  # fmt: skip
    _, values = record.statement()
    return values[5], values[6], values[7]


def row(number: int, start: int, which: int, pieces: list[bytes], chance: random.Random) -> Row:
    identity = f"{start:012x}{chance.getrandbits(80):020x}"
    namespace = "guest" if number % 20 else "whisk.system"
    lasted = int(chance.expovariate(1 / 20))
    head = pieces[0].replace(b"ACTIVATION", identity.encode())
    head = head.replace(b"7777", b"%d" % start).replace(b"8888", b"%d" % (start + lasted))
    status = 0 if number % 50 else 1
    return identity, namespace, f"action{which}", start, status, head, pieces[1], pieces[2]


if __name__ == "__main__":
    make_past(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else ACTIVATIONS)
