"""A fresh fork of a zygote on its way to being a container.

Law: nothing of its zygote stays with it: group, streams, signals, folder, variables and luck are its own.
"""

import ctypes
import os
import random
import resource
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

from deepwhisk_runtime.door import serve

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
PASSED = 3
_TEXT: Any = {"buffering": 1, "encoding": "utf-8", "errors": "backslashreplace", "closefd": False}
_prctl = ctypes.CDLL(None, use_errno=True).prctl


def adopt_orphans() -> None:
    """What the descendants of this process leave behind becomes its child."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def detach(zygote: int) -> None:
    """A group of its own, which ends with its zygote."""
    os.setsid()
    adopt_orphans()
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != zygote:
        os._exit(1)  # it died before it was asked for


def contain(order: dict[str, Any], listener: int, stdout: int, stderr: int) -> None:
    """Turn a fresh child into a container and serve until it is told to end."""
    take_streams(stdout, stderr)
    os.environ.update(order["variables"])
    os.chdir(order["folder"])
    tempfile.tempdir = None
    limit(order["ceiling"])
    os.nice(order["nice"])
    if order.get("program"):
        become(order["program"], listener)
    reset_chance()
    serve(socket.socket(fileno=listener))


def become(program: list[str], listener: int) -> NoReturn:
    """Turn into another program, which finds its listening socket at descriptor 3."""
    os.dup2(listener, PASSED)
    of_python = ("PYTHONPATH", "VIRTUAL_ENV")
    os.execve(
        program[0], program, {name: value for name, value in os.environ.items() if name not in of_python}
    )


def take_streams(stdout: int, stderr: int) -> None:
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.close(stdout)
    os.close(stderr)
    sys.stdout = open(1, "w", **_TEXT)  # noqa: SIM115  open for as long as the process
    sys.stderr = open(2, "w", **_TEXT)  # noqa: SIM115
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN if number == signal.SIGPIPE else signal.SIG_DFL)


def limit(ceiling: int) -> None:
    """A backstop: the engine watches the real use, but must not be outrun by one huge allocation."""
    status = Path("/proc/self/status").read_text()
    inherited = int(status.partition("VmData:")[2].split(None, 1)[0]) << 10
    _, hardest = resource.getrlimit(resource.RLIMIT_DATA)
    if hardest == resource.RLIM_INFINITY or inherited + ceiling < hardest:
        resource.setrlimit(resource.RLIMIT_DATA, (inherited + ceiling, inherited + ceiling))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Should the machine run out of memory, a container goes first.
    Path("/proc/self/oom_score_adj").write_text("500")


def reset_chance() -> None:
    """Two containers of one zygote must not draw the same random numbers."""
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
