"""Containers that stay warm for actions whose annotation `min-warm` asks for some.

Law: a look each second, which remembers nothing but what it has just begun: after a deployment, a start of
the engine or the end of a container there are soon as many again, as far as there is memory that nobody uses.
A call that needs the memory gets it. What cannot be started is not tried for ever.
"""

import asyncio
import time
from collections import deque

from deepwhisk.engine.entities import Action
from deepwhisk.engine.invocation import Executable
from deepwhisk.engine.line import Key
from deepwhisk.engine.platform import Platform
from deepwhisk.engine.problems import Problem
from deepwhisk.engine.targets import MIN_WARM, target, whole

EVERY = 1.0  # seconds
WINDOW, SPARE = 60.0, 3  # seconds in which so many more are started than are to be there


class Warmth:
    """What keeps containers of one engine warm."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._filling: set[Key] = set()
        self._starts: dict[Key, deque[float]] = {}

    async def keep(self) -> None:
        """Look, for ever."""
        while True:
            wanted = self._wanted()
            self._starts = {each.key: self._starts.get(each.key, deque()) for each in wanted}
            for executable in wanted:
                if executable.key not in self._filling and self._may_start(executable):
                    self._filling.add(executable.key)
                    self._platform.spawn(self._fill(executable))
            await asyncio.sleep(EVERY)

    def _wanted(self) -> list[Executable]:
        """Worked out once, and again after any change."""
        registry = self._platform.registry
        if "warm" not in registry.derived:
            registry.derived["warm"] = [
                executable
                for action in registry.every(Action)
                if whole(action, MIN_WARM, 0) and (executable := self._executable(action)) is not None
            ]
        wanted: list[Executable] = registry.derived["warm"]
        return wanted

    def _executable(self, action: Action) -> Executable | None:
        owner = self._platform.identities.of(action.name.namespace)
        try:
            return target(self._platform.registry, action.name, owner).executable if owner else None
        except Problem:
            return None  # of a kind that this engine has no more

    def _may_start(self, executable: Executable) -> bool:
        starts, since = self._starts[executable.key], time.monotonic() - WINDOW
        while starts and starts[0] < since:
            starts.popleft()
        return len(starts) < executable.min_warm + SPARE

    async def _fill(self, executable: Executable) -> None:
        try:
            if await self._platform.pool.prewarm(executable):
                self._starts.get(executable.key, deque()).append(time.monotonic())
        finally:
            self._filling.discard(executable.key)
