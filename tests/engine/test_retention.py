"""Old activations leave; what is accepted and what is young stays."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deepwhisk.engine.activations import Activations, Record, new_activation_id
from deepwhisk.engine.database import Database
from deepwhisk.engine.retention import DAY, STEP, Retention, keep_tidy
from deepwhisk.engine.tallies import Filter

NOW = int(time.time() * 1000)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "whisk.db")
    yield database
    await database.close()


def record(start: int, size: int = 1) -> Record:
    return Record(
        new_activation_id(), "guest", "a", "a", "0.0.1", start, {"x": "y" * size}, end=start, duration=0
    )


async def tidied(database: Database, retention: Retention) -> int:
    """How many are left."""
    tidying = asyncio.create_task(keep_tidy(database, retention))
    before = -1
    while before != (left := await Activations(database).count(Filter("guest"))):
        before = left
        await asyncio.sleep(0.1)
    tidying.cancel()
    return left


async def test_what_is_older_than_its_days_leaves(database: Database) -> None:
    old = [record(NOW - 8 * DAY).statement() for _ in range(2 * STEP + 50)]
    await database.write([*old, *(record(NOW).statement() for _ in range(10))])

    assert await tidied(database, Retention(days=7)) == 10


async def test_what_is_young_stays(database: Database) -> None:
    await database.write([record(NOW - 6 * DAY).statement() for _ in range(STEP + 5)])

    assert await tidied(database, Retention(days=7)) == STEP + 5


async def test_the_oldest_leave_when_there_is_too_much(database: Database) -> None:
    await database.write([record(NOW + number, 10_000).statement() for number in range(3 * STEP)])
    left = await tidied(database, Retention(megabytes=4))

    assert 0 < left < 3 * STEP
    [newest] = await Activations(database).newest(Filter("guest"), 1, 0, full=False)
    assert newest["start"] == NOW + 3 * STEP - 1
