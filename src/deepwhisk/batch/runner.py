"""What a batch runner can do, in five verbs, and what it says about a job.

Law: every driver in `runners/` passes the same contract suite; nothing here knows any of them. A job is known
by its name, which is unique: whoever submits it twice finds that by asking for the names there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Resources:
    """What a job needs of one node."""

    cpus: int = 1
    memory: int = 1024  # MB
    gpus: int = 0
    time: int = 3600  # seconds until the job is ended
    partition: str | None = None  # Slurm's partition, Kubernetes' queue or node pool
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A program for one node; its variables are secret, since a signed link is among them."""

    name: str  # letters, digits and hyphens, at most 63
    script: str  # for /bin/sh, the same text for all jobs of one array
    resources: Resources
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    grace: int = 30  # seconds between being told to end (SIGTERM) and being ended
    image: str | None = None  # for runners whose jobs are containers


class State(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    HELD = "held"  # it will not start by itself
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out-of-memory"
    PREEMPTED = "preempted"
    NODE_FAILED = "node-failed"

    @property
    def over(self) -> bool:
        """Whether the job will not run again by itself."""
        return self not in (State.QUEUED, State.HELD, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Status:
    """What a runner says about a job."""

    handle: str  # the runner's own name of it: 4711, 4711_3, a Job's name
    state: State
    reason: str = ""  # in the runner's own words
    node: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a runner could give at most to one job, and how soon."""

    cpus: int
    memory: int  # MB
    gpus: int
    time: int | None  # seconds; None: no limit
    partitions: tuple[str, ...] = ()
    waiting: int = 0  # jobs before a new one
    free_cpus: int = 0
    free_gpus: int = 0


class Runner(Protocol):
    """A cluster. A verb raises `RunnerRefused` for what it will never do, `RunnerUnreachable` for now."""

    def submit(self, jobs: Sequence[Job]) -> list[str]:
        """Queue jobs, as one array where the runner has such and they are alike; gives their handles."""

    def statuses(self) -> dict[str, Status]:
        """All jobs of ours that the runner knows, by name: one question, however many there are."""

    def cancel(self, handle: str, *, hard: bool = False) -> None:
        """Tell a job to end, or end it at once; one that is over or unknown is left alone."""

    def log(self, handle: str) -> str:
        """The end of what the runner itself has kept of the job's output; empty when it keeps none."""

    def offer(self) -> Offer:
        """What could be had."""
