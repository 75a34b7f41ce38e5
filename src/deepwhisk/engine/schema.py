"""The tables of the engine, and how a file of an older format becomes one of this.

`tallies` holds how many activations there are by namespace, hour and path, so that nobody ever counts ten
million of them. Triggers keep it: it is true after every commit, whoever wrote.
"""

import sqlite3
from pathlib import Path

from deepwhisk.errors import ServiceError

HOUR = 3_600_000  # ms
VERSION = 3

_TABLES = """
CREATE TABLE IF NOT EXISTS users (
    subject TEXT NOT NULL, namespace TEXT NOT NULL, uuid TEXT NOT NULL UNIQUE, key TEXT NOT NULL,
    home TEXT NOT NULL, blocked INTEGER NOT NULL, PRIMARY KEY (subject, namespace));
CREATE TABLE IF NOT EXISTS limits (namespace TEXT PRIMARY KEY, document BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS leaving (namespace TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS entities (
    id TEXT PRIMARY KEY, collection TEXT NOT NULL, updated INTEGER NOT NULL, document BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS codes (id TEXT PRIMARY KEY, code TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS activations (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL, path TEXT NOT NULL,
    start INTEGER NOT NULL, status INTEGER NOT NULL,
    head BLOB NOT NULL, response BLOB NOT NULL, logs BLOB NOT NULL, usage BLOB);
CREATE INDEX IF NOT EXISTS activations_by_start ON activations (namespace, start);
CREATE INDEX IF NOT EXISTS activations_by_path ON activations (namespace, path, start);
CREATE TABLE IF NOT EXISTS tallies (
    namespace TEXT NOT NULL, hour INTEGER NOT NULL, path TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (namespace, hour, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accepted (id TEXT PRIMARY KEY, work BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS apis (
    namespace TEXT NOT NULL, base TEXT NOT NULL, document BLOB NOT NULL, PRIMARY KEY (namespace, base));
"""
_OLD = f"namespace = old.namespace AND hour = old.start / {HOUR} AND path = old.path"
_TRIGGERS = f"""
CREATE TRIGGER IF NOT EXISTS tally_more AFTER INSERT ON activations BEGIN
    INSERT INTO tallies VALUES (new.namespace, new.start / {HOUR}, new.path, 1)
        ON CONFLICT DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER IF NOT EXISTS tally_less AFTER DELETE ON activations BEGIN
    UPDATE tallies SET count = count - 1 WHERE {_OLD};
    DELETE FROM tallies WHERE {_OLD} AND count = 0;
END;
"""
# What files of each older format lack, the oldest first.
_CHANGES = {
    1: f"INSERT INTO tallies SELECT namespace, start / {HOUR}, path, count(*) FROM activations "
    "GROUP BY 1, 2, 3;",
    2: "ALTER TABLE activations ADD COLUMN usage BLOB;"
    # A namespace had one user, called as it is.
    "INSERT INTO users SELECT name, name, uuid, key, uuid, 0 FROM namespaces; DROP TABLE namespaces;",
}


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Makes the tables in the file at PATH, or what they lack."""
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        raise ServiceError(
            f"{path} was written by a newer deepwhisk (format {found}, this one reads {VERSION}): "
            "update deepwhisk or name another state directory"
        )
    changes = "".join(change for before, change in _CHANGES.items() if 0 < found <= before)
    connection.executescript(
        f"BEGIN IMMEDIATE; {_TABLES} {changes} {_TRIGGERS} PRAGMA user_version={VERSION}; COMMIT;"
    )
