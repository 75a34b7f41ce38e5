"""Old activations leave, in steps so small that nobody waits for them.

Law: at most a tenth of the engine's time is theirs, and no step is longer than about a call.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deepwhisk.engine.database import Database
from deepwhisk.engine.platform import log

DAY = 86_400_000
STEP = 10  # records
REST = 9  # times as long as a step took
SPARE = 64 << 20  # bytes of the file that are free and stay, for what is to come
_ALL = 1 << 62  # a moment after all
_OLDEST = "SELECT start FROM activations ORDER BY number LIMIT 1"
_REMOVE = (
    "DELETE FROM activations WHERE start < ?2 AND number IN "
    "(SELECT number FROM activations ORDER BY number LIMIT ?1)"
)


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
    oldest = database.read(_OLDEST)
    if not oldest:
        return False
    border = int(time.time() * 1000 - retention.days * DAY)
    if database.size() > retention.megabytes << 20:
        border = _ALL
    if oldest[0][0] >= border:
        return False
    await database.write([(_REMOVE, (STEP, border))])
    return True
