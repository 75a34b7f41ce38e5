"""A container of Docker: `/init` and `/run` through its door, its output by attachment.

Law: one that is idle for a while is paused, and nobody notices. What an action starts, prints and uses ends
with its container.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from deepwhisk.engine.container import Lost, Origin, Reply
from deepwhisk.engine.containers.docker_api import Docker
from deepwhisk.engine.containers.docker_door import Door
from deepwhisk.engine.containers.wire import EXPLAINED_SECONDS, Wire
from deepwhisk.engine.logs import Output
from deepwhisk.errors import ContainerFailed

_SENTINEL_SECONDS, _NO_SENTINEL_SECONDS = 2.0, 0.05
_KILLED = 128 + signal.SIGKILL
_MEMORY_SECONDS, _MEMORY_RETRY = 2.0, 0.02


@dataclass(slots=True)
class DockerContainer:
    """One that has been started."""

    docker: Docker
    id: str
    door: Door
    memory: int  # MB
    output: Output
    grace: float
    origin: Origin = "cold"
    _busy: set[Wire] = field(default_factory=set)
    _calls: int = 0
    _resting: asyncio.TimerHandle | None = None
    _paused: bool = False
    _pausing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tell: Callable[[], None] = field(default=lambda: None)
    _state: dict[str, Any] | None = None
    _reason: Lost | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    patience: float = _SENTINEL_SECONDS  # for the ends of its logs
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _reading: asyncio.Task[None] | None = None

    def watch(self, printed: AsyncIterator[tuple[str, bytes]]) -> None:
        """Begin to read what it prints and to wait for its end."""
        self._reading = self._spawn(self._read(printed))
        self._spawn(self._mourn())

    async def post(self, path: str, body: bytes, seconds: float) -> Reply:
        if self._over:
            return Lost.BEFORE
        self._calls += 1
        asked: list[Wire] = []
        timer = asyncio.get_running_loop().call_later(seconds, self._time_out, asked)
        try:
            await self._wake()
            return await self._ask(path, body, asked)
        finally:
            timer.cancel()
            self._calls -= 1
            self._rest()

    def _time_out(self, asked: list[Wire]) -> None:
        """Of several calls, one that takes too long ends alone; the others go on to their own limits."""
        if len(self._busy) > 1 and asked:
            asked[0].give_up(Lost.TIME)
        else:
            self.abort(Lost.TIME)

    async def _ask(self, path: str, body: bytes, asked: list[Wire]) -> Reply:
        wire = await self.door.open(patient=path == "/init", over=lambda: self._over)
        if wire is None:
            return await self._why() if path == "/init" else self._reason or Lost.BEFORE
        reply: Reply = Lost.EXIT
        self._busy.add(wire)
        asked.append(wire)
        try:
            reply = await wire.ask(path, body)
        finally:
            self._busy.discard(wire)
            wire.put_away(reply, self.door.kept)
        return await self._why() if reply is Lost.EXIT and wire.lost else reply

    @property
    def _over(self) -> bool:
        return self._reason is not None or self._ended.is_set()

    def abort(self, reason: Lost) -> None:
        """End it now; whoever waits for an answer gets the reason."""
        self._reason = self._reason or reason
        self._spawn(self._kill())
        for wire in tuple(self._busy):
            wire.give_up(self._reason)

    async def _why(self) -> Lost:
        """A lost connection is seen before the exit that explains it."""
        if self._reason is None:
            await self._has_ended(EXPLAINED_SECONDS)
        return self._reason or Lost.EXIT

    async def _has_ended(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)

    async def _mourn(self) -> None:
        try:
            await self.docker.wait(self.id)
            self._state = await self._last_state()
        except ContainerFailed:
            self._state = {}  # Docker itself has ended
        if self._state.get("OOMKilled"):
            self._reason = self._reason or Lost.MEMORY
        self._ended.set()
        for wire in (*self.door.kept, *self._busy):
            wire.give_up(self._reason or Lost.EXIT)
        self._tell()

    async def _last_state(self) -> dict[str, Any]:
        """That memory was the cause is sometimes known a moment after the end."""
        until = asyncio.get_running_loop().time() + _MEMORY_SECONDS
        while True:
            state = await self.docker.state(self.id)
            killed = self._reason is None and state["ExitCode"] == _KILLED
            if not killed or state["OOMKilled"] or asyncio.get_running_loop().time() > until:
                return state
            await asyncio.sleep(_MEMORY_RETRY)

    def _rest(self) -> None:
        if self._calls == 0 and not self._over:
            loop = asyncio.get_running_loop()
            self._resting = loop.call_later(self.grace, lambda: self._spawn(self._pause()))

    async def _pause(self) -> None:
        async with self._pausing:
            if self._calls or self._over:
                return
            self._paused = True  # it may be, also if Docker's answer is lost
            await self._order("POST", "/pause")

    async def _wake(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        if self._paused or self._pausing.locked():
            async with self._pausing:
                if self._paused:
                    await self._order("POST", "/unpause")
                    self._paused = False

    async def _kill(self) -> None:
        await self._order("POST", "/kill")

    async def _order(self, method: str, path: str, **query: str) -> bool:
        """False: it has ended, or Docker has, which is told elsewhere."""
        try:
            await self.docker.ask(method, f"/containers/{self.id}{path}", **query)
        except ContainerFailed:
            return False
        return True

    async def _read(self, printed: AsyncIterator[tuple[str, bytes]]) -> None:
        async for name, text in printed:
            self.output.feed(name, text)
            self.output.tell()

    def on_end(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    async def logs(self, *, ended: bool) -> list[str]:
        if ended and self._busy:
            return self.output.take()  # others are not over
        if ended:
            await self._kill()
            await self._has_ended(EXPLAINED_SECONDS)
            if self._reading is not None:
                await asyncio.wait({self._reading}, timeout=1)
            return self.output.finish()
        lines = await self.output.collect(self.patience)
        # An image that knows nothing of sentinels shall not cost every call as much.
        self.patience = _NO_SENTINEL_SECONDS if self.output.missed else _SENTINEL_SECONDS
        return lines

    def epitaph(self) -> str | None:
        if self._reason is Lost.TIME:
            return "The container was ended at the time limit, and with it all that the action had started."
        if self._reason is Lost.MEMORY:
            return f"The container wanted more than its {self.memory} MB and was ended."
        if self._state is None:
            return None
        if "ExitCode" not in self._state:
            return "The container is lost: its Docker has ended or has forgotten it."
        return f"The container exited with status {self._state['ExitCode']}."

    async def stop(self) -> None:
        self._reason = self._reason or Lost.EXIT
        if self._resting is not None:
            self._resting.cancel()
        await self._order("DELETE", "", force="1", v="1")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.door.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
