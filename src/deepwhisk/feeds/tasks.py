"""Tasks that run until the feed ends, and what happens when one ends by a defect: the feed ends too.

Its supervisor starts it again, and the ledger knows where it was; a feed that limps would lose that.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("deepwhisk.feeds")


async def woken(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for the event, but not longer; whether it came. (`wait_for` of 3.11 may lose a cancellation.)"""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


class Tasks:
    """A set of running tasks; `defect` is the first error none of them expected."""

    def __init__(self) -> None:
        self.defect: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def stop(self) -> None:
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.critical("the feed ends by a defect", exc_info=error)
            if not self.defect.done():
                self.defect.set_result(error)
