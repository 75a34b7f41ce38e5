"""What a training may ask of a node: the model's metadata and the request, as one.

Law: a word that is not known, or a value that cannot be, is refused with both; nothing is guessed.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deepwhisk.batch.runner import Resources
from deepwhisk.errors import TrainingError

HOUR = 3600
LONGEST = 365 * 24 * HOUR
METADATA = {
    "cpu": "cpus",
    "gpu": "gpus",
    "memory_MB": "memory_MB",
    "timeout_ms": "timeout_ms",
    "time": "time",
}
"""Keys of `resources.training` in a model's metadata, and what a request calls the same."""
SLURM_TIME = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Resources, and whether a GPU must be there; else the processor does when there is none."""

    resources: Resources
    gpu_required: bool = False

    def body(self) -> dict[str, Any]:
        """As a plan has it."""
        asked = self.resources
        said = {"cpus": asked.cpus, "memory_MB": asked.memory, "gpus": asked.gpus, "time": asked.time}
        named = {"partition": asked.partition, "account": asked.account}
        return {
            **said,
            "gpu_required": self.gpu_required,
            **{key: name for key, name in named.items() if name},
        }

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> "Wanted":
        """Of a plan, or of a request without metadata."""
        return wanted({}, body)


def wanted(metadata: Mapping[str, Any], request: Mapping[str, Any]) -> Wanted:
    """What metadata say a training needs, as far as the request says nothing else. Raises TrainingError."""
    resources = metadata.get("resources")
    training = resources.get("training") if isinstance(resources, Mapping) else None
    said = training if isinstance(training, Mapping) else {}
    usual = {METADATA[key]: value for key, value in said.items() if key in METADATA and value is not None}
    asked = {key: value for key, value in request.items() if value is not None}
    read = {key: _read(key, value) for key, value in {**usual, **asked}.items()}
    time = read.get("time", read.get("timeout_ms", HOUR * 1000) // 1000 or 1)
    named = {key: read[key] for key in ("partition", "account") if key in read}
    found = Resources(read.get("cpus", 1), read.get("memory_MB", 1024), read.get("gpus", 0), time, **named)
    return Wanted(found, read.get("gpu_required", False))


def seconds(said: Any) -> int:
    """Seconds, or a time as Slurm writes it: M, M:S, H:M:S, D-H, D-H:M, D-H:M:S."""
    if type(said) is int:
        return _between("time", said, 1, LONGEST)
    found = SLURM_TIME.fullmatch(said) if isinstance(said, str) else None
    if found is None:
        raise TrainingError(f"The time {said!r} is neither seconds nor D-HH:MM:SS.")
    if said.isdecimal():
        return _between("time", int(said), 1, LONGEST)
    days, *rest = (int(part) if part else None for part in found.groups())
    parts = [part or 0 for part in rest]
    if days is None and rest[2] is None:  # M:S
        total = parts[0] * 60 + parts[1]
    else:
        total = (days or 0) * 24 * HOUR + parts[0] * HOUR + parts[1] * 60 + parts[2]
    return _between("time", total, 1, LONGEST)


def _read(key: str, value: Any) -> Any:
    if key not in READERS:
        raise TrainingError(f"A training has no resource {key!r}; it may have {', '.join(sorted(READERS))}.")
    return READERS[key](value)


def _whole(key: str, least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        found = int(value) if isinstance(value, str) and value.isdecimal() else value
        if type(found) is not int:
            raise TrainingError(f"{key} must be a whole number, not {value!r}.")
        return _between(key, found, least, most)

    return read


def _between(key: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise TrainingError(f"{key} is {value}; it may be {least} to {most}.")
    return value


def _flag(value: Any) -> bool:
    found = {"true": True, "false": False}.get(value) if isinstance(value, str) else value
    if type(found) is not bool:
        raise TrainingError(f"gpu_required must be true or false, not {value!r}.")
    return found


def _named(key: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not NAME.fullmatch(value):
            raise TrainingError(f"{value!r} cannot name {key}; use letters, digits and '_.@-'.")
        return value

    return read


READERS: Mapping[str, Callable[[Any], Any]] = {
    "cpus": _whole("cpus", 1, 4096),
    "memory_MB": _whole("memory_MB", 1, 1 << 26),
    "gpus": _whole("gpus", 0, 1024),
    "gpu_required": _flag,
    "time": seconds,
    "timeout_ms": _whole("timeout_ms", 1, LONGEST * 1000),
    "partition": _named("a partition"),
    "account": _named("an account"),
}
