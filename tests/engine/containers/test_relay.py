"""The way from containers to an engine on the loopback address."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deepwhisk.engine.containers.relay import open_relay
from deepwhisk.errors import ContainerFailed

GATEWAY = "127.0.0.2"


@pytest_asyncio.fixture
async def target() -> AsyncIterator[str]:
    """A server that says everything back and then ends."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(asyncio.CancelledError):
            writer.write(await reader.read())

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def ask(address: str, said: bytes) -> bytes:
    host, _, port = address.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(said)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def test_what_arrives_goes_on_and_comes_back_whole(target: str) -> None:
    relay = await open_relay(GATEWAY, target)
    answers = await asyncio.gather(*(ask(relay.address, bytes([n]) * 300_000) for n in range(5)))
    await relay.close()

    assert relay.address == target.replace("127.0.0.1", GATEWAY)
    assert answers == [bytes([n]) * 300_000 for n in range(5)]


async def test_another_port_is_taken_where_that_is_not_free(target: str) -> None:
    first, second = await open_relay(GATEWAY, target), await open_relay(GATEWAY, target)
    answer = await ask(second.address, b"hello")
    await first.close()
    await second.close()

    assert first.address != second.address
    assert answer == b"hello"


async def test_an_engine_that_has_gone_ends_the_connection() -> None:
    relay = await open_relay(GATEWAY, "http://127.0.0.1:1")
    answer = await ask(relay.address, b"")
    await relay.close()

    assert answer == b""


async def test_one_that_has_just_come_when_it_closes_is_ended(target: str) -> None:
    relay = await open_relay(GATEWAY, target)
    with socket.create_connection((GATEWAY, int(relay.address.rpartition(":")[2]))) as client:
        client.setblocking(False)
        while not relay._open:
            await asyncio.sleep(0)
        await relay.close()
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1), 60) == b""


async def test_an_address_that_containers_can_reach_needs_no_relay() -> None:
    relay = await open_relay(GATEWAY, "http://192.0.2.7:3233")
    await relay.close()

    assert relay.address == "http://192.0.2.7:3233"


async def test_a_gateway_elsewhere_is_told(target: str) -> None:
    with pytest.raises(ContainerFailed, match=r"192\.0\.2\.1.*no address of this machine"):
        await open_relay("192.0.2.1", target)


async def test_a_port_that_has_to_be_the_same_and_is_taken_is_told(target: str) -> None:
    first = await open_relay(GATEWAY, target)
    with pytest.raises(ContainerFailed, match=f"cannot reach {target}: .* that port is taken there"):
        await open_relay(GATEWAY, target, any_port=False)
    await first.close()
