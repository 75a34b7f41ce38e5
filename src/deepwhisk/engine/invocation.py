"""The seam between what is asked for (entities, REST) and what runs it (containers).

`Pool.run` takes an `Executable` and a `Call`, and always gives an `Outcome`: errors of the action, of its
container or of the platform are outcomes, not exceptions.
"""

import time
from dataclasses import dataclass, field
from typing import Any, Protocol

SUCCESS, APPLICATION_ERROR, DEVELOPER_ERROR, WHISK_ERROR = range(4)
STATUS = ("success", "application error", "action developer error", "whisk internal error")


@dataclass(frozen=True, slots=True)
class Executable:
    """What a container is made for. Two calls share a warm container only when theirs are equal by `key`."""

    key: tuple[str, str, str]  # invoking namespace, "guest/pkg/a", revision, which any update changes
    kind: str  # resolved: "python:3", "blackbox"
    image: str | None  # black box only
    code: str  # text, or base64 of a zip; empty for none
    binary: bool
    main: str | None
    timeout: int  # ms, for init and run each
    memory: int  # MB
    logs: int  # MB
    concurrency: int  # calls that one container may have at a time
    version: str = "0.0.1"
    init_parameters: dict[str, Any] = field(default_factory=dict)  # parameters with "init": true
    driver: str | None = None  # what the annotation `container-driver` says
    min_warm: int = 0  # containers that are there though nobody asks for them
    keep_alive: float | None = None  # seconds that an unused container stays warm; the pool's if None
    api_key: str | None = field(default=None, repr=False)  # what it begins with when no call has begun it


ENVIRONMENT, QUEUE, START, INIT, RUN = "environment", "queue", "start", "init", "run"


@dataclass(slots=True)
class Progress:
    """What a call is at, and how long it was at what before: in seconds, in the order of its phases."""

    phase: str = QUEUE
    spent: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.perf_counter)

    def enter(self, phase: str) -> None:
        now = time.perf_counter()
        self.spent[self.phase] = self.spent.get(self.phase, 0.0) + now - self._since
        self.phase, self._since = phase, now

    @property
    def begun(self) -> bool:
        """Whether a container has seen anything of it."""
        return self.phase in (INIT, RUN) or INIT in self.spent or RUN in self.spent

    def timing(self) -> str:
        """The value of a header `Server-Timing`."""
        self.enter(self.phase)
        return ", ".join(f"{phase};dur={took * 1000:.1f}" for phase, took in self.spent.items())


@dataclass(frozen=True, slots=True)
class Call:
    """One activation's way through a container: what `/run` carries beside the action's own name."""

    activation_id: str
    transaction_id: str
    payload: dict[str, Any] | list[Any]
    api_key: str | None  # only if the action's annotations give it one
    progress: Progress = field(default_factory=Progress)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call used, as its container says: seconds of processor time, bytes of memory at most."""

    cpu: float
    memory: int

    def after(self, earlier: "Usage | None") -> "Usage":
        """Of both, one after the other."""
        if earlier is None:
            return self
        return Usage(self.cpu + earlier.cpu, max(self.memory, earlier.memory))


@dataclass(slots=True)
class Outcome:
    """What came of a call. Times are ms; `start` and `end` are ms since the epoch, init included."""

    status: int  # SUCCESS … WHISK_ERROR
    result: Any  # JSON value; `{"error": …}` unless success
    start: int
    end: int
    wait_time: int  # from the call to a container that can take it
    init_time: int | None = None  # of a cold start only
    size: int | None = None  # bytes of the container's answer; None when there was none
    logs: list[str] = field(default_factory=list)
    timed_out: bool = False
    usage: Usage | None = None  # init included; None when the container does not say
    container: str | None = None  # "warm", "forked" or "cold"; None when there was none


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """How a pool is, in what `GET /environments` answers and in numbers."""

    environments: list[dict[str, Any]]  # digest, state, phase, packages, since, error
    gauges: dict[str, float] = field(default_factory=dict)


class Pool(Protocol):
    """Runs calls in containers."""

    async def run(self, executable: Executable, call: Call) -> Outcome: ...
    async def prewarm(self, executable: Executable) -> bool: ...  # whether there was anything to do
    def prepare(self, executable: Executable) -> None: ...
    def status(self) -> PoolStatus: ...
    async def close(self) -> None: ...
