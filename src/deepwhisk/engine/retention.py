"""Old activations leave, in steps so small that nobody waits for them.

Law: at most a fifth of the engine's time is theirs, and no step is longer than about a call.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deepwhisk.engine.database import Database
from deepwhisk.engine.platform import log

DAY = 86_400_000
STEP = 20  # records
REST = 4  # times as long as a step took
SPARE = 64 << 20  # bytes of the file that are free and stay, for what is to come
_OLDEST = "SELECT number, start FROM activations ORDER BY number LIMIT 1 OFFSET ?"


@dataclass(frozen=True, slots=True)
class Retention:
    """How long activations are kept, and how large the database may be before the oldest go earlier."""

    days: float = 7.0
    megabytes: int = 4096
    every: float = 60.0  # seconds


async def keep_tidy(database: Database, retention: Retention) -> None:
    """Runs until it is cancelled."""
    while True:
        steps = await _in_steps(lambda: _remove_some(database, retention))
        if steps:
            log.info("removed about %d old activations", steps * STEP)
        await _in_steps(lambda: database.give_back(SPARE))
        await asyncio.sleep(retention.every)


async def _in_steps(step: Callable[[], Awaitable[bool]]) -> int:
    """Goes on as long as STEP does something, and rests after each; how often it did."""
    began, done = time.monotonic(), 0
    while await step():
        await asyncio.sleep(REST * (time.monotonic() - began))
        began, done = time.monotonic(), done + 1
    return done


async def _remove_some(database: Database, retention: Retention) -> bool:
    """Removes one step of the oldest, if they are too old or there is too much; whether it did."""
    border = int(time.time() * 1000 - retention.days * DAY)
    last = database.read(_OLDEST, (STEP - 1,)) or database.read(_OLDEST, (0,))
    if not last:
        return False
    number, start = last[0]
    if start >= border and database.size() <= retention.megabytes << 20:
        return False
    await database.write([("DELETE FROM activations WHERE number <= ?", (number,))])
    return True
