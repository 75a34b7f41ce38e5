"""Slurm by its own commands, wherever a shell runs them: here, or on a login node.

Law: one question tells all our jobs, however many. The commands are those of 20.11 and later, in formats that
have not changed since.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from deepwhisk.batch.runner import Job, Offer, Status
from deepwhisk.batch.slurm import request
from deepwhisk.batch.slurm.listing import Row, by_name
from deepwhisk.batch.slurm.nodes import FORMAT, Capacity, read_nodes
from deepwhisk.batch.slurm.states import status_of
from deepwhisk.errors import RunnerError, RunnerRefused, RunnerUnreachable

TAIL_BYTES = 20_000
_COLUMNS = {"JobArrayID": 30, "State": 20, "exit_code": 12, "Reason": 60, "NodeList": 80, "Name": 64}
_FORMAT = ",".join(f"{name}:{width}" for name, width in (_COLUMNS | {"Comment": 1030}).items())
_HANDLE = re.compile(r"\d+(_\d+)?")
_LATER = re.compile(
    r"[Uu]nable to contact|not responding|[Tt]imed out|[Cc]onnection (refused|failure|reset)|in standby"
    r"|temporarily|Zero Bytes|Transport endpoint|try again|Munge|DNS SRV"
)
# A job has what sbatch has: nothing of who submits it. To leave that to sbatch costs a login on the node.
_BARE = 'env -i HOME="$HOME" PATH="$PATH" LANG=C.UTF-8 ${SLURM_CONF:+"SLURM_CONF=$SLURM_CONF"} "$@"'
_ALONE = ("sh", "-c", f"exec {_BARE}", "sh")
_READ_LOG = 'f=$1; [ -n "$f" ] || f=$HOME/.deepwhisk/log; [ ! -f "$f/$2.log" ] || tail -c "$3" "$f/$2.log"'


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said, and its exit status."""

    status: int
    output: str
    errors: str


class Shell(Protocol):
    """Runs a command, given as words. Raises RunnerError when it cannot be run."""

    def __call__(self, words: Sequence[str], given: str = "") -> Said: ...


class SlurmCommands:
    """A cluster whose commands a shell can run."""

    def __init__(self, shell: Shell, logs: str = "") -> None:
        self._shell = shell
        self._logs = logs
        self._withdrawn: set[str] = set()
        self._capacity = Capacity(lambda: read_nodes(self._run(["sinfo", "--noheader", "--Node", FORMAT])))

    def submit(self, jobs: Sequence[Job]) -> list[str]:
        """Queue jobs, those that are alike as arrays."""
        there = list(request.batches(jobs))
        for batch in there:
            request.check(batch, self._capacity.offer(batch[0].resources.partition))
        return [handle for batch in there for handle in self._submit(batch)]

    def _submit(self, batch: Sequence[Job]) -> list[str]:
        text = request.script(batch, self._logs or request.LOGS)
        said = self._run([*_ALONE, "sbatch", "--parsable", *request.options(batch)], text, "sbatch")
        return request.handles(said.strip().split(";")[0], batch)

    def statuses(self) -> dict[str, Status]:
        asked = ["squeue", "--me", "--array", "--noheader", "--states=all", f"--Format={_FORMAT}"]
        rows = [_row(line) for line in self._run(asked).splitlines() if line.strip()]
        return by_name(rows, self._withdrawn)

    def cancel(self, handle: str, *, hard: bool = False) -> None:
        if not _HANDLE.fullmatch(handle):
            return
        waits = self._waits(handle)
        if hard or waits:
            self._end("scancel", handle)
        else:  # it hears it, and nothing else that it started
            self._end("scancel", "--batch", "--signal=TERM", handle)
        if waits:
            self._withdrawn.add(handle)

    def _waits(self, handle: str) -> bool:
        # `scancel --state=PENDING 4711_2` would end all elements that wait.
        said = self._shell(["squeue", "--array", "--noheader", f"--jobs={handle}", "--format=%T"])
        return said.output.strip() == "PENDING"

    def log(self, handle: str) -> str:
        if not _HANDLE.fullmatch(handle):
            return ""
        return self._run(["sh", "-c", _READ_LOG, "log", self._logs, handle, str(TAIL_BYTES)])

    def offer(self) -> Offer:
        pending = self._run(["squeue", "--array", "--noheader", "--states=PENDING", "--format=%i"])
        return self._capacity.renewed(len(pending.split()))

    def _end(self, *words: str) -> None:
        said = self._shell(words)
        if said.status and _LATER.search(said.errors):
            raise _failure(words[0], said)

    def _run(self, words: Sequence[str], given: str = "", command: str = "") -> str:
        said = self._shell(words, given)
        if said.status:
            raise _failure(command or words[0], said)
        return said.output


def _failure(command: str, said: Said) -> RunnerError:
    lines = [line.removeprefix(f"{command}: ").removeprefix("error: ") for line in said.errors.splitlines()]
    told = " ".join(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if said.status == 127:
        return RunnerRefused(f"There is no {command} where jobs are to be submitted: {told}")
    if _LATER.search(told):
        return RunnerUnreachable(f"Slurm does not answer: {told}")
    return RunnerRefused(f"Slurm refuses: {told or f'{command} ended with {said.status}'}")


def _row(line: str) -> Row:
    cells = []
    for width in _COLUMNS.values():
        cells.append(line[:width].strip())
        line = line[width:]
    handle, state, code, reason, node, name = cells
    status = status_of(handle, [state], reason, node, int(code) if code.isdigit() else 0)
    return Row(name, line.strip(), status)
