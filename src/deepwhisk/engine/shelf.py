"""Which containers there are, who may take one, and how much memory they are granted.

Law: what is granted never exceeds the budget; a call takes whatever comes first, a container that becomes
free or the permission to start one. While calls wait, the namespace that holds least memory goes first, and
no other that holds more may use even what it has warm, nor take what a smaller one works with: a flood of one
is not the others' wait. Within a namespace, first come, first served.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from deepwhisk.engine.berth import Berth, longest_idle
from deepwhisk.engine.invocation import Executable
from deepwhisk.engine.line import Key, Line, Waiter
from deepwhisk.errors import ContainerFailed

# Containers of one action that start at the same time: more would only slow each other down.
STARTS = 2
AT_WORK = 5.0  # seconds after a call in which its namespace is taken to be at work


class Shelf:
    """Berths by key, and the calls that wait for one."""

    def __init__(self, memory: int, dispose: Callable[[Berth], None]) -> None:
        self._free_memory = self._budget = memory  # MB
        self._dispose = dispose
        self._berths: dict[Key, list[Berth]] = {}  # the last used at the end
        self._line: Line[Berth] = Line()

    def take(self, key: Key) -> Berth | None:
        """A warm container at once, or None; also when others wait, since it may not be this call's turn."""
        berth = None if self._line else self._open(key)
        if berth is not None:
            berth.running += 1
        return berth

    async def claim(self, executable: Executable) -> Berth:
        """A warm container, or a berth to start one in, as soon as there is either."""
        if executable.memory > self._budget:
            raise ContainerFailed(
                f"the action asks for {executable.memory} MB of memory, but all containers together have "
                f"{self._budget} MB"
            )
        self._retire_others(executable.key)
        waiter: Waiter[Berth] = Waiter(executable, asyncio.get_running_loop().create_future())
        self._line.add(waiter)
        # One more behind others changes nothing.
        if self._line.length(executable.key) <= (STARTS + 1) * executable.concurrency:
            self._settle()
        try:
            return await waiter.turn
        except asyncio.CancelledError:
            self._give_back(waiter)
            raise

    def offer(self, executable: Executable) -> Berth | None:
        """A berth for a container that no call waits for; None when there are enough, or no room.

        One that is to stay warm gets the room of those that were idle for longest, and are not to.
        """
        there, now = self._berths.get(executable.key, []), time.monotonic()
        for berth in there[-executable.min_warm :] if executable.min_warm else ():
            berth.held = now
        if len(there) >= max(1, executable.min_warm):
            return None
        self._retire_others(executable.key)
        idle = self._evictable(executable.key[0]) if executable.min_warm else []
        if not self._make_room(executable, [each for each in idle if not each.keeps(now)]):
            return None
        berth = self._add(executable)
        berth.ahead = True
        if executable.min_warm:
            berth.held = now
        return berth

    def started(self, berth: Berth) -> None:
        if berth.ahead:
            berth.running -= 1  # there was no call to count
        berth.starting = berth.ahead = False
        self._settle()

    def release(self, berth: Berth) -> None:
        """Its call is over and it can take another."""
        berth.running -= 1
        berth.used = time.monotonic()
        if berth.closing and not berth.running:
            self.remove(berth)
            return
        berths = self._berths.get(berth.executable.key, [])
        if berth not in berths:
            return  # the pool was closed meanwhile
        if berths[-1] is not berth:
            berths.remove(berth)
            berths.append(berth)
        self._settle()

    def retire(self, berth: Berth) -> None:
        """A call went wrong: its container is not to be used again, but has others to answer first."""
        berth.closing = True
        if berth.running > 1:
            self.release(berth)
        else:
            self.remove(berth)

    def remove(self, berth: Berth) -> None:
        """Its container is gone or not to be used again."""
        key = berth.executable.key
        if berth not in self._berths.get(key, ()):
            return
        self._drop(berth)
        self._settle()

    def expire(self, seconds: float) -> None:
        """Give up what nobody has used for so long, or as long as its action says."""
        now = time.monotonic()
        for berth in longest_idle(self.all()):
            if berth.expires(seconds) < now and not berth.keeps(now):
                self.remove(berth)
        self._settle()

    def all(self) -> list[Berth]:
        return [berth for berths in self._berths.values() for berth in berths]

    def gauges(self) -> dict[str, float]:
        """How many containers are at what, what memory they are granted, and how many calls wait for one."""
        berths = self.all()
        return {
            "containers_starting": sum(berth.starting for berth in berths),
            "containers_idle": sum(berth.idle for berth in berths),
            "containers_busy": sum(bool(berth.running) and not berth.starting for berth in berths),
            "containers_memory_bytes": (self._budget - self._free_memory) << 20,
            "containers_memory_budget_bytes": self._budget << 20,
            "calls_waiting": len(self._line),
        }

    def _open(self, key: Key) -> Berth | None:
        """A container that can take a call, the last used if there are several."""
        for berth in reversed(self._berths.get(key, ())):
            if berth.open:
                return berth
        return None

    def _retire_others(self, key: Key) -> None:
        """An action that was updated never runs its older revisions again."""
        for other in [each for each in self._berths if each[:2] == key[:2] and each != key]:
            for berth in [each for each in self._berths[other] if each.idle]:
                self.remove(berth)

    def _settle(self) -> None:
        """Gives what there is to those who wait."""
        while self._line and self._serve_one():
            continue

    def _serve_one(self) -> bool:
        held, blocked = self._held(), None
        for waiter in sorted(self._line.first(), key=lambda each: (held[each.namespace], each.number)):
            holds = held[waiter.namespace]
            if blocked is not None and holds > blocked:
                return False  # what it could have is owed to one that holds less
            berth = self._open(waiter.key)
            if berth is not None:
                berth.running += 1
                return self._serve(waiter, berth)
            if blocked is None and self._may_start(waiter.key):
                if self._make_room(waiter.executable, self._evictable(waiter.namespace)):
                    return self._serve(waiter, self._add(waiter.executable))
                blocked = holds
        return False

    def _held(self) -> Counter[str]:
        """Memory in use, by namespace; what is idle can be taken from anybody."""
        held: Counter[str] = Counter()
        for berth in self.all():
            if not berth.idle:
                held[berth.executable.key[0]] += berth.executable.memory
        return held

    def _may_start(self, key: Key) -> bool:
        """Whether one more container is wanted, and not too many start already."""
        starting = [berth for berth in self._berths.get(key, ()) if berth.starting]
        coming = sum(berth.coming for berth in starting)
        return len(starting) < STARTS and self._line.length(key) > coming

    def _serve(self, waiter: Waiter[Berth], berth: Berth) -> bool:
        self._line.remove(waiter)
        waiter.turn.set_result(berth)
        return True

    def _give_back(self, waiter: Waiter[Berth]) -> None:
        if waiter in self._line:
            self._line.remove(waiter)
            self._settle()
        elif not waiter.turn.cancelled():
            berth = waiter.turn.result()
            self.remove(berth) if berth.starting else self.release(berth)

    def _make_room(self, executable: Executable, idle: list[Berth]) -> bool:
        """Evict of these from the first on, but only if that suffices."""
        if executable.memory > self._free_memory + sum(berth.executable.memory for berth in idle):
            return False
        while executable.memory > self._free_memory:
            self._drop(idle.pop(0))
        return True

    def _evictable(self, namespace: str) -> list[Berth]:
        """For NAMESPACE: not what one who has less used a moment ago and is about to use again."""
        idle, granted, before = longest_idle(self.all()), Counter[str](), time.monotonic() - AT_WORK
        for berth in self.all() if idle else ():
            granted[berth.executable.key[0]] += berth.executable.memory
        return [
            berth
            for berth in idle
            if berth.used < before or granted[berth.executable.key[0]] >= granted[namespace]
        ]

    def _drop(self, berth: Berth) -> None:
        key = berth.executable.key
        self._berths[key].remove(berth)
        if not self._berths[key]:
            del self._berths[key]
        self._free_memory += berth.executable.memory
        self._dispose(berth)

    def _add(self, executable: Executable) -> Berth:
        berth = Berth(executable)
        self._berths.setdefault(executable.key, []).append(berth)
        self._free_memory -= executable.memory
        return berth
