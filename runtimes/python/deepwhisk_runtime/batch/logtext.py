"""The log of an attempt: its head and its tail are kept, and a line says how much is cut between them."""

import re
import threading
from collections import deque

HEAD = TAIL = 512 * 1024
BLOCK = 64 * 1024  # what is cut, is cut in blocks
CUT = b"\n[... %d bytes are left out here ...]\n"
_CUT = re.compile(rb"\n\[\.\.\. (\d+) bytes are left out here \.\.\.\]\n")


class Log:
    """Written by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._last = bytearray()
        self._kept = 0
        self._cut = 0
        self.size = 0  # of all that was ever written

    def restore(self, text: bytes) -> None:
        """Go on from what was written before."""
        found = _CUT.search(text)
        if found is None:
            self.write(text)
            return
        with self._lock:
            self._head += text[: found.start()]
            self._cut = int(found[1])
            self.size = len(self._head) + self._cut
        self.write(text[found.end() :])

    def write(self, text: bytes) -> None:
        """Add to it."""
        with self._lock:
            self.size += len(text)
            if not self._cut:
                room = HEAD - len(self._head)
                self._head += text[:room]
                text = text[max(room, 0) :]
            self._add(text)

    def _add(self, text: bytes) -> None:
        self._last += text
        while len(self._last) >= BLOCK:
            self._tail.append(bytes(self._last[:BLOCK]))
            del self._last[:BLOCK]
            self._kept += BLOCK
        while self._kept > TAIL:
            gone = len(self._tail.popleft())
            self._kept -= gone
            self._cut += gone

    def say(self, sentence: str) -> None:
        """A line of the supervisor's own, which the runner's log gets as well."""
        print(f"deepwhisk: {sentence}", flush=True)
        self.write(f"deepwhisk: {sentence}\n".encode())

    def text(self) -> bytes:
        """What is kept, and what is said of the rest."""
        with self._lock:
            between = CUT % self._cut if self._cut else b""
            return b"".join([self._head, between, *self._tail, self._last])
