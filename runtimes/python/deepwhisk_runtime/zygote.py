"""The parent of containers: imports the heavy libraries once, then forks a container on every order.

Law: one thread, so that a fork is safe; whatever was forked here ends when this process or its engine does.

    python -m deepwhisk_runtime.zygote FD

FD is a Unix socket of whole messages (SOCK_SEQPACKET), each a JSON object.

| from the engine | answer |
|---|---|
| `import`: modules and distributions (once, first) | `ready`: what failed, the number of threads |
| `fork`, with the descriptors of listener, stdout and stderr | `forked`: its number, and a pid or an error |
| `end`: a pid | |
| | `exited`: a pid and its wait status |
"""

import ctypes
import gc
import importlib
import json
import os
import random
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

from deepwhisk_runtime.door import serve

MESSAGE = 1 << 17
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
# What a plain import of a top-level module leaves to the first use.
DEEPER = {"PIL": ("PIL.Image", "PIL.ImageOps", "PIL.JpegImagePlugin", "PIL.PngImagePlugin")}
_TEXT: Any = {"buffering": 1, "encoding": "utf-8", "errors": "backslashreplace", "closefd": False}
_prctl = ctypes.CDLL(None, use_errno=True).prctl

Message = dict[str, Any]


class Zygote:
    """Takes orders from one engine until that closes its end."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._containers: dict[int, int] = {}  # pidfd: pid
        self._poll = select.poll()

    def live(self) -> None:
        _prctl(PR_SET_CHILD_SUBREAPER, 1)
        self._poll.register(self._control, select.POLLIN)
        patience = None
        while True:
            for descriptor, _ in self._poll.poll(patience):
                if descriptor != self._control.fileno():
                    self._bury(descriptor)
                elif not self._obey():
                    return self._end_all()
            patience = 200 if self._end_orphans() else None

    def _obey(self) -> bool:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, MESSAGE, 3)
        except ConnectionResetError:
            return False
        if not message:
            return False
        order = json.loads(message)
        if order["do"] == "fork":
            self._fork(order, descriptors)
        elif order["do"] == "end":
            self._end(order["pid"])
        else:
            self._tell(load(order["modules"], order["distributions"]))
        return True

    def _tell(self, message: Message) -> None:
        self._control.send(json.dumps(message).encode())

    def _fork(self, order: Message, descriptors: list[int]) -> None:
        try:
            pid = os.fork()
        except OSError as fault:
            self._tell({"forked": order["number"], "error": str(fault)})
        else:
            if pid == 0:
                self._become(order, descriptors)
            self._adopt(pid)
            self._tell({"forked": order["number"], "pid": pid})
        for descriptor in descriptors:
            os.close(descriptor)

    def _adopt(self, pid: int) -> None:
        pidfd = os.pidfd_open(pid)
        self._containers[pidfd] = pid
        self._poll.register(pidfd, select.POLLIN)

    def _become(self, order: Message, descriptors: list[int]) -> NoReturn:
        status = 1
        try:
            for descriptor in (self._control.detach(), *self._containers):
                os.close(descriptor)
            contain(order, *descriptors)
            status = 0
        except SystemExit as leaving:
            status = leaving.code if isinstance(leaving.code, int) else 1
        except BaseException:  # noqa: BLE001  a child must never return into the zygote's loop
            traceback.print_exc()
        finally:
            os._exit(status)

    def _end(self, pid: int) -> None:
        if pid in self._containers.values():
            end_group(pid)

    def _bury(self, pidfd: int) -> None:
        pid = self._containers.pop(pidfd)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        # While the leader is a zombie its number cannot be given to another group.
        end_group(pid)
        _, status = os.waitpid(pid, 0)
        try:
            self._tell({"exited": pid, "status": status})
        except OSError:
            return  # the engine has gone; the next turn of the loop sees it

    def _end_orphans(self) -> bool:
        """What had left the group of a container came here when that died: True while some are left."""
        orphans = children() - set(self._containers.values())
        for pid in orphans:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, os.WNOHANG)
        return bool(orphans)

    def _end_all(self) -> None:
        for pid in self._containers.values():
            end_group(pid)
        until = time.monotonic() + 3
        while children() and time.monotonic() < until:
            for pid in children():
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, os.WNOHANG)
            time.sleep(0.005)
        # The folder of this zygote and its containers; the engine may be gone and cannot.
        shutil.rmtree(os.getcwd(), ignore_errors=True)


def end_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        # Between fork and setsid there is no such group yet.
        os.kill(leader, signal.SIGKILL)


def children() -> set[int]:
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return {int(pid) for pid in listed.split()}


def load(modules: list[str], distributions: list[str]) -> Message:
    """Import; a module that fails is told, since its action may never need it."""
    failed = {}
    for module in [*modules, *provided(distributions)]:
        for name in (module, *DEEPER.get(module, ())):
            try:
                importlib.import_module(name)
            except Exception as fault:  # noqa: BLE001  whatever a foreign module raises
                failed[name] = f"{type(fault).__name__}: {fault}"
    gc.collect()
    gc.freeze()
    return {"ready": True, "failed": failed, "threads": threads()}


def provided(distributions: list[str]) -> list[str]:
    """The public top-level modules of distributions, by their normalised names."""
    wanted = set(distributions)
    return [
        module
        for module, homes in metadata.packages_distributions().items()
        if module.isidentifier()
        and not module.startswith("_")
        and any(home.lower().replace("_", "-").replace(".", "-") in wanted for home in homes)
    ]


def threads() -> int:
    return max(len(os.listdir("/proc/self/task")), threading.active_count())


def contain(order: Message, listener: int, stdout: int, stderr: int) -> None:
    """Turn a fresh child into a container and serve until it is told to end."""
    parent = os.getppid()
    os.setsid()
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    if os.getppid() != parent:
        os._exit(1)
    take_streams(stdout, stderr)
    os.environ.update(order["variables"])
    os.chdir(order["folder"])
    tempfile.tempdir = None
    limit(order["ceiling"])
    os.nice(order["nice"])
    reset_chance()
    serve(socket.socket(fileno=listener))


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
    resource.setrlimit(resource.RLIMIT_DATA, (inherited + ceiling, inherited + ceiling))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def reset_chance() -> None:
    """Two containers of one zygote must not draw the same random numbers."""
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Zygote(socket.socket(fileno=int(sys.argv[1]))).live()


if __name__ == "__main__":
    main()
