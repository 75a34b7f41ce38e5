"""One writer for all: together, all or nothing, and on disk before the answer."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest

from deepwhisk.engine import database as module
from deepwhisk.engine.database import Database, Durable, Statement

INSERT = "INSERT INTO accepted VALUES (?, ?)"


def entry(key: str) -> Statement:
    return INSERT, (key, b"x")


@pytest.fixture(params=["process", "power-loss"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    durable: Durable = request.param
    database = Database(tmp_path / "whisk.db", durable)
    yield database
    await database.close()


def on_disk(database: Database) -> list[str]:
    """What another process would find."""
    connection = sqlite3.connect(database.path)
    rows = connection.execute("SELECT id FROM accepted ORDER BY id").fetchall()
    connection.close()
    return [row[0] for row in rows]


async def test_a_write_is_on_disk_when_it_returns(database: Database) -> None:
    await database.write([entry("a")])

    assert on_disk(database) == ["a"]


async def test_writes_of_one_moment_share_a_transaction(database: Database) -> None:
    commits: list[int] = []
    commit = database._commit
    database._commit = lambda batch: (commits.append(len(batch)), commit(batch))[1]  # type: ignore[method-assign]
    await asyncio.gather(*(database.write([entry(str(number))]) for number in range(10)))

    assert len(on_disk(database)) == 10
    assert commits == [10]


async def test_a_write_that_fails_fails_for_its_moment_and_no_other(database: Database) -> None:
    await database.write([entry("a")])
    outcomes = await asyncio.gather(
        database.write([entry("b")]), database.write([entry("a")]), return_exceptions=True
    )
    await database.write([entry("c")])

    assert all(isinstance(outcome, sqlite3.IntegrityError) for outcome in outcomes)
    assert on_disk(database) == ["a", "c"]


async def test_entities_are_written_between_others(database: Database) -> None:
    waiting = [asyncio.ensure_future(database.write([entry(str(number))])) for number in range(5)]
    await asyncio.sleep(0)
    database.write_now([entry("now")])
    await asyncio.gather(*waiting)

    assert len(on_disk(database)) == 6


async def test_the_log_is_written_back_aside(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_PAGES", 40)
    for number in range(200):
        await database.write([entry(str(number))])
    await settled(database)
    await database.write([entry("200")])  # what came while the first was written back, is next
    await settled(database)
    unread = sqlite3.connect(f"file:{database.path}?immutable=1", uri=True)  # without its log
    there = unread.execute("SELECT count(*) FROM accepted").fetchone()[0]
    unread.close()

    assert there > 100
    assert len(on_disk(database)) == 201


async def test_a_log_that_has_become_long_begins_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_PAGES", 40)
    monkeypatch.setattr(module, "LONGEST", 100)
    for number in range(150):
        await database.write([entry(str(number))])
        await settled(database)

    log = database.path.with_name("whisk.db-wal")
    assert log.stat().st_size < 250 * 4096
    assert len(on_disk(database)) == 150


async def test_the_log_is_written_back_by_a_connection_that_is_open(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that opens takes the writer's lock to set its pragmas, and commits would wait for it."""
    monkeypatch.setattr(module, "CHECKPOINT_PAGES", 40)
    opened: list[str] = []
    monkeypatch.setattr(database, "_open", lambda: opened.append("a connection"))
    for number in range(40):
        await database.write([entry(str(number))])
    await settled(database)

    assert database._logged < 40 * 4
    assert opened == []


async def settled(database: Database) -> None:
    if database._checkpoint is not None:
        await database._checkpoint


async def test_closing_leaves_one_file(tmp_path: Path) -> None:
    database = Database(tmp_path / "whisk.db")
    waiting = asyncio.ensure_future(database.write([entry("a")]))
    await asyncio.sleep(0)
    await database.close()
    await waiting

    assert [file.name for file in tmp_path.iterdir()] == ["whisk.db"]
    assert on_disk(database) == ["a"]


@pytest.mark.parametrize(("durable", "level"), [("process", 1), ("power-loss", 2)])
async def test_power_loss_is_a_setting(
    tmp_path: Path, durable: Literal["process", "power-loss"], level: int
) -> None:
    database = Database(tmp_path / "whisk.db", durable)
    row: tuple[Any, ...] = database._writer.execute("PRAGMA synchronous").fetchone()
    await database.close()

    assert row == (level,)
