"""What a container prints, as the lines of an activation's log.

Law: it is always read, so that no action ever waits for its reader; what is kept never exceeds the limit.
"""

import asyncio
import os
import select
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

    def __init__(self, limit: int, take: Callable[[bytes], bool]) -> None:
        self.ends = 0
        self.open = True
        self._limit = limit
        self._take = take  # a line; false: there is no room for any more
        self._pieces: list[bytes] = []
        self._room = limit > 0

    def make_room(self) -> None:
        self._room = self._limit > 0

    def feed(self, chunk: bytes) -> None:
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
                self.feed(after[0])
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

    def finish(self) -> None:
        self.flush()
        self.open = False


class Output:
    """Both streams of a container; `collect` gives the lines up to the next sentinels.

    `alone`: calls never overlap, so all there is belongs to the call that has just been answered, even if
    it printed sentinels of its own. `marked`: there are sentinels; without, all that was printed before the
    answer is there when that has come, as of two pipes from one process.
    """

    def __init__(self, limit: int, *, alone: bool = False, marked: bool = True) -> None:
        self._limit = limit
        self._alone = alone
        self._marked = marked
        self._lines: list[str] = []
        self._used = 0
        self._truncated = False
        self.missed = False  # whether the last call's output had no end
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._streams = {name: self._stream(name) for name in ("stdout", "stderr")}

    def _stream(self, name: str) -> Stream:
        return Stream(self._limit, lambda text: self._take(name, text))

    def _take(self, name: str, text: bytes) -> bool:
        self._used += len(text) + _STAMP
        self._truncated = self._used > self._limit
        if not self._truncated:
            self._lines.append(line(name, text.decode("utf-8", "replace")))
        return not self._truncated

    def feed(self, name: str, chunk: bytes) -> None:
        """What came of a stream; nothing is its end."""
        stream = self._streams[name]
        if chunk:
            stream.feed(chunk)
        else:
            stream.finish()

    def tell(self) -> None:
        """Something came."""
        if self._waiters and self._complete():
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)

    def _complete(self) -> bool:
        return all(stream.ends or not stream.open for stream in self._streams.values())

    async def collect(self, seconds: float) -> list[str]:
        """Wait for a sentinel on each stream, at most `seconds`, and take what was printed before."""
        if not self._marked:
            return self._printed()
        if self._alone or not self._complete():
            self.drain()
        if not self._complete() and seconds:
            await self._wait(seconds)
        self.missed = not all(stream.ends for stream in self._streams.values())
        for stream in self._streams.values():
            stream.ends = 0 if self._alone else max(0, stream.ends - 1)
        return self.take(self.missed)

    def _printed(self) -> list[str]:
        self.drain()
        for stream in self._streams.values():
            stream.flush()
        return self.take(not all(stream.open for stream in self._streams.values()))

    def drain(self) -> None:
        """Read what is there now, where that is ours to do."""

    def finish(self) -> list[str]:
        """What a process that has ended left to read, its last line complete or not."""
        self.drain()
        for stream in self._streams.values():
            stream.flush()
        return self.take()

    async def _wait(self, seconds: float) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
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
        for stream in self._streams.values():
            stream.make_room()
        return lines


class Logs(Output):
    """What comes through two pipes."""

    def __init__(
        self, stdout: int, stderr: int, limit: int, *, alone: bool = False, marked: bool = True
    ) -> None:
        super().__init__(limit, alone=alone, marked=marked)
        self._loop = asyncio.get_running_loop()
        self._pipes = {"stdout": stdout, "stderr": stderr}
        self._printed_to = select.poll()
        for name, descriptor in self._pipes.items():
            os.set_blocking(descriptor, False)
            self._printed_to.register(descriptor, select.POLLIN)
            self._loop.add_reader(descriptor, self._on_readable, name)

    def _on_readable(self, name: str) -> None:
        self._read(name)
        if not self._streams[name].open:
            self._loop.remove_reader(self._pipes[name])
        self.tell()

    def _read(self, name: str) -> bool:
        """Read once; false when there is nothing at the moment, or never again."""
        try:
            chunk = os.read(self._pipes[name], _CHUNK)
        except BlockingIOError:
            return False
        self.feed(name, chunk)
        return bool(chunk)

    def drain(self) -> None:
        """Not more than some, as a process may print faster than we read; most calls print nothing."""
        if not self._printed_to.poll(0):
            return
        for name, stream in self._streams.items():
            for _ in range(_READS):
                if (stream.ends and not self._alone) or not stream.open or not self._read(name):
                    break

    def close(self) -> None:
        for name, descriptor in self._pipes.items():
            self._loop.remove_reader(descriptor)
            os.close(descriptor)
            self._streams[name].open = False
