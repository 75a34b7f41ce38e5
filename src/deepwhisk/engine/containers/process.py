"""The default driver: a container is a process forked from the zygote of its environment.

Law: what an action starts, prints, writes and uses ends with its container.
"""

import asyncio
import os
import shutil
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from deepwhisk.engine.container import Lost, Origin, Reply
from deepwhisk.engine.containers import zygote
from deepwhisk.engine.containers.watch import Watch
from deepwhisk.engine.containers.wire import EXPLAINED_SECONDS, Wire
from deepwhisk.engine.invocation import Executable
from deepwhisk.engine.logs import Logs

_MEBIBYTE = 1 << 20
_SENTINEL_SECONDS = 2.0
_UNMARKED = {"DEEPWHISK_LOG_ENDS": "answer"}  # deepwhisk_runtime.container


@dataclass(slots=True)
class ProcessContainer:
    """One forked process with its folder, its socket and its two pipes."""

    explained: ClassVar[float] = EXPLAINED_SECONDS
    folder: Path
    memory: int  # bytes
    watch: Watch
    output: Logs
    end: Callable[[int], None]
    origin: Origin
    full: int | None = None  # the signal by which its program ends itself for want of memory
    pid: int = 0
    _wires: list[Wire] = field(default_factory=list)
    _busy: set[Wire] = field(default_factory=set)
    _tell: Callable[[], None] = field(default=lambda: None)
    _status: int | None = None
    _reason: Lost | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def post(self, path: str, body: bytes, seconds: float) -> Reply:
        wire = await self._connect()
        if wire is None:
            return Lost.BEFORE
        loop = asyncio.get_running_loop()
        self._busy.add(wire)
        self.watch.add(self)
        timer = loop.call_later(seconds, self._time_out, wire)
        reply: Reply = Lost.EXIT
        try:
            reply = await wire.ask(path, body)
        finally:
            timer.cancel()
            self._busy.discard(wire)
            wire.put_away(reply, self._wires)
            self._rest()
        return await self._why() if reply is Lost.EXIT and wire.lost else reply

    def _time_out(self, wire: Wire) -> None:
        """Of several calls, one that takes too long ends alone; the others go on to their own limits."""
        if len(self._busy) > 1:
            wire.give_up(Lost.TIME)
        else:
            self.abort(Lost.TIME)

    def _rest(self) -> None:
        if self._ended.is_set():
            self.watch.discard(self)
        elif not self._busy:
            self.watch.rest(self)

    async def _connect(self) -> Wire | None:
        while self._wires:
            wire = self._wires.pop()
            if wire.open:
                return wire
            wire.close()
        if self._ended.is_set() or self._reason:
            return None
        try:
            return await self._dial()
        except OSError:
            return None

    async def _dial(self) -> Wire:
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_unix_connection(Wire, str(self.folder / "door"))
        return wire

    def abort(self, reason: Lost) -> None:
        """End it now; whoever waits for an answer gets the reason."""
        self._reason = self._reason or reason
        self.end(self.pid)
        for wire in tuple(self._busy):
            wire.give_up(self._reason)

    async def _why(self) -> Lost:
        """A lost connection is seen before the exit that explains it."""
        if self._reason is None:
            await self._has_ended(self.explained)
        return self._reason or Lost.EXIT

    async def _has_ended(self, seconds: float) -> bool:
        if not self._ended.is_set():
            try:
                await asyncio.wait_for(self._ended.wait(), seconds)
            except TimeoutError:
                return False
        return True

    def mourn(self, status: int | None) -> None:
        """It has ended, with this wait status if its zygote lived to see it."""
        self._status = status
        if status is not None and os.WTERMSIG(status) == self.full:
            self._reason = self._reason or Lost.MEMORY
        self._ended.set()
        self.watch.discard(self)
        for wire in (*self._wires, *self._busy):
            wire.give_up(self._reason or Lost.EXIT)
        self._tell()

    def on_end(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    async def logs(self, *, ended: bool) -> list[str]:
        if not ended:
            return await self.output.collect(_SENTINEL_SECONDS)
        if self._busy:
            return self.output.take()  # others are not over
        self.end(self.pid)
        await self._has_ended(EXPLAINED_SECONDS)
        return self.output.finish()

    def epitaph(self) -> str | None:
        if self._reason is Lost.TIME:
            return "The container was ended at the time limit, and with it all that the action had started."
        if self._reason is Lost.MEMORY:
            return f"The container wanted more than its {self.memory // _MEBIBYTE} MB and was ended."
        if not self._ended.is_set():
            return None
        if self._status is None:
            return "The container ended together with the process it was forked from."
        code = os.waitstatus_to_exitcode(self._status)
        if code < 0:
            return f"The container was ended by signal {-code} ({signal.strsignal(-code)})."
        return f"The container exited with status {code}."

    async def stop(self) -> None:
        self._reason = self._reason or Lost.EXIT
        self.end(self.pid)
        await self._has_ended(2)
        for wire in self._wires:
            wire.close()
        self.output.close()
        await self._remove()

    async def _remove(self) -> None:
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)


async def fork(
    parent: zygote.Zygote,
    executable: Executable,
    folder: Path,
    variables: dict[str, str],
    watch: Watch,
    program: list[str],
) -> ProcessContainer:
    """A container that listens; `/init` can be posted at once, the socket's backlog holds it."""
    for part in (folder, folder / "work", folder / "tmp"):
        part.mkdir()
    own = variables | {"TMPDIR": str(folder / "tmp"), "HOME": str(folder / "work")}
    with ExitStack() as theirs:
        listener = theirs.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(str(folder / "door"))
        listener.listen(
            16 + executable.concurrency
        )  # where none is left, a call is told that nobody is there
        (stdout, stdout_end), (stderr, stderr_end) = open_pipe(theirs), open_pipe(theirs)
        alone = executable.concurrency == 1
        marked = bool(program) or not alone
        own |= {} if marked else _UNMARKED
        output = Logs(stdout, stderr, executable.logs * _MEBIBYTE, alone=alone, marked=marked)
        memory = executable.memory * _MEBIBYTE
        container = ProcessContainer(folder, memory, watch, output, parent.end, *_nature(program))
        birth = zygote.Birth(folder / "work", own, listener, stdout_end, stderr_end, program)
        try:
            container.pid = await parent.fork(birth, container.mourn)
        except BaseException:
            output.close()
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return container


def _nature(program: list[str]) -> tuple[Origin, int | None]:
    """Of a fork that stays what it is, or becomes Node.js: V8 aborts when its heap is full before we look."""
    return ("cold", signal.SIGABRT) if program else ("forked", None)


def open_pipe(stack: ExitStack) -> tuple[int, int]:
    """Ours to read, theirs to write; theirs is closed with the stack."""
    ours, theirs = os.pipe()
    stack.callback(os.close, theirs)
    return ours, theirs
