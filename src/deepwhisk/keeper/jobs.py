"""The jobs of this machine: a folder that is the queue and the truth, shared by whoever looks at it.

Law: a keeper holds the lock of its job for as long as it lives; that, not a number in a file, says what runs.
Whoever looks, the tool or the keeper of a job that has ended, also begins what fits next: there is no server.

    FOLDER/machine.json  what jobs may have: {"cpus", "memory" (MB), "gpus": [0, …]}
           .line         lock: one at a time decides what begins
           NAME/  job.json script    the order; its variables are secret
                  place.json         which GPUs it was given
                  lock begun.json    by its keeper
                  cancel             TERM or KILL: it is to end
                  ended.json         {"state", "reason"}, once
                  output
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepwhisk.keeper.marked import end_marked

MARK = "DEEPWHISK_KEPT"  # in the environment of all that a job starts: the folder of the job
LOST = "its keeper was killed, or the machine was restarted"
Ended = dict[str, str]
_IN_BACKGROUND = ("/bin/sh", "-c", '"$@" &', "sh")  # it is nobody's child
_KEEPER = ("-S", "-m", "deepwhisk.keeper.job")  # it needs no package that is installed


@dataclass(frozen=True, slots=True)
class Kept:
    """A job as its folder tells it."""

    folder: Path
    order: dict[str, Any]
    ended: Ended | None
    running: bool


def look(home: Path) -> list[Kept]:
    """All jobs, the oldest first, after what could begin has begun."""
    with _line(home):
        jobs = _bury(_read_all(home))
        begun = [_begin(job, gpus) for job, gpus in _fitting(home, jobs)]
    return [next((now for now in begun if now.folder == job.folder), job) for job in jobs]


def cancel(home: Path, name: str, word: str) -> None:
    """Let a job end: at once when it is queued, else as WORD, TERM or KILL, says."""
    with _line(home):
        job = _read(home / name)
        if job is None or job.ended:
            return
        if not job.running:
            write(job.folder / "ended.json", {"state": "cancelled", "reason": "before it began"})
            return
        write_text(job.folder / "cancel", word)


def free(home: Path, jobs: list[Kept]) -> dict[str, Any]:
    """What nobody has of what the machine gives."""
    left: dict[str, Any] = json.loads((home / "machine.json").read_bytes())
    for job in jobs:
        if job.running:
            taken = json.loads((job.folder / "place.json").read_bytes())["gpus"]
            left["cpus"] -= job.order["cpus"]
            left["memory"] -= job.order["memory"]
            left["gpus"] = [each for each in left["gpus"] if each not in taken]
    return left


def write(path: Path, told: Any) -> None:
    """Durably, in one step."""
    write_text(path, json.dumps(told))


def write_text(path: Path, text: str) -> None:
    """Durably, in one step, for its owner only."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


@contextmanager
def _line(home: Path) -> Iterator[None]:
    with (home / ".line").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read_all(home: Path) -> list[Kept]:
    found = (_read(path) for path in home.iterdir() if not path.name.startswith("."))
    return sorted((job for job in found if job), key=lambda job: int(job.order["at"]))


def _read(folder: Path) -> Kept | None:
    order = _json(folder / "job.json")
    if order is None:
        return None
    running = not (folder / "ended.json").exists() and _lives(folder)
    return Kept(folder, order, _json(folder / "ended.json"), running)


def _json(path: Path) -> dict[str, Any] | None:
    try:
        told: dict[str, Any] = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    return told


def _lives(folder: Path) -> bool:
    with (folder / "lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _bury(jobs: list[Kept]) -> list[Kept]:
    """Jobs whose keeper is gone without a word have ended, and all that they started ends."""
    return [_buried(job) if _is_dead(job) else job for job in jobs]


def _is_dead(job: Kept) -> bool:
    return not job.running and not job.ended and (job.folder / "begun.json").exists()


def _buried(job: Kept) -> Kept:
    ended = _json(job.folder / "ended.json")  # it may have ended well since it was read
    if ended is None:
        end_marked(MARK, str(job.folder))
        shutil.rmtree(json.loads((job.folder / "begun.json").read_bytes())["temporary"], ignore_errors=True)
        ended = {"state": "node-failed", "reason": LOST}
        write(job.folder / "ended.json", ended)
    return Kept(job.folder, job.order, ended, running=False)


def _fitting(home: Path, jobs: list[Kept]) -> Iterator[tuple[Kept, list[int]]]:
    """The jobs to begin now, in their order: a large one is not overtaken for ever."""
    left = free(home, jobs)
    for job in jobs:
        if job.running or job.ended:
            continue
        order = job.order
        if (
            order["cpus"] > left["cpus"]
            or order["memory"] > left["memory"]
            or order["gpus"] > len(left["gpus"])
        ):
            return
        given, left["gpus"] = left["gpus"][: order["gpus"]], left["gpus"][order["gpus"] :]
        left["cpus"] -= order["cpus"]
        left["memory"] -= order["memory"]
        yield job, given


def _begin(job: Kept, gpus: list[int]) -> Kept:
    """Start the keeper; it inherits the lock, so that the job runs from now on for whoever looks."""
    write(job.folder / "place.json", {"gpus": gpus, "at": time.time()})
    with (job.folder / "lock").open("ab") as lock, (job.folder / "output").open("ab") as output:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(
            [*_IN_BACKGROUND, sys.executable, *_KEEPER, str(job.folder), str(lock.fileno())],
            cwd="/",
            env={"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[lock.fileno()],
            start_new_session=True,
            check=True,
        )
    return Kept(job.folder, job.order, None, running=True)
