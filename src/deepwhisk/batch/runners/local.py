"""`local:`, this machine as a batch runner: jobs wait in a folder, each runs under a keeper of its own.

Law: no job gets what another one has, and what runs outlives the tool and the service. There is no server:
whoever asks for the statuses, and the keeper of a job that ends, begins what fits next.
"""

import os
import pwd
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult

from deepwhisk.batch.options import check_name, is_name, known, whole
from deepwhisk.batch.runner import Job, Offer, Resources, State, Status
from deepwhisk.errors import RunnerRefused
from deepwhisk.keeper import jobs, memory

OPTIONS = ("cpus", "memory", "gpus", "cache", "variables")
KEPT_SECONDS = 3 * 24 * 3600  # after their end
TAIL_BYTES = 20_000
# What jobs may have of the variables of who starts them: how to find things, never whom to be.
_HANDED_ON = (
    "LANG",
    "LANGUAGE",
    "TZ",
    "NO_PROXY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "LD_LIBRARY_PATH",
)
_HANDED_ON_PREFIXES = ("LC_", "SSL_CERT_", "REQUESTS_CA_", "CURL_CA_", "PIP_", "UV_")


def open_one(url: SplitResult, options: Mapping[str, Any], folder: Path) -> "LocalRunner":
    """`local:`, with what jobs may have at most."""
    known("local:", options, OPTIONS)
    machine = {
        "cpus": whole("local:", options, "cpus", len(os.sched_getaffinity(0))),
        "memory": whole("local:", options, "memory", memory.machine() * 4 // 5 >> 20),
        "gpus": list(range(whole("local:", options, "gpus", _gpus()))),
    }
    variables = _variables(options.get("variables") or {})
    if options.get("cache"):
        variables["DEEPWHISK_CACHE"] = str(options["cache"])
    return LocalRunner(folder, machine, variables)


class LocalRunner:
    """The jobs of a folder."""

    def __init__(self, folder: Path, machine: dict[str, Any], variables: Mapping[str, str]) -> None:
        self._folder = folder.absolute()
        self._machine = machine
        self._variables = dict(variables)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        jobs.write(self._folder / "machine.json", machine)

    def submit(self, ordered: Sequence[Job]) -> list[str]:
        """Queue jobs; one whose name is there already is that one."""
        for job in ordered:
            check_name(job.name)
            self._check(job.resources)
        for job in ordered:
            self._put(job)
        self._forget(jobs.look(self._folder))
        return [job.name for job in ordered]

    def statuses(self) -> dict[str, Status]:
        return {job.folder.name: _status(job) for job in jobs.look(self._folder)}

    def cancel(self, handle: str, *, hard: bool = False) -> None:
        if is_name(handle):
            jobs.cancel(self._folder, handle, "KILL" if hard else "TERM")

    def log(self, handle: str) -> str:
        output = self._folder / handle / "output"
        if not is_name(handle) or not output.exists():
            return ""
        with output.open("rb") as file:
            file.seek(max(0, output.stat().st_size - TAIL_BYTES))
            return file.read().decode(errors="replace")

    def offer(self) -> Offer:
        there = jobs.look(self._folder)
        left = jobs.free(self._folder, there)
        waiting = sum(not job.running and not job.ended for job in there)
        return Offer(
            cpus=self._machine["cpus"],
            memory=self._machine["memory"],
            gpus=len(self._machine["gpus"]),
            time=None,
            waiting=waiting,
            free_cpus=max(0, left["cpus"]),
            free_gpus=len(left["gpus"]),
        )

    def _check(self, asked: Resources) -> None:
        """Raises RunnerRefused for what this machine never has."""
        gpus = len(self._machine["gpus"])
        for what, wanted, there in (
            ("CPUs", asked.cpus, self._machine["cpus"]),
            ("MB of memory", asked.memory, self._machine["memory"]),
            ("GPUs", asked.gpus, gpus),
        ):
            if wanted > there:
                raise RunnerRefused(f"{wanted} {what} are wanted; this machine gives {there} to jobs.")

    def _put(self, job: Job) -> None:
        """Whole or not at all: a folder gets its name last."""
        new = self._folder / f".new-{job.name}"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        jobs.write_text(new / "script", job.script)
        jobs.write(new / "job.json", self._order(job))
        try:
            new.rename(self._folder / job.name)
        except OSError:  # it is there
            shutil.rmtree(new)

    def _order(self, job: Job) -> dict[str, Any]:
        asked = job.resources
        return {
            "at": time.time_ns(),
            "cpus": asked.cpus,
            "memory": asked.memory,
            "gpus": asked.gpus,
            "time": asked.time,
            "grace": job.grace,
            "variables": {**self._variables, **job.variables},
        }

    def _forget(self, there: list[jobs.Kept]) -> None:
        for job in there:
            if job.ended and time.time() - (job.folder / "ended.json").stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(job.folder, ignore_errors=True)


def _status(job: jobs.Kept) -> Status:
    name = job.folder.name
    if job.ended:
        return Status(name, State(job.ended["state"]), job.ended["reason"], os.uname().nodename)
    if job.running:
        return Status(name, State.RUNNING, node=os.uname().nodename)
    return Status(name, State.QUEUED, "others have what it needs")


def _variables(given: Mapping[str, str]) -> dict[str, str]:
    user = pwd.getpwuid(os.getuid())
    handed = {
        name: value
        for name, value in given.items()
        if name.upper() in _HANDED_ON or name.startswith(_HANDED_ON_PREFIXES)
    }
    return {
        **handed,
        "HOME": given.get("HOME") or user.pw_dir,
        "USER": user.pw_name,
        "LOGNAME": user.pw_name,
        "PATH": given.get("PATH") or os.defpath,
        "DEEPWHISK_PYTHON": sys.executable,
    }


def _gpus() -> int:
    """Of NVIDIA, which it counts in /dev."""
    return len(list(Path("/dev").glob("nvidia[0-9]*")))
