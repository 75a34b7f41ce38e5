"""What a container prints, as the lines of an activation's log.

Law: it is always read, so that no action ever waits for its reader; what is kept never exceeds the limit.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable

SENTINEL = b"XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"
MISSING = "There was an issue while collecting your logs. Data might be missing."
UNEXPECTED = "The action did not initialize or run as expected. Log data might be missing."
TRUNCATED = "Logs were truncated because the total bytes size exceeds the limit of {} bytes."
_CHUNK = 1 << 16
_READS = 32
_STAMP = len("2026-01-01T00:00:00.123456789Z stdout: ")


def line(stream: str, text: str, at: int | None = None) -> str:
    """The stored form: time to the nanosecond, stream, text."""
    seconds, nanoseconds = divmod(time.time_ns() if at is None else at, 1_000_000_000)
    clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{clock}.{nanoseconds:09}Z {stream}: {text}"


class Stream:
    """Bytes of one stream, split into lines; `ends` counts the sentinels that nobody has taken yet."""

    def __init__(self, descriptor: int, limit: int, take: Callable[[bytes], bool]) -> None:
        self.descriptor = descriptor
        self.ends = 0
        self.open = True
        self._limit = limit
        self._take = take  # a line; false: there is no room for any more
        self._pieces: list[bytes] = []
        self._room = limit > 0

    def read(self) -> bool:
        """Read once; false when there is nothing at the moment, or never again."""
        try:
            chunk = os.read(self.descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if chunk:
            self._feed(chunk)
        else:
            self._finish()
        return bool(chunk)

    def make_room(self) -> None:
        self._room = self._limit > 0

    def _feed(self, chunk: bytes) -> None:
        if not self._room:
            return self._skim(chunk)
        self._pieces.append(chunk)
        if b"\n" in chunk:
            *lines, rest = b"".join(self._pieces).split(b"\n")
            self._pieces = [rest] if rest else []
            for text in lines:
                self._line(text)
        elif sum(map(len, self._pieces)) > self._limit:
            self._overflow()
        return None

    def _overflow(self) -> None:
        text = b"".join(self._pieces)
        self._room = self._take(text)
        self._pieces = [text[-len(SENTINEL) :]]

    def _skim(self, chunk: bytes) -> None:
        """Past the limit only the sentinel matters, which two chunks may share."""
        found, *after = (b"".join(self._pieces) + chunk).split(SENTINEL + b"\n", 1)
        if after:
            self.ends += 1
            self._pieces = []
            if after[0]:
                self._feed(after[0])
        else:
            self._pieces = [found[-len(SENTINEL) :]]

    def _line(self, text: bytes) -> None:
        if text.endswith(SENTINEL):
            self.ends += 1
            text = text[: -len(SENTINEL)]
            if not text:
                return
        self._room = self._room and self._take(text)

    def flush(self) -> None:
        """Take a line that has no end yet as it is."""
        pieces, self._pieces = b"".join(self._pieces), []
        if pieces and self._room:
            self._line(pieces)

    def _finish(self) -> None:
        self.flush()
        self.open = False


class Logs:
    """Both streams of a container; `collect` gives the lines up to the next sentinels.

    `alone`: calls never overlap, so all there is belongs to the call that has just been answered, even if
    it printed sentinels of its own.
    """

    def __init__(self, stdout: int, stderr: int, limit: int, *, alone: bool = False) -> None:
        self._limit = limit
        self._alone = alone
        self._lines: list[str] = []
        self._used = 0
        self._truncated = False
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._loop = asyncio.get_running_loop()
        self._streams = [self._watch(stdout, "stdout"), self._watch(stderr, "stderr")]

    def _watch(self, descriptor: int, name: str) -> Stream:
        os.set_blocking(descriptor, False)
        stream = Stream(descriptor, self._limit, lambda text: self._take(name, text))
        self._loop.add_reader(descriptor, self._on_readable, stream)
        return stream

    def _take(self, name: str, text: bytes) -> bool:
        self._used += len(text) + _STAMP
        self._truncated = self._used > self._limit
        if not self._truncated:
            self._lines.append(line(name, text.decode("utf-8", "replace")))
        return not self._truncated

    def _on_readable(self, stream: Stream) -> None:
        stream.read()
        if not stream.open:
            self._loop.remove_reader(stream.descriptor)
        if self._waiters and self._complete():
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)

    def _complete(self) -> bool:
        return all(stream.ends or not stream.open for stream in self._streams)

    async def collect(self, seconds: float) -> list[str]:
        """Wait for a sentinel on each stream, at most `seconds`, and take what was printed before."""
        if self._alone or not self._complete():
            self.drain()
        if not self._complete() and seconds:
            await self._wait(seconds)
        missing = not all(stream.ends for stream in self._streams)
        for stream in self._streams:
            stream.ends = 0 if self._alone else max(0, stream.ends - 1)
        return self.take(missing)

    def drain(self) -> None:
        """Read what is there now; not more than some, as a process may print faster than we read."""
        for stream in self._streams:
            for _ in range(_READS):
                if (stream.ends and not self._alone) or not stream.open or not stream.read():
                    break

    def finish(self) -> list[str]:
        """What a process that has ended left to read, its last line complete or not."""
        self.drain()
        for stream in self._streams:
            stream.flush()
        return self.take()

    async def _wait(self, seconds: float) -> None:
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            await asyncio.wait_for(waiter, seconds)
        except TimeoutError:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def take(self, missing: bool = False) -> list[str]:
        """What was printed so far."""
        lines, self._lines, self._used = self._lines, [], 0
        if self._limit and self._truncated:
            lines.append(line("stderr", TRUNCATED.format(self._limit)))
        if self._limit and missing:
            lines.append(line("stderr", MISSING))
        self._truncated = False
        for stream in self._streams:
            stream.make_room()
        return lines

    def close(self) -> None:
        for stream in self._streams:
            self._loop.remove_reader(stream.descriptor)
            os.close(stream.descriptor)
            stream.open = False
