"""Clients that are slow, silent, gone or many: the others are answered, and nothing is kept for ever."""

import asyncio
import base64
import contextlib
import json
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from deepwhisk.engine.connections import Patience
from fixtures.engine import Whisk, a_whisk

MANY = 2000
SOON = 60  # seconds in which a test would have failed


@pytest.fixture
async def hasty(tmp_path: Path) -> AsyncIterator[Whisk]:
    async with a_whisk(tmp_path / "state", patience=Patience(body=0.5, reader=0.3)) as whisk:
        await whisk.api.make("a")
        yield whisk


@pytest.fixture
async def restless(tmp_path: Path) -> AsyncIterator[Whisk]:
    """One that lets go of who is idle, if need be of the client of the tests, should that be held up."""
    async with a_whisk(tmp_path / "state") as whisk:
        await whisk.api.make("a")
    async with a_whisk(tmp_path / "state", patience=Patience(idle=0.5)) as whisk:
        yield whisk


async def connect(whisk: Whisk) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = whisk.api.address.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


def head(whisk: Whisk, method: str, path: str, *more: str) -> bytes:
    key = base64.b64encode(str(whisk.api.credentials).encode()).decode()
    lines = [
        f"{method} /api/v1/namespaces/_/{path} HTTP/1.1",
        "Host: h",
        f"Authorization: Basic {key}",
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def call(whisk: Whisk, length: int = 0) -> bytes:
    return head(
        whisk,
        "POST",
        "actions/a?blocking=true&result=true",
        "Content-Type: application/json",
        f"Content-Length: {length}",
    )


async def works(whisk: Whisk) -> bool:
    return bool(await whisk.api.result("a", {"n": 1}) == {"n": 1})


async def works_at_last(restless: Whisk) -> bool:
    while True:
        with contextlib.suppress(aiohttp.ClientConnectionError):  # let go as idle
            return await works(restless)


@pytest.mark.parametrize("said", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: h\r\nX-A: "])
async def test_who_does_not_finish_asking_is_let_go(restless: Whisk, said: bytes) -> None:
    reader, writer = await connect(restless)
    writer.write(said)

    async with asyncio.timeout(SOON):
        with contextlib.suppress(ConnectionResetError):  # when it was let go before it had said that
            assert await reader.read() == b""
    writer.close()
    assert await works_at_last(restless)


async def test_a_head_that_drips_is_not_waited_for(restless: Whisk) -> None:
    reader, writer = await connect(restless)
    writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n")
    gone = asyncio.create_task(reader.read())
    async with asyncio.timeout(SOON):
        while not gone.done():
            writer.write(b"X-A: 1\r\n")
            await asyncio.sleep(0.05)
    writer.close()
    assert isinstance(gone.exception(), ConnectionResetError | None)
    assert await works_at_last(restless)


async def test_a_body_that_drips_is_refused(hasty: Whisk) -> None:
    reader, writer = await connect(hasty)
    writer.write(call(hasty, 1000))
    answer = asyncio.create_task(reader.readuntil(b"seconds."))
    async with asyncio.timeout(SOON):
        while not answer.done():
            writer.write(b" ")
            await asyncio.sleep(0.05)

    assert (await answer).startswith(b"HTTP/1.1 408 ")
    writer.close()
    assert await works(hasty)


async def test_who_leaves_in_the_middle_of_a_body_costs_nothing(
    hasty: Whisk, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(20):
        _, writer = await connect(hasty)
        writer.write(call(hasty, 1000) + b'{"n":')
        await writer.drain()
        writer.close()
    await asyncio.sleep(0.1)

    assert await works(hasty)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_who_leaves_while_waiting_loses_only_the_answer(hasty: Whisk) -> None:
    hasty.pool.open.clear()
    _, writer = await connect(hasty)
    writer.write(call(hasty))
    while not hasty.pool.calls:
        await asyncio.sleep(0.01)
    writer.close()
    hasty.pool.open.set()

    record = await hasty.api.record(hasty.pool.calls[0][1].activation_id)
    assert record["response"]["success"]


async def test_who_does_not_read_is_let_go(hasty: Whisk) -> None:
    large = {"x": "y" * 1_000_000}
    for _ in range(20):
        await hasty.api("POST", "actions/a", large)
    while hasty.platform.running:
        await asyncio.sleep(0.01)
    before = asyncio.all_tasks()
    reader, writer = await connect(hasty)
    writer.write(head(hasty, "GET", "activations?docs=true"))
    await reader.readuntil(b"\r\n\r\n")
    transport = writer.transport
    transport.pause_reading()  # type: ignore[attr-defined]
    async with asyncio.timeout(SOON):
        serving = asyncio.all_tasks() - before
        await asyncio.gather(*serving, return_exceptions=True)
    transport.resume_reading()  # type: ignore[attr-defined]

    assert await works(hasty)
    async with asyncio.timeout(SOON):
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(19_000_000)
    writer.close()


async def test_two_thousand_connections_are_open_and_all_are_answered(whisk: Whisk) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 3 * MANY:
        pytest.skip(f"needs {3 * MANY} open files: ulimit -n {3 * MANY}")
    await whisk.api.make("a")
    connections = [await connect(whisk) for _ in range(MANY)]
    assert await works(whisk)  # beside those that are idle

    async with asyncio.timeout(10 * SOON):
        for _, writer in connections:
            writer.write(call(whisk, 7) + b'{"n":1}')
        answers = await asyncio.gather(*(reader.readuntil(b'{"n":1}') for reader, _ in connections))

    assert {answer.split(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 200 OK"}
    for _, writer in connections:
        writer.close()


async def test_one_connection_too_many_is_told_so(tmp_path: Path) -> None:
    async with a_whisk(tmp_path / "state", patience=Patience(connections=3)) as whisk:
        held = [await connect(whisk) for _ in range(3)]
        await asyncio.sleep(0.05)
        reader, writer = await connect(whisk)

        assert (await reader.read()).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        writer.close()
        for _, each in held:
            each.close()
        await asyncio.sleep(0.05)
        answer = await whisk.api("GET", "actions")
    assert (answer.status, json.loads(answer.body)) == (200, [])
