"""The parts of `deepwhisk up`: started in order, watched, started again when they die, ended together.

A part is a process of its own in a process group of its own. It ends with its parent, however that ends, and
what it says goes to a log file. Nothing here knows what a part does.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deepwhisk.errors import ServiceError

STOP_SECONDS = 15.0
MOST_DOUBLINGS = 6  # of the time until a part that dies is started again
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Part:
    """One process of `up`: how it is started, and how one sees that it is ready."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    ready: Callable[[], bool]
    patience: float = 30.0  # seconds
    folder: Path | None = None  # where it runs; here, if nothing is said


@dataclass(slots=True)
class Running:
    """A part's process, and how often it had to be started again."""

    part: Part
    process: subprocess.Popen[bytes]
    started: float
    restarts: int = 0
    not_before: float = field(default=0.0)


class Services:
    """Parts that live and end together. Use from one thread: a part ends with the thread that made it."""

    def __init__(self) -> None:
        self._running: list[Running] = []

    def __iter__(self) -> Iterator[Running]:
        return iter(self._running)

    def start(self, part: Part) -> None:
        """Start a part; `wait` says when it is ready."""
        self._running.append(Running(part, launch(part), time.monotonic()))

    def wait(self, name: str) -> None:
        """Return when the part is ready. Raises ServiceError when it ends first or takes too long."""
        running = next(r for r in self._running if r.part.name == name)
        part, deadline = running.part, time.monotonic() + running.part.patience
        while not part.ready():
            if (code := running.process.poll()) is not None:
                raise ServiceError(f"The {name} ended at its start (exit {code}).\n{tail(part.log)}")
            if time.monotonic() > deadline:
                raise ServiceError(f"The {name} was not ready after {part.patience:.0f} s.\n{tail(part.log)}")
            time.sleep(0.02)

    def mend(self) -> list[str]:
        """Start the dead again, the often dead a little later; returns a sentence for each."""
        return [said for running in self._running if (said := _mend(running))]

    def stop(self) -> None:
        """End all: first a TERM to each group, after STOP_SECONDS a KILL. Leaves no process."""
        for running in reversed(self._running):
            signal_group(running.process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for running in self._running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.process.wait(max(0.0, deadline - time.monotonic()))
            signal_group(running.process, signal.SIGKILL)
            running.process.wait()
        self._running.clear()


def _mend(running: Running) -> str | None:
    code, now = running.process.poll(), time.monotonic()
    if code is None:
        return None
    if running.not_before == 0.0:
        signal_group(running.process, signal.SIGKILL)
        running.not_before = now + 0.2 * 2 ** min(running.restarts, MOST_DOUBLINGS)
        return None
    if now < running.not_before:
        return None
    running.restarts = 0 if now - running.started > 60 else running.restarts + 1
    try:
        running.process = launch(running.part)
    except ServiceError as error:
        running.not_before = now + 0.2 * 2**MOST_DOUBLINGS
        return str(error)
    running.started, running.not_before = now, 0.0
    return f"The {running.part.name} ended (exit {code}) and was started again; see {running.part.log}"


def launch(part: Part) -> subprocess.Popen[bytes]:
    """The part's process, in a group of its own, ending when this thread does.

    Raises ServiceError when its program cannot be started.
    """
    try:
        with part.log.open("ab") as log:
            return subprocess.Popen(
                part.command,
                env=dict(part.environment),
                cwd=part.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
    except OSError as error:
        raise ServiceError(
            f"The {part.name} could not be started: {error}. Is {part.command[0]} there?"
        ) from error


def _end_with_parent() -> None:
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to a process and all that it started; none left is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, for an error's text."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return "\n".join(text.splitlines()[-lines:]) or f"(nothing in {log})"
