"""What the service does by itself: looks again and again, and submits sweeps once they are together.

Law: a pass that fails is tried again and never ends the service; nothing is lost when it ends in the middle.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

from deepwhisk.batch.layout import Place
from deepwhisk.batch.service.desk import Desk
from deepwhisk.batch.service.settings import Pace
from deepwhisk.batch.view import size_of, sweep_of
from deepwhisk.errors import DeepwhiskError

log = logging.getLogger("deepwhisk.batch")

AGAIN = 1.0  # seconds after a pass that failed
SLOWEST = 15.0  # seconds between two quick passes, however slow a cluster is


@dataclass(slots=True)
class Loop:
    """The two passes, each when it is its time."""

    desk: Desk
    pace: Pace
    threads: Executor
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    error: str = ""
    slowest: float = 0.0  # seconds of the last quick pass

    async def run(self) -> None:
        """Look at the whole bucket, then at what is under way, until cancelled."""
        due = 0.0
        while True:
            if time.monotonic() >= due:
                done = await self._pass(self._whole)
                due = time.monotonic() + (self.pace.whole if done else AGAIN)
            if self.ready.is_set():
                await self._pass(self._quick)
            await asyncio.sleep(min(max(0.0, due - time.monotonic()), self._rest()))

    def _rest(self) -> float:
        """Seconds until the next quick pass: a slow cluster is not asked all the time."""
        return max(self.pace.quick, min(3 * self.slowest, SLOWEST)) if self.ready.is_set() else AGAIN

    def _whole(self) -> None:
        survey = self.desk.reconciler.whole()
        mended = dict.fromkeys(self.desk.arrivals.mend(), 0)  # a number of versions that none has had
        self.desk.read_versions({**survey.versions, **mended})

    def _quick(self) -> None:
        began = time.monotonic()
        self.desk.reconciler.quick()
        self.slowest = time.monotonic() - began

    async def _pass(self, look: Callable[[], None]) -> bool:
        try:
            await asyncio.get_running_loop().run_in_executor(self.threads, look)
        except DeepwhiskError as error:
            if str(error) != self.error:
                log.warning("looking again in a second: %s", error)
            self.error = str(error)
            return False
        if look == self._whole:
            self.error = ""
            self.ready.set()
        return True


@dataclass(slots=True)
class Gathering:
    """Trainings of sweeps that wait for the rest of theirs."""

    desk: Desk
    seconds: float
    threads: Executor
    _waiting: dict[str, dict[str, Place]] = field(default_factory=dict)
    _timers: dict[str, asyncio.TimerHandle] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def add(self, place: Place) -> None:
        """One more; the sweep is submitted when all are there, or no other came for a while."""
        known = self.desk.view.get(place.uuid)
        if known is None or not known.training.pending:
            return
        sweep = sweep_of(known.training)
        together = self._waiting.setdefault(sweep, {})
        together[place.uuid] = place
        if timer := self._timers.pop(sweep, None):
            timer.cancel()
        known.waits = "the rest of its sweep is awaited"
        whole = len(together) >= size_of(known.training)
        self._timers[sweep] = asyncio.get_running_loop().call_later(
            0 if whole else self.seconds, self._submit, sweep
        )

    def stop(self) -> None:
        for timer in self._timers.values():
            timer.cancel()

    def _submit(self, sweep: str) -> None:
        self._timers.pop(sweep, None)
        task = asyncio.create_task(self._submitted(list(self._waiting.pop(sweep, {}).values())))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _submitted(self, places: list[Place]) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self.threads, self.desk.accept, places)
        except DeepwhiskError as error:
            log.warning("a sweep of %d: %s", len(places), error)
