"""The feed's one file: SQLite in WAL, readable by its owner only, since it holds the subscriptions' keys.

Law: one process, one thread. A commit survives the end of the process; after a loss of power the last
ones may be gone but for those that were secured: listing finds the others' objects, and a time may fire
again.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS subscriptions (
    name TEXT PRIMARY KEY, document TEXT NOT NULL, auth TEXT NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', changed REAL NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY,
    subscription TEXT NOT NULL, id TEXT NOT NULL,
    bucket TEXT NOT NULL, key TEXT NOT NULL, etag TEXT NOT NULL, second INTEGER NOT NULL,
    document TEXT NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL DEFAULT 0,
    activation TEXT, cause TEXT, letter INTEGER NOT NULL DEFAULT 0,
    entered REAL NOT NULL, changed REAL NOT NULL,
    UNIQUE (subscription, id));
CREATE TABLE IF NOT EXISTS alarms (
    name TEXT PRIMARY KEY, next REAL, fires INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS next ON alarms (next);
CREATE INDEX IF NOT EXISTS known ON events (subscription, bucket, key, etag, second);
CREATE INDEX IF NOT EXISTS states ON events (subscription, state, changed);
CREATE INDEX IF NOT EXISTS waiting ON events (subscription, seq) WHERE state IN ('new', 'held');
CREATE INDEX IF NOT EXISTS letters ON events (seq) WHERE state = 'dead' AND letter = 0;
"""


def open_database(path: Path) -> sqlite3.Connection:
    """The connection, with its tables made; the file and what SQLite puts beside it are its owner's."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.executescript(SCHEMA)
    return connection


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; within another one, part of that."""
    if database.in_transaction:
        yield
        return
    database.execute("BEGIN")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def secure(database: sqlite3.Connection) -> None:
    """Let what is committed survive a loss of power, too."""
    database.execute("PRAGMA wal_checkpoint").fetchall()
