"""What is counted in hours is what one would count row by row."""

import random
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from deepwhisk.engine import tallies
from deepwhisk.engine.activations import Activations, Record, new_activation_id
from deepwhisk.engine.authentication import Identities
from deepwhisk.engine.database import Database
from deepwhisk.engine.schema import HOUR, VERSION
from deepwhisk.engine.tallies import Filter

BEGIN = 500_000 * HOUR
Told = tuple[str, str, int]  # namespace, path, start


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "whisk.db")
    yield database
    await database.close()


@pytest.fixture
async def told(database: Database) -> list[Told]:
    """Six hours of two namespaces; the newest first. Some are at the very ends of an hour."""
    chance = random.Random(7)
    starts = [BEGIN + chance.randrange(6 * HOUR) for _ in range(400)]
    starts += [BEGIN + hour * HOUR + edge for hour in range(7) for edge in (-1, 0)]
    rows = [(chance.choice(["guest", "other"]), chance.choice(["a", "p/b"]), start) for start in starts]
    await database.write([record(*row).statement() for row in rows])
    return sorted(rows, key=lambda row: row[2], reverse=True)


def record(namespace: str, path: str, start: int) -> Record:
    return Record(new_activation_id(), namespace, path, path, "0.0.1", start, {})


def filters() -> list[Filter]:
    chance = random.Random(8)
    moments = [None, BEGIN - 1, BEGIN, BEGIN + HOUR, BEGIN + 2 * HOUR - 1, BEGIN + 6 * HOUR, 0, -1, 1 << 62]
    moments += [BEGIN + chance.randrange(6 * HOUR) for _ in range(9)]
    return [
        Filter("guest", chance.choice([None, "a", "p/b"]), chance.choice(moments), chance.choice(moments))
        for _ in range(150)
    ]


def shown(told: list[Told], which: Filter) -> list[int]:
    since = 0 if which.since is None else which.since
    upto = 1 << 62 if which.upto is None else which.upto
    return [
        start
        for namespace, path, start in told
        if namespace == which.namespace and which.path in (None, path) and since <= start <= upto
    ]


async def test_every_count_is_right(database: Database, told: list[Told]) -> None:
    activations = Activations(database)
    for which in filters():
        assert await activations.count(which) == len(shown(told, which)), which


async def test_every_page_is_right(
    database: Database, told: list[Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "NEAR", 3)
    activations = Activations(database)
    for which in filters():
        for skip in (0, 3, 17, 60, 150, 400, 1 << 62):
            page = await activations.newest(which, 5, skip, full=False)
            assert [each["start"] for each in page] == shown(told, which)[skip : skip + 5], (which, skip)


async def test_what_has_left_is_not_counted(database: Database, told: list[Told]) -> None:
    await database.write([("DELETE FROM activations WHERE start >= ?", (BEGIN + HOUR,))])
    left = [row for row in told if row[2] < BEGIN + HOUR]

    assert await Activations(database).count(Filter("guest")) == len(shown(left, Filter("guest")))
    assert database.read("SELECT count(*) FROM tallies WHERE hour > ?", (BEGIN // HOUR,)) == [(0,)]


async def test_a_record_that_is_there_already_counts_once(database: Database) -> None:
    twice = record("guest", "a", BEGIN).statement()
    await database.write([twice, twice])

    assert await Activations(database).count(Filter("guest")) == 1


NAMESPACES = """
DROP TABLE users; DROP TABLE limits; DROP TABLE leaving;
CREATE TABLE namespaces (name TEXT PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, key TEXT NOT NULL);
INSERT INTO namespaces VALUES ('guest', 'u', 'k');
"""


async def test_a_file_of_the_first_format_gets_what_it_lacks(tmp_path: Path) -> None:
    file = tmp_path / "whisk.db"
    Database(file).close_now()
    connection = sqlite3.connect(file)
    connection.executescript("DROP TRIGGER tally_more; DROP TRIGGER tally_less; DROP TABLE tallies;")
    with connection:
        for start in range(3):
            connection.execute(*record("guest", "a", BEGIN + start).statement())
    connection.executescript("ALTER TABLE activations DROP COLUMN usage; PRAGMA user_version=1;")
    connection.executescript(NAMESPACES)
    connection.close()

    database = Database(file)
    used = replace(record("guest", "a", BEGIN + 2 * HOUR), container="warm")
    await database.write([used.statement()])

    activations = Activations(database)
    assert await activations.count(Filter("guest")) == 4
    assert activations.get("guest", used.id)[-1] == b'{"container":"warm"}'
    assert database.read("PRAGMA user_version") == [(VERSION,)]
    known = Identities(database).of("guest")
    assert known is not None
    assert (known.credentials, known.subject, known.blocked) == ("u:k", "guest", False)
    await database.close()
