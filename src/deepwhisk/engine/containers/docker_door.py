"""The way into a container of Docker: port 8080 of its own address, by connections that are kept."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from deepwhisk.engine.containers.docker_api import Docker
from deepwhisk.engine.containers.wire import Wire
from deepwhisk.errors import ContainerFailed

PORT = 8080
_RETRY = 0.01  # seconds, until its port is listened on
_CONNECT, _CONNECT_AGAIN = 10.0, 2.0  # where it was listened on before, and until it is


@dataclass(slots=True)
class Door:
    """Of one container. An address goes to another one as soon as the container has ended."""

    docker: Docker
    id: str
    address: str
    kept: list[Wire] = field(default_factory=list)

    def close(self) -> None:
        for wire in self.kept:
            wire.close()

    async def open(self, *, patient: bool, over: Callable[[], bool]) -> Wire | None:
        """A connection; None if the container has ended. PATIENT waits until it listens, or is OVER."""
        left = False
        while self.kept:
            wire = self.kept.pop()
            if wire.open:
                return wire
            wire.close()
            left = True
        if left and not await self._runs():
            return None
        return await (self._first(over) if patient else self._dial(_CONNECT))

    async def _first(self, over: Callable[[], bool]) -> Wire | None:
        while not over():
            wire = await self._dial(_CONNECT_AGAIN)
            if wire is not None:
                if await self._runs():
                    return wire
                wire.close()
                return None
            await asyncio.sleep(_RETRY)
        return None

    async def _dial(self, seconds: float) -> Wire | None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                _, wire = await loop.create_connection(Wire, self.address, PORT)
        except OSError:  # TimeoutError too
            return None
        return wire

    async def _runs(self) -> bool:
        try:
            return bool((await self.docker.state(self.id))["Running"])
        except ContainerFailed:
            return False
