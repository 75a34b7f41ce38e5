"""Connections: how many there may be, and how slow the clients at their other ends.

Law: one that says nothing, or half of something, or does not read its answer, is let go after a while; what
it costs until then is a socket, and what it was sent.
"""

import asyncio
import contextlib
import resource
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web

from deepwhisk.engine.problems import Abandoned

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
SLOWEST = 10_000  # bytes a second; who sends or reads less is not waited for
BACKLOG = 1024
TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: 21\r\n"
    b"Retry-After: 1\r\nConnection: close\r\n\r\nToo many connections."
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds, and for how many at a time."""

    idle: float = 75.0  # for a request, from the connection or from the last answer to the end of the head
    body: float = 30.0  # and as long as its bytes need at the slowest
    reader: float = 30.0  # for who reads less than the slowest
    connections: int = 10_000  # if the system grants so many

    @property
    def most(self) -> int:
        """Half of the files that may be open: containers and the database need theirs."""
        return min(self.connections, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)


@contextlib.asynccontextmanager
async def listening(
    answer: Answer, listener: socket.socket, max_body: int, patience: Patience, grace: float
) -> AsyncIterator[None]:
    """Answers at LISTENER inside of the block; who is being answered at its end has GRACE seconds more."""
    server = _Server(answer, _request_factory(max_body, patience), patience)
    runner = web.ServerRunner(server, shutdown_timeout=grace, handle_signals=False)
    await runner.setup()
    await web.SockSite(runner, listener, backlog=BACKLOG).start()
    sweeping = asyncio.create_task(_sweep(server, patience))
    try:
        yield
    finally:
        sweeping.cancel()
        await runner.cleanup()


def open_more_files() -> None:
    """Takes what the system grants; the usual default is for programs that serve nobody."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class _Server(web.Server):
    """aiohttp's, which has no limit of its own."""

    def __init__(self, answer: Answer, request_factory: Any, patience: Patience) -> None:
        idle = patience.idle
        super().__init__(answer, request_factory=request_factory, access_log=None, keepalive_timeout=idle)
        self._most = patience.most

    def __call__(self) -> Any:
        return super().__call__() if len(self._connections) < self._most else _Refusal()


class _Refusal(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(TOO_MANY)
        transport.close()


def _request_factory(most: int, patience: Patience) -> Any:
    """Requests whose body may be MOST bytes; aiohttp's own stop at one mebibyte and wait for ever."""
    loop = asyncio.get_running_loop()

    class Request(web.BaseRequest):
        async def read(self) -> bytes:
            if self.content.is_eof():
                return self._all() or await super().read()
            seconds = patience.body + (self.content_length or most) / SLOWEST
            try:
                async with asyncio.timeout(seconds):
                    return await super().read()
            except TimeoutError:
                raise Abandoned(408, f"The body did not come within {seconds:.0f} seconds.") from None
            except (ConnectionError, web.RequestPayloadError) as broken:
                raise Abandoned(400, f"The body ended too early: {broken}") from None

        def _all(self) -> bytes:
            """A body that came with its head, as most do: at once, if it is as long as was said."""
            if self._read_bytes is None and self.content.total_bytes == self.content_length:
                self._read_bytes = self.content.read_nowait() if self.content_length <= most else None
            return self._read_bytes or b""

    def make(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        return Request(message, payload, protocol, writer, task, loop, client_max_size=most)

    return make


async def _sweep(server: _Server, patience: Patience) -> None:
    """Lets go who does not read: what waits for them is looked at now and then."""
    waited: dict[Any, tuple[int, int]] = {}
    while True:
        await asyncio.sleep(patience.reader)
        waiting = dict(_waiting(server.connections))
        for connection, (request, size) in waiting.items():
            before, larger = waited.get(connection, (None, 0))
            if before == request and larger - size < SLOWEST * patience.reader:
                connection.transport.abort()
        waited = waiting


def _waiting(connections: list[Any]) -> Iterator[tuple[Any, tuple[int, int]]]:
    """Who has not read all: the number of the request, and how many bytes of its answer are left."""
    for connection in connections:
        size = connection.transport.get_write_buffer_size() if connection.transport else 0
        if size:
            yield connection, (connection._request_count, size)
