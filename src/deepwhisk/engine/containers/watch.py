"""Ends containers that use more memory than they may, while they run."""

import asyncio
from typing import Protocol

from deepwhisk.engine.container import Lost
from deepwhisk.engine.containers import memory

PERIOD = 0.05


class Watched(Protocol):
    @property
    def pid(self) -> int: ...

    @property
    def memory(self) -> int: ...

    def abort(self, reason: Lost) -> None: ...


class Watch:
    """A timer that exists only while something runs."""

    def __init__(self) -> None:
        self._watched: dict[int, Watched] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, container: Watched) -> None:
        self._watched[container.pid] = container
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PERIOD, self._look)

    def discard(self, container: Watched) -> None:
        self._watched.pop(container.pid, None)

    def _look(self) -> None:
        self._timer = None
        for container in tuple(self._watched.values()):
            if memory.exceeds(container.pid, container.memory):
                container.abort(Lost.MEMORY)
        if self._watched:
            self._timer = asyncio.get_running_loop().call_later(PERIOD, self._look)
