"""Ends containers that use more memory than they may."""

import asyncio
from typing import Protocol

from deepwhisk.engine.container import Lost
from deepwhisk.keeper import memory

PERIOD, REST = 0.05, 1.0  # seconds


class Watched(Protocol):
    @property
    def pid(self) -> int: ...

    @property
    def memory(self) -> int: ...

    def abort(self, reason: Lost) -> None: ...


class Watch:
    """Looks often at what runs, now and then at what rests: a call may leave something behind."""

    def __init__(self) -> None:
        self._running: dict[int, Watched] = {}
        self._resting: dict[int, Watched] = {}
        self._often: asyncio.TimerHandle | None = None
        self._seldom: asyncio.TimerHandle | None = None

    def add(self, container: Watched) -> None:
        """A call begins."""
        self._resting.pop(container.pid, None)
        self._running[container.pid] = container
        if self._often is None:
            self._often = asyncio.get_running_loop().call_later(PERIOD, self._look)

    def rest(self, container: Watched) -> None:
        """No call runs any more."""
        self._running.pop(container.pid, None)
        self._resting[container.pid] = container
        if self._seldom is None:
            self._seldom = asyncio.get_running_loop().call_later(REST, self._look_at_resting)

    def discard(self, container: Watched) -> None:
        """It has ended."""
        self._running.pop(container.pid, None)
        self._resting.pop(container.pid, None)

    def _look(self) -> None:
        self._often = None
        _end_greedy(self._running)
        if self._running:
            self._often = asyncio.get_running_loop().call_later(PERIOD, self._look)

    def _look_at_resting(self) -> None:
        self._seldom = None
        _end_greedy(self._resting)
        if self._resting:
            self._seldom = asyncio.get_running_loop().call_later(REST, self._look_at_resting)


def _end_greedy(containers: dict[int, Watched]) -> None:
    for container in tuple(containers.values()):
        if memory.exceeds(container.pid, container.memory):
            container.abort(Lost.MEMORY)
