"""Calls of one container that run beside each other, for a model that answers several at once.

Law: a connection is with one thread at a time: the door gives it away with what it has asked, and gets it
back when that is answered.
"""

import contextlib
import socket
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

C = TypeVar("C")
RING = b"\0"  # no signal has this number


class Beside(Generic[C]):
    """Threads that attend to what they are given; RING tells the door when one is done."""

    def __init__(self, threads: int, ring: socket.socket) -> None:
        self._threads = ThreadPoolExecutor(threads, "call")
        self._ring = ring
        self._done: deque[tuple[C, bool]] = deque()
        self.working = 0

    def give(self, given: C, attend: Callable[[C], bool]) -> None:
        """Attend to it; whether it is to be kept is what that says."""
        self.working += 1
        self._threads.submit(self._attend, given, attend)

    def _attend(self, given: C, attend: Callable[[C], bool]) -> None:
        keep = False
        try:
            keep = attend(given)
        finally:
            self._done.append((given, keep))
            with contextlib.suppress(BlockingIOError):  # full: the door will look in any case
                self._ring.send(RING)

    def done(self) -> Iterator[tuple[C, bool]]:
        """What is attended to, and whether to keep it."""
        while self._done:
            self.working -= 1
            yield self._done.popleft()

    def close(self) -> None:
        """Wait for what is under way."""
        self._threads.shutdown()
