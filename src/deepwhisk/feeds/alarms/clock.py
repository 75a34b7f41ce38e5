"""The clock: it enters what is due, wakes who fires it, and ends the alarms that are over.

Law: it waits for the time of day, in short steps, since clocks are set; what it does follows from the ledger
alone. Times that passed while it did not run are due once, now; none is after an alarm's stopDate.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Collection

from deepwhisk.feeds.alarms.alarm import Alarm
from deepwhisk.feeds.alarms.ticks import Ticks
from deepwhisk.feeds.database import transaction
from deepwhisk.feeds.register import Register
from deepwhisk.feeds.tasks import woken

log = logging.getLogger("deepwhisk.feeds")

STEP = 1.0  # seconds after which the time of day is looked at again
LATE = 10.0  # seconds that are no more than a busy machine
HOUR = 3600.0


class Clock:
    """The one clock of all alarms. `news` wakes who fires one, `over` ends one; `flying` is being fired."""

    def __init__(
        self,
        database: sqlite3.Connection,
        register: Register,
        *,
        news: Callable[[str], None],
        over: Callable[[str], None],
        flying: Callable[[str], Collection[str]],
        keep: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.ticks = Ticks(database)
        self.now = now
        self._database, self._register = database, register
        self._news, self._over, self._flying, self._keep = news, over, flying, keep
        self._woken = asyncio.Event()
        self._pruned = 0.0

    def wake(self) -> None:
        """An alarm has changed."""
        self._woken.set()

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            self._woken.clear()
            self.turn()
            await woken(self._woken, self._wait())

    def turn(self) -> None:
        """Do what is to be done now."""
        now = self.now()
        for name in self._enter(now):
            self._news(name)
        for name in self.ticks.over():
            self._over(name)
        if now - self._pruned > HOUR:
            self._pruned = now
            self.ticks.prune("confirmed", time.time() - HOUR)
            self.ticks.prune("dead", time.time() - self._keep)

    def _wait(self) -> float | None:
        if not self.ticks.running():
            return None
        soonest = self.ticks.soonest()
        return STEP if soonest is None else min(STEP, max(0.0, soonest - self.now()))

    def _enter(self, now: float) -> list[str]:
        """Enter what is due; the alarms that have something to fire."""
        due = self.ticks.due(now)
        if not due:
            return []
        with transaction(self._database):
            return [name for name in due if self._entered(name, now)]

    def _entered(self, name: str, now: float) -> bool:
        registered, standing = self._register.find(name), self.ticks.find(name)
        alarm = registered.subscription if registered else None
        if not isinstance(alarm, Alarm) or standing.next is None:
            self.ticks.advance(name, None, standing.fires)
            return False
        late = now - standing.next
        if late > LATE:
            log.info("%s is %.0f s late; what was due meanwhile is due once", name, late)
        stale = late > LATE and alarm.ended(now)
        news = not stale and self.ticks.enter(name, standing.next, now, self._flying(name))
        fires = standing.fires + news
        self.ticks.advance(name, alarm.after(max(now, standing.next), fires), fires)
        return news
