"""Who descends from a process, and how all of them end."""

import os
import signal
import time
from pathlib import Path


def family(leader: int) -> list[int]:
    """A process and all its descendants."""
    members = [leader]
    for pid in members:
        members.extend(_children(pid))
    return members


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found.extend(map(int, Path(f"/proc/{pid}/task/{thread}/children").read_bytes().split()))
    except (FileNotFoundError, ProcessLookupError):
        return found  # it has just ended
    return found


def reap(child: int = 0) -> int | None:
    """The wait status of CHILD, if it is among those of this process that have ended."""
    found = None
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            found = ended[1] if ended[0] == child else found
    except ChildProcessError:
        return found
    return found


def end_all() -> None:
    """End all that descends from this process; as often as it takes, since one may be starting another."""
    while others := family(os.getpid())[1:]:
        for pid in others:
            kill(pid)
        reap()
        time.sleep(0.002)


def kill(pid: int) -> None:
    """End a process that may have just ended by itself."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
