"""Old activations leave; what is accepted and what is young stays."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deepwhisk.engine import retention
from deepwhisk.engine.activations import Activations, Record, new_activation_id
from deepwhisk.engine.database import Database
from deepwhisk.engine.retention import DAY, STEP, Retention, keep_tidy
from deepwhisk.engine.tallies import Filter

NOW = int(time.time() * 1000)
MB = 1 << 20


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "whisk.db")
    yield database
    await database.close()


def record(start: int, size: int = 1) -> Record:
    return Record(
        new_activation_id(), "guest", "a", "a", "0.0.1", start, {"x": "y" * size}, end=start, duration=0
    )


@asynccontextmanager
async def tidying(database: Database, wanted: Retention) -> AsyncIterator[None]:
    task = asyncio.create_task(keep_tidy(database, wanted))
    yield
    task.cancel()


async def left(database: Database) -> int:
    return await Activations(database).count(Filter("guest"))


async def comes_true(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(240):
        while not await true():
            await asyncio.sleep(0.01)


async def test_what_is_older_than_its_days_leaves(database: Database) -> None:
    old = [record(NOW - 8 * DAY).statement() for _ in range(2 * STEP + 5)]
    await database.write([*old, *(record(NOW).statement() for _ in range(10))])

    async def ten_are_left() -> bool:
        return await left(database) == 10

    async with tidying(database, Retention(days=7, every=0.01)):
        await comes_true(ten_are_left)
        await asyncio.sleep(0.1)
    assert await ten_are_left()


async def test_what_is_young_stays(database: Database) -> None:
    await database.write([record(NOW - 6 * DAY).statement() for _ in range(STEP + 5)])

    async with tidying(database, Retention(days=7, every=0.01)):
        await asyncio.sleep(0.2)
    assert await left(database) == STEP + 5


async def test_the_oldest_leave_when_there_is_too_much(database: Database) -> None:
    await database.write([record(NOW + number, 10_000).statement() for number in range(600)])

    async def is_small() -> bool:
        return database.size() <= 4 * MB

    async with tidying(database, Retention(megabytes=4)):
        await comes_true(is_small)
    assert 0 < await left(database) < 600
    [newest] = await Activations(database).newest(Filter("guest"), 1, 0, full=False)
    assert newest["start"] == NOW + 599


async def test_the_file_becomes_smaller_when_much_has_left(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SPARE", MB)
    await database.write([record(NOW - 8 * DAY, 20_000).statement() for _ in range(500)])
    await database.write([record(NOW).statement()])

    async def is_small() -> bool:
        return int(database.read("PRAGMA page_count")[0][0]) * 4096 < 2 * MB

    assert not await is_small()
    async with tidying(database, Retention(days=7)):
        await comes_true(is_small)
    assert await left(database) == 1


async def test_others_write_while_old_ones_leave(database: Database) -> None:
    await database.write([record(NOW - 8 * DAY).statement() for _ in range(20 * STEP)])

    async with tidying(database, Retention(days=7)):
        for _ in range(10):
            await database.write([record(NOW).statement()])
        assert database.read("SELECT count(*) FROM activations")[0][0] > 10  # nobody waited for all of them
