"""Lets containers reach what listens on the loopback address of this machine only: the engine, a store.

What arrives at the gateway of their network, which only this machine has, goes on to it.
"""

import asyncio
import contextlib
from urllib.parse import urlsplit

from deepwhisk.errors import ContainerFailed
from deepwhisk.sockets import is_loopback

_CHUNK = 1 << 16


class Relay:
    """A door at `gateway`; `address` is what containers call what is behind it."""

    def __init__(self, gateway: str, address: str) -> None:
        self.gateway, self.address = gateway, address
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def listen(self, port: int, to: tuple[str, int]) -> None:
        """Serve at PORT, or a free one if that is 0. Raises OSError."""

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(_serve(reader, writer, *to))
            self._open.add(task)
            task.add_done_callback(self._open.discard)
            task.add_done_callback(lambda _: writer.close())  # also if it was canceled before it began

        self._server = await asyncio.start_server(serve, self.gateway, port)
        self.address = f"http://{self.gateway}:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in (serving := tuple(self._open)):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def open_relay(gateway: str, target: str, any_port: bool = True) -> Relay:
    """From GATEWAY to TARGET, on the same port, or ANY_PORT if that is taken; none if TARGET needs none.

    Raises ContainerFailed.
    """
    parts = urlsplit(target)
    host, port = str(parts.hostname), parts.port or 80
    if not is_loopback(target):
        return Relay(gateway, target)

    relay = Relay(gateway, target)
    for wanted in (port, 0) if any_port else (port,):
        try:
            await relay.listen(wanted, (host, port))
        except OSError as fault:
            last = fault
        else:
            return relay
    raise ContainerFailed(
        f"containers cannot reach {target}: {gateway}, the gateway of their network, is no address of this "
        f"machine, or that port is taken there ({last}); Docker has to run here, and not in a virtual "
        "machine or rootless"
    )


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
    with contextlib.suppress(OSError):  # one of both has gone, and the other is told
        await _join(reader, writer, host, port)


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
    there, back = await asyncio.open_connection(host, port)
    with contextlib.closing(back):
        await asyncio.gather(_pour(reader, back), _pour(there, writer))


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while chunk := await source.read(_CHUNK):
        sink.write(chunk)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()
