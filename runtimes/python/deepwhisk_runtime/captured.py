"""What a model prints, kept for the endpoint /v2/debug/ while it goes on to where it would go anyway."""

import io
import sys
import threading
from typing import TextIO

KEPT = 1 << 20  # characters


class Captured:
    """The end of what was printed to standard output and standard error."""

    def __init__(self) -> None:
        self._lines = io.StringIO()
        self._turn = threading.Lock()

    def listen(self) -> None:
        """Begin to keep what is printed."""
        sys.stdout = Doubled(sys.stdout, self)
        sys.stderr = Doubled(sys.stderr, self)

    def add(self, text: str) -> None:
        """Keep a text, and let the oldest go."""
        with self._turn:
            if self._lines.tell() + len(text) > 2 * KEPT:
                end = (self._lines.getvalue() + text)[-KEPT:]
                self._lines = io.StringIO()
                text = end
            self._lines.write(text)

    def text(self) -> str:
        """What was kept."""
        with self._turn:
            return self._lines.getvalue()[-KEPT:]


class Doubled(io.TextIOBase):
    """A stream whose texts are kept as well."""

    def __init__(self, stream: TextIO, captured: Captured) -> None:
        self._stream = stream
        self._captured = captured

    def write(self, text: str) -> int:
        self._captured.add(text)
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()
