"""A container of uDocker: a process of this machine, with its keeper, in a file tree of its own.

It listens on a port of the loopback address that its keeper tells.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepwhisk.engine.container import Lost, Reply
from deepwhisk.engine.containers.orphans import MARK, end_marked
from deepwhisk.engine.containers.process import ProcessContainer, open_pipe
from deepwhisk.engine.containers.udocker_trees import Tree, remove
from deepwhisk.engine.containers.watch import Watch
from deepwhisk.engine.containers.wire import Wire
from deepwhisk.engine.invocation import Executable
from deepwhisk.engine.logs import Logs
from deepwhisk.errors import ContainerFailed
from deepwhisk.keeper.family import family

_MEBIBYTE = 1 << 20
_MESSAGE = 1 << 12
_RETRY = 0.01  # seconds, until its port is listened on
_SENTINEL_SECONDS, _NO_SENTINEL_SECONDS = 2.0, 0.05
_SOURCES = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a container has its own files, and the tree that it shares."""

    folder: Path
    tree: Tree


class UdockerContainer(ProcessContainer):
    """One that has been started; its keeper ends with it."""

    explained = 0.5  # its keeper waits for all that its program has left behind

    def __init__(
        self,
        place: Place,
        executable: Executable,
        watch: Watch,
        output: Logs,
        control: socket.socket,
    ) -> None:
        ProcessContainer.__init__(
            self, place.folder, executable.memory * _MEBIBYTE, watch, output, self._end, origin="cold"
        )
        self._place = place
        self._control = control
        self._heard = b""
        self._address: tuple[str, int] | None = None
        self._patience = _SENTINEL_SECONDS
        self._orphaned = False
        self._keeper: subprocess.Popen[bytes] | None = None

    def attach(self, keeper: subprocess.Popen[bytes]) -> None:
        """Begin to hear what its keeper tells."""
        self._keeper, self.pid = keeper, keeper.pid
        self._control.setblocking(False)
        asyncio.get_running_loop().add_reader(self._control, self._hear)

    async def post(self, path: str, body: bytes, seconds: float) -> Reply:
        if path == "/init" and not await self._listens(seconds):
            return await self._why()
        return await ProcessContainer.post(self, path, body, seconds)

    async def _listens(self, seconds: float) -> bool:
        """Wait until it does; from then on its program is watched, and not what is around that."""
        timer = asyncio.get_running_loop().call_later(seconds, self.abort, Lost.TIME)
        try:
            while not self._ended.is_set() and self._reason is None:
                wire = await self._try_door()
                if wire is not None:
                    self._wires.append(wire)
                    self.pid = _program(self.pid)
                    return True
                await asyncio.sleep(_RETRY)
        finally:
            timer.cancel()
        return False

    async def _try_door(self) -> Wire | None:
        try:
            return await self._dial()
        except OSError:
            return None

    async def _dial(self) -> Wire:
        if self._address is None:
            raise ConnectionRefusedError("it has asked for no port yet")
        _, wire = await asyncio.get_running_loop().create_connection(Wire, *self._address)
        return wire

    def _hear(self) -> None:
        try:
            data = self._control.recv(_MESSAGE)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            self._learn(json.loads(line))
        if not data and not self._ended.is_set():
            self._lose_keeper()

    def _learn(self, told: dict[str, Any]) -> None:
        if "address" in told:
            self._address = told["address"][0], told["address"][1]
        else:
            self._close_control()
            self.mourn(told["status"])

    def _lose_keeper(self) -> None:
        """Killed by somebody: end what it can no longer end."""
        self._close_control()
        self._orphaned = True
        asyncio.get_running_loop().run_in_executor(None, end_marked, str(self.folder))
        self.mourn(None)

    def _close_control(self) -> None:
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()

    def _end(self, pid: int) -> None:
        if self._control.fileno() >= 0:
            self._control.shutdown(socket.SHUT_WR)

    async def logs(self, *, ended: bool) -> list[str]:
        if ended:
            return await ProcessContainer.logs(self, ended=True)
        lines = await self.output.collect(self._patience)
        self._patience = _NO_SENTINEL_SECONDS if self.output.missed else _SENTINEL_SECONDS
        return lines

    async def _remove(self) -> None:
        if self._control.fileno() >= 0:
            self._lose_keeper()  # it does not answer
        if self._keeper is not None:
            await asyncio.to_thread(_reap, self._keeper)
        if self._orphaned:
            await asyncio.to_thread(end_marked, str(self.folder))
        await self._place.tree.release()
        await remove(self.folder)


async def keep(
    command: Sequence[str],
    environment: Mapping[str, str],
    place: Place,
    executable: Executable,
    watch: Watch,
) -> UdockerContainer:
    """A container that begins; `/init` waits until it listens. Raises ContainerFailed."""
    ours, theirs = socket.socketpair()
    with theirs, ExitStack() as ends:
        (stdout, stdout_end), (stderr, stderr_end) = open_pipe(ends), open_pipe(ends)
        output = Logs(stdout, stderr, executable.logs * _MEBIBYTE, alone=executable.concurrency == 1)
        container = UdockerContainer(place, executable, watch, output, ours)
        try:
            keeper = await asyncio.to_thread(
                subprocess.Popen,
                [sys.executable, "-S", "-P", "-m", "deepwhisk.keeper", str(theirs.fileno()), *command],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=stdout_end,
                stderr=stderr_end,
                cwd=place.folder,
                env={**environment, "PYTHONPATH": str(_SOURCES), MARK: str(place.folder)},
                start_new_session=True,
            )
        except OSError as fault:
            output.close()
            ours.close()
            raise ContainerFailed(f"cannot start a container of uDocker: {fault}") from fault
    container.attach(keeper)
    return container


def _program(keeper: int) -> int:
    """Below a keeper: uDocker, which waits for proot, which runs it."""
    return (family(keeper)[2:3] or [keeper])[0]


def _reap(keeper: subprocess.Popen[bytes]) -> None:
    try:
        keeper.wait(2)
    except subprocess.TimeoutExpired:
        os.killpg(keeper.pid, signal.SIGKILL)
        keeper.wait()
