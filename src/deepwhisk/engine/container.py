"""What the engine wants of a container, and of whatever makes them.

A container that fails says how in a value: it is the action's outcome, not the engine's error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Literal, Protocol

from deepwhisk.engine.invocation import Executable, Usage


class Lost(Enum):
    """Why there is no answer."""

    TIME = "time"  # ended at its time limit
    MEMORY = "memory"  # ended at its memory limit
    EXIT = "exit"  # ended by itself, or answered with something that is no HTTP message with a length
    BEFORE = "before"  # gone before it was asked: another container can take the call


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `body` holds its first mebibyte, `length` counts all of it."""

    status: int
    body: bytes
    length: int
    usage: Usage | None = None


Reply = Answer | Lost
Origin = Literal["forked", "cold"]  # of a process that had its libraries imported, or from nothing


class Container(Protocol):
    """One process, or group of them, that speaks `/init` and `/run`."""

    @property
    def origin(self) -> Origin: ...

    async def post(self, path: str, body: bytes, seconds: float) -> Reply: ...

    async def logs(self, *, ended: bool) -> list[str]:
        """What was printed for the call that was answered; `ended`: no sentinel is to be waited for."""
        ...

    def epitaph(self) -> str | None:
        """How it came to its end, for the logs; None while it lives."""
        ...

    def on_end(self, tell: Callable[[], None]) -> None:
        """Tell once that it has ended, by whatever cause."""
        ...

    async def stop(self) -> None: ...


class Driver(Protocol):
    """Makes containers of one sort."""

    def prepare(self, executable: Executable) -> None:
        """Begin in the background what `ready` waits for; forget an earlier failure."""
        ...

    async def ready(self, executable: Executable) -> None:
        """Return when a container can be started at once; raises EnvironmentFailed or ImageMissing."""
        ...

    async def start(self, executable: Executable) -> Container:
        """Raises ContainerFailed."""
        ...

    async def close(self) -> None: ...
