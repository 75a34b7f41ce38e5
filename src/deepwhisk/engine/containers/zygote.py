"""The engine's end of one zygote: `deepwhisk_runtime.zygote` in the python of an environment.

Law: what it forked is ended and reported, whether a container, the zygote or the engine dies.
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepwhisk.engine.containers.orphans import end_marked
from deepwhisk.errors import ContainerFailed
from deepwhisk.keeper.memory import machine

BASE = ("flask", "pydantic", "orjson", "boto3", "requests", "email.mime.multipart", "zipfile", "pybase64")
_MESSAGE = 1 << 17
# Until imports are done. TensorFlow on a cold disk takes half a minute.
_PATIENCE = 120.0
SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
Mourner = Callable[
    [int | None], None
]  # told once that a container ended, with its wait status if there is one


@dataclass(frozen=True, slots=True)
class Birth:
    """What a container is forked with."""

    folder: Path
    variables: dict[str, str]
    listener: socket.socket
    stdout: int
    stderr: int
    program: list[str] = field(default_factory=list)  # what it turns into; nothing: Python, as it is
    nice: int = 2


@dataclass(slots=True)
class Zygote:
    """A running zygote; `launch.start` gives one that is ready to fork."""

    folder: Path
    process: subprocess.Popen[bytes]
    control: socket.socket
    loop: asyncio.AbstractEventLoop
    alive: bool = True
    notes: dict[str, Any] = field(default_factory=dict)
    _ready: asyncio.Future[None] | None = None
    _births: dict[int, tuple[asyncio.Future[int], Mourner]] = field(default_factory=dict)
    _mourners: dict[int, Mourner] = field(default_factory=dict)
    _number: int = 0

    @property
    def containers(self) -> int:
        return len(self._mourners) + len(self._births)

    async def load(self, distributions: list[str]) -> None:
        self._ready = self.loop.create_future()
        self._send({"do": "import", "modules": BASE, "distributions": distributions})
        try:
            await asyncio.wait_for(self._ready, _PATIENCE)
        except TimeoutError:
            raise ContainerFailed(
                f"importing {', '.join(distributions) or 'the base libraries'} took more than "
                f"{_PATIENCE:.0f} s; see {self.folder}/zygote.log"
            ) from None

    async def fork(self, birth: Birth, mourner: Mourner) -> int:
        """Returns the pid."""
        self._number += 1
        number = self._number
        order = {
            "do": "fork",
            "number": number,
            "folder": str(birth.folder),
            "variables": birth.variables,
            "ceiling": machine(),
            "program": birth.program,
            "nice": birth.nice,
        }
        born: asyncio.Future[int] = self.loop.create_future()
        self._births[number] = born, mourner
        try:
            self._send(order, birth.listener.fileno(), birth.stdout, birth.stderr)
        except ContainerFailed:
            del self._births[number]
            self._die()  # before that is read from its side, too
            raise
        return await born

    def end(self, pid: int) -> None:
        if pid not in self._mourners or not self.alive:
            return
        try:
            self._send({"do": "end", "pid": pid})
        except ContainerFailed:
            self._die()  # which ends all that it forked

    def _send(self, message: dict[str, Any], *descriptors: int) -> None:
        try:
            socket.send_fds(self.control, [json.dumps(message).encode()], list(descriptors))
        except OSError as fault:
            raise ContainerFailed(
                f"the process that forks containers does not take orders: {fault}"
            ) from fault

    def on_readable(self) -> None:
        try:
            message = self.control.recv(_MESSAGE)
        except BlockingIOError:
            return
        except ConnectionResetError:
            message = b""
        if message:
            self._hear(json.loads(message))
        else:
            self._die()

    def _hear(self, told: dict[str, Any]) -> None:
        if "exited" in told:
            mourner = self._mourners.pop(told["exited"], None)
            if mourner is not None:
                mourner(told["status"])
        elif "forked" in told:
            self._settle_birth(told)
        elif self._ready is not None and not self._ready.done():
            self.notes = told
            self._ready.set_result(None)

    def _settle_birth(self, told: dict[str, Any]) -> None:
        born, mourner = self._births.pop(told["forked"])
        if "error" not in told:
            self._mourners[told["pid"]] = mourner
        if born.done():  # nobody waits for it any more
            self.end(told.get("pid", 0))
        elif "error" in told:
            born.set_exception(ContainerFailed(f"cannot fork a container: {told['error']}"))
        else:
            born.set_result(told["pid"])

    def _die(self) -> None:
        """It has gone: end what it can no longer end, and tell everybody."""
        if not self.alive:
            return
        self.alive = False
        self.loop.remove_reader(self.control.fileno())
        self.control.close()
        self.loop.run_in_executor(None, self._clean)
        fault = ContainerFailed(f"the process that forks containers ended{self._last_words()}")
        for future in (self._ready, *(born for born, _ in self._births.values())):
            if future is not None and not future.done():
                future.set_exception(fault)
        mourners, self._mourners = self._mourners, {}
        for pid, mourner in mourners.items():
            _end_group(pid)
            mourner(None)

    def _last_words(self) -> str:
        try:
            tail = (self.folder / "zygote.log").read_text(errors="replace").strip()[-2000:]
        except FileNotFoundError:  # removed by whoever ends the pool at this moment
            return ""
        return f": {tail}" if tail else ""

    def _clean(self) -> None:
        self.process.wait()
        end_marked(str(self.folder))
        shutil.rmtree(self.folder, ignore_errors=True)

    async def close(self) -> None:
        if self.alive:
            self.control.shutdown(socket.SHUT_RDWR)
            self._die()
        try:
            await asyncio.to_thread(self.process.wait, 4)
        except subprocess.TimeoutExpired:
            self.process.kill()
        await asyncio.to_thread(self._clean)


def _end_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return  # it went with its zygote
