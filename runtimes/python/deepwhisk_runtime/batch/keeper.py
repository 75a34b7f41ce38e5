"""`python keeper.py DESCRIPTOR AFTER FORSAKEN PROGRAM ARGUMENT…`: a program, and the end of all it starts.

Law: when the program ends, or when the other side of the descriptor closes (since the supervisor wants it, or
was killed), everything that descends from it ends, also what went into the background. Signals that ask a
program to end are passed on to it. AFTER, a command as JSON, is run at the end: it ends what is nobody's
child; FORSAKEN, another, when the supervisor was killed: it removes what that has left.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

PARENT_DEATH, SUBREAPER = 1, 36  # of prctl
PASSED = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


def main(lifeline: int, after: list[str], forsaken: list[str], command: list[str]) -> int:
    """Keep the program; its exit code, negative for the signal that ended it."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(SUBREAPER, 1, 0, 0, 0)
    os.set_inheritable(lifeline, False)
    bell, ring = os.pipe()
    for descriptor in (bell, ring):
        os.set_blocking(descriptor, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
    child = begun(command, libc)
    for number in PASSED:
        signal.signal(number, lambda got, frame: told(child, got))
    status = attended(child, lifeline, bell)
    end_all()
    for last in (after, forsaken if lost(lifeline) else []):
        if last:
            subprocess.run(last, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return -signal.SIGKILL if status is None else os.waitstatus_to_exitcode(status)


def begun(command: list[str], libc: ctypes.CDLL) -> int:
    """Start the program in a process group of its own; it ends with its keeper."""
    keeper = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        os.setpgid(0, 0)
        libc.prctl(PARENT_DEATH, signal.SIGKILL, 0, 0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if os.getppid() == keeper:
            os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]} cannot be started: {error}\n".encode())
    finally:
        os._exit(126)


def told(child: int, number: int) -> None:
    """Pass a signal on."""
    try:
        os.kill(child, number)
    except ProcessLookupError:
        return


def attended(child: int, lifeline: int, bell: int) -> int | None:
    """Its wait status; None when it is to end before."""
    poll = select.poll()
    poll.register(bell, select.POLLIN)
    poll.register(lifeline, select.POLLIN)
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if lifeline in ready:
            return None
        os.read(bell, 512)
        status = reaped(child)
        if status is not None:
            return status


def lost(lifeline: int) -> bool:
    """Whether the other side has closed without a word."""
    ready, _, _ = select.select([lifeline], [], [], 0)
    return bool(ready) and not os.read(lifeline, 1)


def reaped(child: int) -> int | None:
    """The wait status of the child, if it is among those that have ended."""
    found = None
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            found = ended[1] if ended[0] == child else found
    except ChildProcessError:
        return found
    return found


def end_all() -> None:
    """As often as it takes: a process may be starting another at this moment."""
    while others := descendants(os.getpid()):
        for pid in others:
            told(pid, signal.SIGKILL)
        reaped(0)
        time.sleep(0.002)


def descendants(leader: int) -> list[int]:
    """All that a process has started, and those have, and so on."""
    members = [leader]
    for pid in members:
        members.extend(children(pid))
    return members[1:]


def children(pid: int) -> list[int]:
    """What a process has started."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found.extend(map(int, Path(f"/proc/{pid}/task/{thread}/children").read_bytes().split()))
    except (FileNotFoundError, ProcessLookupError):
        return found  # it has just ended
    return found


if __name__ == "__main__":
    code = main(int(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4:])
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -code)
    sys.exit(code)
