"""A source: a store's way of saying that something happened.

Law: a source gives hints and asks for a listing whenever it may have missed one; it never decides what is
news.
"""

import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol

from deepwhisk.feeds.events import Hint, timestamp

Take = Callable[[Hint], Awaitable[bool]]
"""Takes a hint; true once the ledger has it, so that it may be acknowledged."""


class Source(Protocol):
    """Where hints come from."""

    name: str

    def watch(self, buckets: Collection[str]) -> None:
        """Hint at these buckets from now on, and at no others."""

    def status(self) -> dict[str, Any]:
        """How it stands: `state`, `hints`, `lastHint`, `error`."""

    async def close(self) -> None:
        """Stop, leaving no thread and no connection."""


@dataclass(slots=True)
class Standing:
    """How a source stands."""

    state: str = "idle"
    hints: int = 0
    last: float = 0.0
    error: str = ""

    def count(self, hints: int = 1) -> None:
        self.hints += hints
        self.last = time.time()

    def show(self) -> dict[str, Any]:
        last = timestamp(self.last) if self.last else None
        return {"state": self.state, "hints": self.hints, "lastHint": last, "error": self.error}
