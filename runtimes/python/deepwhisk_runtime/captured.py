"""What a model prints, kept for the endpoint /v2/debug/ while it goes on to where it would go anyway."""

import io
import sys
import threading
from collections.abc import Iterable
from typing import Any, TextIO, cast

KEPT = 1 << 20  # characters


class Captured:
    """The end of what was printed to standard output and standard error."""

    def __init__(self) -> None:
        self._lines = io.StringIO()
        self._turn = threading.Lock()

    def listen(self) -> None:
        """Begin to keep what is printed."""
        sys.stdout = cast(TextIO, Doubled(sys.stdout, self))
        sys.stderr = cast(TextIO, Doubled(sys.stderr, self))

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


class Doubled:
    """A stream whose texts are kept as well; in all else it is that stream."""

    def __init__(self, stream: TextIO, captured: Captured) -> None:
        self._stream = stream
        self._captured = captured

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        self._captured.add(text)
        return self._stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)
