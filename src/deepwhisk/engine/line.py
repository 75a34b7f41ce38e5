"""Calls that wait for a container: one line for each action, in the order in which they came."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

from deepwhisk.engine.invocation import Executable

B = TypeVar("B")
Key = tuple[str, str, str]
_numbers = count()


@dataclass(slots=True, eq=False)
class Waiter(Generic[B]):
    """A call; its turn comes with a B."""

    executable: Executable
    turn: asyncio.Future[B]
    number: int = field(default_factory=lambda: next(_numbers))

    @property
    def key(self) -> Key:
        return self.executable.key

    @property
    def namespace(self) -> str:
        return self.executable.key[0]


class Line(Generic[B]):
    """Thousands may wait: nothing here looks at more of them than the first of each action."""

    def __init__(self) -> None:
        self._by_key: dict[Key, deque[Waiter[B]]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_key)

    def __len__(self) -> int:
        return sum(map(len, self._by_key.values()))

    def __contains__(self, waiter: Waiter[B]) -> bool:
        return waiter in self._by_key.get(waiter.key, ())

    def add(self, waiter: Waiter[B]) -> None:
        self._by_key.setdefault(waiter.key, deque()).append(waiter)

    def remove(self, waiter: Waiter[B]) -> None:
        self._by_key[waiter.key].remove(waiter)
        if not self._by_key[waiter.key]:
            del self._by_key[waiter.key]

    def length(self, key: Key) -> int:
        return len(self._by_key.get(key, ()))

    def first(self) -> list[Waiter[B]]:
        """The first of each action that has not given up."""
        for waiters in tuple(self._by_key.values()):
            while waiters and waiters[0].turn.done():
                self.remove(waiters[0])
        return [waiters[0] for waiters in self._by_key.values()]
