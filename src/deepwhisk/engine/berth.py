"""A place for one container."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from deepwhisk.engine.container import Container
from deepwhisk.engine.invocation import Executable

HELD = 60.0  # seconds that a container stays one to keep warm, after that was last said


@dataclass(slots=True, eq=False)
class Berth:
    """Granted before its container is started."""

    executable: Executable
    ahead: bool = False  # started for no call yet
    container: Container | None = None
    starting: bool = True
    closing: bool = False  # takes no more calls, and ends with the last that it has
    running: int = 1
    used: float = field(default_factory=time.monotonic)
    held: float = field(default=float("-inf"))  # when it was last said that it is to stay warm

    @property
    def idle(self) -> bool:
        return not self.running and not self.starting

    @property
    def open(self) -> bool:
        return not self.starting and not self.closing and self.running < self.executable.concurrency

    @property
    def coming(self) -> int:
        """How many more calls it can take once it has started."""
        return self.executable.concurrency - (not self.ahead) if self.starting else 0

    def keeps(self, now: float) -> bool:
        """Whether it is to stay warm, though nobody asks for it."""
        return now - self.held < HELD

    def expires(self, seconds: float) -> float:
        """When it has been idle for long enough; SECONDS where its action does not say."""
        return self.used + (seconds if self.executable.keep_alive is None else self.executable.keep_alive)


def longest_idle(berths: Iterable[Berth]) -> list[Berth]:
    """Those that are idle, in the order in which they are given up: what is to stay warm is so last."""
    now = time.monotonic()
    return sorted((each for each in berths if each.idle), key=lambda each: (each.keeps(now), each.used))
