"""A program with all that it starts: followed line by line, and ended as one.

Law: the program leads a process group of its own, and is reaped only after that has been ended.
"""

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from deepwhisk.errors import EnvironmentFailed

_TAIL = 25


def follow(process: subprocess.Popen[str], progress: Callable[[str], None]) -> str:
    """Tell each line until nobody prints any more and the program has ended; the last lines of all."""
    tail: deque[str] = deque(maxlen=_TAIL)
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            tail.append(line.rstrip())
            progress(line.strip())
    with suppress(ChildProcessError):  # ended by `close`
        # Not reaped yet, so that the number of its group is nobody else's.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    return "\n".join(tail)


def kill(process: subprocess.Popen[str]) -> None:
    """The program and what it has started, if any of that still runs."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def limited(process: subprocess.Popen[str], seconds: float) -> Iterator[None]:
    """End a program that takes longer. Raises EnvironmentFailed, which says so."""
    late = threading.Event()

    def end() -> None:
        late.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if late.is_set():
        raise EnvironmentFailed(f"a step of its making took longer than {seconds:g} s and was ended")
