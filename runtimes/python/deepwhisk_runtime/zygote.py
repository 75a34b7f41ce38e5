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

import json
import os
import select
import shutil
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

from deepwhisk_runtime.forked import adopt_orphans, contain, detach
from deepwhisk_runtime.imports import load

MESSAGE = 1 << 17

Message = dict[str, Any]


class Zygote:
    """Takes orders from one engine until that closes its end."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._containers: dict[int, int] = {}  # pidfd: pid
        self._poll = select.poll()

    def live(self) -> None:
        adopt_orphans()
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
        zygote = os.getpid()
        try:
            pid = os.fork()
        except OSError as fault:
            self._tell({"forked": order["number"], "error": str(fault)})
        else:
            if pid == 0:
                self._become(order, descriptors, zygote)
            self._adopt(pid)
            self._tell({"forked": order["number"], "pid": pid})
        for descriptor in descriptors:
            os.close(descriptor)

    def _adopt(self, pid: int) -> None:
        pidfd = os.pidfd_open(pid)
        self._containers[pidfd] = pid
        self._poll.register(pidfd, select.POLLIN)

    def _become(self, order: Message, descriptors: list[int], zygote: int) -> NoReturn:
        status = 1
        try:
            detach(zygote)
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


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Zygote(socket.socket(fileno=int(sys.argv[1]))).live()


if __name__ == "__main__":
    main()
