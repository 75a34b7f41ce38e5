"""Which containers there are, who may take one, and how much memory they are granted.

Law: what is granted never exceeds the budget; a call takes whatever comes first, a container that becomes
free or the permission to start one; for memory, first come, first served.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from deepwhisk.engine.container import Container
from deepwhisk.engine.invocation import Executable
from deepwhisk.errors import ContainerFailed

Key = tuple[str, str, str]
# Containers of one action that start at the same time: more would only slow each other down.
STARTS = 2


@dataclass(slots=True, eq=False)
class Berth:
    """A place for one container, granted before that is started."""

    executable: Executable
    ahead: bool = False  # started for no call yet
    container: Container | None = None
    starting: bool = True
    running: int = 1
    used: float = field(default_factory=time.monotonic)

    @property
    def idle(self) -> bool:
        return not self.running and not self.starting

    @property
    def open(self) -> bool:
        return not self.starting and self.running < self.executable.concurrency


@dataclass(slots=True, eq=False)
class Waiter:
    executable: Executable
    turn: asyncio.Future[Berth]


class Shelf:
    """Berths by key, and the calls that wait for one."""

    def __init__(self, memory: int, dispose: Callable[[Berth], None]) -> None:
        self._free_memory = self._budget = memory  # MB
        self._dispose = dispose
        self._berths: dict[Key, list[Berth]] = {}  # the last used at the end
        self._waiters: list[Waiter] = []

    def take(self, key: Key) -> Berth | None:
        """A warm container at once, or None."""
        for berth in reversed(self._berths.get(key, ())):
            if berth.open:
                berth.running += 1
                return berth
        return None

    async def claim(self, executable: Executable) -> Berth:
        """A warm container, or a berth to start one in, as soon as there is either."""
        if executable.memory > self._budget:
            raise ContainerFailed(
                f"the action asks for {executable.memory} MB of memory, but all containers together have "
                f"{self._budget} MB"
            )
        self._retire_others(executable.key)
        waiter = Waiter(executable, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self._grant()
        try:
            return await waiter.turn
        except asyncio.CancelledError:
            self._give_back(waiter)
            raise

    def offer(self, executable: Executable) -> Berth | None:
        """A berth for a container that no call waits for; None when there is one already, or no room."""
        if executable.key in self._berths or executable.memory > self._free_memory:
            return None
        berth = self._add(executable)
        berth.ahead = True
        return berth

    def started(self, berth: Berth) -> None:
        if berth.ahead:
            berth.running -= 1  # there was no call to count
        berth.starting = berth.ahead = False
        self._hand_over(berth)
        self._grant()

    def release(self, berth: Berth) -> None:
        """Its call is over and it can take another."""
        berth.running -= 1
        berth.used = time.monotonic()
        berths = self._berths.get(berth.executable.key, [])
        if berth not in berths:
            return  # the pool was closed meanwhile
        if berths[-1] is not berth:
            berths.remove(berth)
            berths.append(berth)
        if self._waiters:
            self._hand_over(berth)
            self._grant()

    def remove(self, berth: Berth) -> None:
        """Its container is gone or not to be used again."""
        key = berth.executable.key
        if berth not in self._berths.get(key, ()):
            return
        self._berths[key].remove(berth)
        if not self._berths[key]:
            del self._berths[key]
        self._free_memory += berth.executable.memory
        self._dispose(berth)
        self._grant()

    def expire(self, before: float) -> None:
        for berth in self._idle():
            if berth.used < before:
                self.remove(berth)

    def all(self) -> list[Berth]:
        return [berth for berths in self._berths.values() for berth in berths]

    def _idle(self) -> list[Berth]:
        return sorted((berth for berth in self.all() if berth.idle), key=lambda berth: berth.used)

    def _retire_others(self, key: Key) -> None:
        """An action that was updated never runs its older revisions again."""
        for berth in self._idle():
            other = berth.executable.key
            if other[:2] == key[:2] and other != key:
                self.remove(berth)

    def _hand_over(self, berth: Berth) -> None:
        for waiter in [each for each in self._waiters if each.executable.key == berth.executable.key]:
            if not berth.open:
                return
            berth.running += 1
            self._serve(waiter, berth)

    def _serve(self, waiter: Waiter, berth: Berth) -> None:
        self._waiters.remove(waiter)
        waiter.turn.set_result(berth)

    def _give_back(self, waiter: Waiter) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)
        elif not waiter.turn.cancelled():
            berth = waiter.turn.result()
            self.remove(berth) if berth.starting else self.release(berth)

    def _grant(self) -> None:
        """Let waiters start containers, in their order, as far as memory goes."""
        starting = (
            Counter(berth.executable.key for berth in self.all() if berth.starting) if self._waiters else {}
        )
        ahead = Counter(berth.executable.key for berth in self.all() if berth.ahead) if self._waiters else {}
        for waiter in tuple(self._waiters):
            key = waiter.executable.key
            if ahead.get(key, 0) > 0:
                ahead[key] -= 1
            elif starting.get(key, 0) < STARTS:
                if not self._make_room(waiter.executable.memory):
                    return
                starting[key] = starting.get(key, 0) + 1
                self._serve(waiter, self._add(waiter.executable))

    def _make_room(self, memory: int) -> bool:
        """Evict those idle longest, but only if that suffices."""
        idle = self._idle()
        if memory > self._free_memory + sum(berth.executable.memory for berth in idle):
            return False
        while memory > self._free_memory:
            berth = idle.pop(0)
            self._berths[berth.executable.key].remove(berth)
            self._free_memory += berth.executable.memory
            self._dispose(berth)
        return True

    def _add(self, executable: Executable) -> Berth:
        berth = Berth(executable)
        self._berths.setdefault(executable.key, []).append(berth)
        self._free_memory -= executable.memory
        return berth
