"""What the REST application and the commands ask of a model, wherever that comes from.

`service.Service` is the model of a folder; whatever else keeps these protocols is served in the same way.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from deepwhisk_runtime.activation import never
from deepwhisk_runtime.signature import FileParameter

JSON = "application/json"
Handed = TypeVar("Handed")


@dataclass(slots=True)
class Counts:
    """What has happened since the load, for /metrics."""

    loaded_in: float = 0.0
    seconds: float = 0.0
    predictions: int = 0
    faults: dict[str, int] = field(default_factory=dict)

    def failed(self, phase: str) -> None:
        """A call ended in a fault."""
        self.faults[phase] = self.faults.get(phase, 0) + 1

    def ended(self, begun: float) -> None:
        """A call that began at this time of `perf_counter` has ended."""
        self.seconds += time.perf_counter() - begun
        self.predictions += 1


@dataclass(slots=True)
class Asking:
    """How a model is asked."""

    gone: Callable[[], bool] = never  # whether nobody waits for the answer any more
    wish: str = ""  # "no-cache": what was answered before will not do; "no-store": nor is it to be kept
    cached: str = ""  # what became of it, of a model whose answers are kept: "hit", "miss", "bypass"


class Taking(Protocol):
    """What a call of a model may carry: `Signature` reads it off a function."""

    names: tuple[str, ...]
    files: dict[str, FileParameter]
    kinds: dict[str, frozenset[str]]  # the JSON types that each argument takes
    schema: dict[str, Any]  # of an object with the arguments as properties
    answer: dict[str, Any]  # of what is returned
    accepts: tuple[str, ...]  # content types to choose from by the argument `accept`, the default first
    open: bool  # whether it takes arguments that it does not name

    def check(self, given: Mapping[str, Any]) -> dict[str, Any]: ...


class Served(Protocol):
    """One model."""

    name: str
    folder: Path
    counts: Counts
    signature: Taking
    wraps: bool  # whether an answer stands under `predictions`, or is all that is answered

    @property
    def together(self) -> int: ...  # how many calls it answers at once

    @property
    def keeps(self) -> bool: ...  # whether its answers are kept

    @property
    def training(self) -> Taking | None: ...

    def told(self) -> dict[str, Any]: ...

    def predict(
        self, given: Mapping[str, Any], hand_over: Callable[[Any], Handed], asking: Asking | None = None
    ) -> Handed: ...

    def train(self, given: Mapping[str, Any], out: Path, note: Callable[[Any], None]) -> Any: ...
