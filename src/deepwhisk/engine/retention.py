"""Old activations leave, in steps so small that nobody waits for them."""

import asyncio
import time
from dataclasses import dataclass

from deepwhisk.engine.database import Database
from deepwhisk.engine.platform import log

DAY = 86_400_000
STEP = 200
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
        removed = 0
        while await _remove_some(database, retention):
            removed += STEP
            await asyncio.sleep(0.02)
        if removed:
            log.info("removed about %d old activations", removed)
        await asyncio.sleep(retention.every)


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
