"""`python -m deepwhisk.keeper.job FOLDER LOCK`: one job of this machine, its limits and its end.

Law: it outlives who started it; when the job ends, or is to end, all that it started ends, and only then is
its end written, once. The lock, a descriptor, is held until then. Told to end itself (the machine goes down),
it tells the job, and says that it was preempted. Without its folder it ends the job: it would run on unseen.
"""

import ctypes
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from deepwhisk.keeper import jobs, memory
from deepwhisk.keeper.family import end_all, family, reap

_DEATH_SIGNAL, _SUBREAPER = 1, 36
_PERIOD = 0.2  # seconds between two looks at memory, clock and wishes
_NICE = 10  # what is served comes first
_OOM = b"500"  # … also where the kernel chooses what to kill
_libc = ctypes.CDLL(None, use_errno=True)


class Keeper:
    """Begins one job, attends to it and says how it ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._order: dict[str, Any] = json.loads((folder / "job.json").read_bytes())
        self._temporary = tempfile.mkdtemp(prefix="deepwhisk-job-")
        now, limit, grace = time.monotonic(), self._order["time"], self._order["grace"]
        self._last = now + limit
        self._warning = now + max(limit - grace, limit / 2)
        self._told = ""  # why the job was told to end
        self._killed = ""  # the state that its being killed is

    def run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM})
        _libc.prctl(_SUBREAPER, 1, 0, 0, 0)
        jobs.write(self._folder / "begun.json", {"pid": os.getpid(), "temporary": self._temporary})
        child = os.fork()
        if not child:
            self._become()
        status = self._attend(child)
        end_all()
        shutil.rmtree(self._temporary, ignore_errors=True)
        state, reason = self._verdict(status)
        if self._folder.exists():
            jobs.write(self._folder / "ended.json", {"state": state, "reason": reason})

    def _become(self) -> None:
        """In the child; what is wrong with it stands in its output."""
        try:
            _libc.prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
            os.setsid()
            os.nice(_NICE)
            Path("/proc/self/oom_score_adj").write_bytes(_OOM)
            os.chdir(self._temporary)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            os.execve("/bin/sh", ["/bin/sh", str(self._folder / "script")], self._variables())
        except OSError as fault:
            os.write(2, f"the job cannot be started: {fault}\n".encode())
        finally:
            os._exit(126)

    def _variables(self) -> dict[str, str]:
        gpus = json.loads((self._folder / "place.json").read_bytes())["gpus"]
        return {
            **self._order["variables"],
            "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
            "CUDA_VISIBLE_DEVICES": ",".join(map(str, gpus)),
            "TMPDIR": self._temporary,
            jobs.MARK: str(self._folder),
        }

    def _attend(self, child: int) -> int:
        """Until the job has ended, of itself or not; its wait status."""
        while True:
            heard = signal.sigtimedwait({signal.SIGCHLD, signal.SIGTERM}, _PERIOD)
            if (status := reap(child)) is not None:
                return status
            if heard is not None and heard.si_signo == signal.SIGTERM:
                self._tell(child, "preempted", self._order["grace"])
            self._look(child)

    def _look(self, child: int) -> None:
        now, wish = time.monotonic(), self._wish()
        if now >= self._last:
            self._kill(child, "timeout" if self._told in ("", "timeout") else self._told)
        elif wish == "KILL":
            self._kill(child, "cancelled")
        elif self._exceeds():
            self._kill(child, "out-of-memory")
        elif wish == "TERM":
            self._tell(child, "cancelled", self._order["grace"])
        elif now >= self._warning:
            self._tell(child, "timeout", self._order["time"])

    def _exceeds(self) -> bool:
        members, limit = family(os.getpid())[1:], int(self._order["memory"]) << 20
        return memory.resident(members) > limit and memory.proportional(members) > limit

    def _wish(self) -> str:
        if not self._folder.exists():
            return "KILL"  # nobody could ever see it again
        path = self._folder / "cancel"
        return path.read_text() if path.exists() else ""

    def _tell(self, child: int, why: str, seconds: float) -> None:
        if self._told in ("", "timeout") and self._told != why:
            self._told = why
            self._last = min(self._last, time.monotonic() + seconds)
            os.kill(child, signal.SIGTERM)

    def _kill(self, child: int, state: str) -> None:
        self._killed = self._killed or state
        os.kill(child, signal.SIGKILL)

    def _verdict(self, status: int) -> tuple[str, str]:
        if self._killed:
            return self._killed, _REASONS[self._killed].format(**self._order)
        code = os.waitstatus_to_exitcode(status)
        if code == 0:
            return "done", ""
        said = f"exit status {code}" if code > 0 else f"signal {-code}"
        return self._told if self._told in ("cancelled", "preempted") else "failed", said


_REASONS = {
    "cancelled": "it was ended",
    "out-of-memory": "it used more than its {memory} MB",
    "preempted": "its keeper was told to end",
    "timeout": "it took longer than its {time} s",
}


def main(folder: Path, lock: int) -> None:
    """Keep the job, and let the next ones begin."""
    os.set_inheritable(lock, False)
    Keeper(folder).run()
    os.close(lock)
    if folder.exists():
        jobs.look(folder.parent)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
