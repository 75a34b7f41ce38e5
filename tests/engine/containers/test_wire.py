"""HTTP to a container, from a server that answers as it is told to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deepwhisk.engine.container import Answer, Lost
from deepwhisk.engine.containers.wire import KEPT, Wire
from deepwhisk.engine.invocation import Usage

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def answering(tmp_path: Path, *pieces: bytes, close: bool = False) -> AsyncIterator[Wire]:
    """A wire to a server that reads one request at a time and sends these pieces, one by one."""
    came: asyncio.Future[asyncio.Task[None] | None] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set_result(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError), contextlib.closing(writer):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                await reader.readexactly(length)
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.001)
                if close:
                    break
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_unix_server(serve, tmp_path / "door")
    _, wire = await asyncio.get_running_loop().create_unix_connection(Wire, str(tmp_path / "door"))
    async with server:
        serving = await came
        yield wire
        wire.close()
        assert serving is not None
        await serving


async def test_a_request_carries_its_length_and_its_answer_comes_back(tmp_path: Path) -> None:
    async with answering(tmp_path, OK) as wire:
        assert await wire.ask("/run", b'{"value":{}}') == Answer(200, b"{}", 2)


async def test_the_connection_is_kept(tmp_path: Path) -> None:
    async with answering(tmp_path, OK) as wire:
        assert [await wire.ask("/run", b"{}") for _ in range(3)] == [Answer(200, b"{}", 2)] * 3
        assert wire.open


async def test_what_was_never_sent_can_be_asked_of_another(tmp_path: Path) -> None:
    async with answering(tmp_path, OK) as wire:
        wire.close()  # as uvloop does when the container has gone, before it tells
        assert not wire.open
        assert await wire.ask("/run", b"{}") is Lost.BEFORE


async def test_an_answer_may_come_byte_by_byte(tmp_path: Path) -> None:
    async with answering(tmp_path, *(bytes([each]) for each in OK)) as wire:
        assert await wire.ask("/run", b"{}") == Answer(200, b"{}", 2)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.0 502 Bad Gateway\r\ncontent-length:2\r\n\r\n",
        b"HTTP/1.1 502\r\nServer: x\r\nCONTENT-LENGTH:   2  \r\nX: y\r\n\r\n",
    ],
)
async def test_headers_are_read_as_others_write_them(tmp_path: Path, head: bytes) -> None:
    async with answering(tmp_path, head + b"{}") as wire:
        assert await wire.ask("/run", b"{}") == Answer(502, b"{}", 2)


async def test_an_empty_body_is_an_answer(tmp_path: Path) -> None:
    async with answering(tmp_path, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as wire:
        assert await wire.ask("/init", b"{}") == Answer(200, b"", 0)


async def test_a_long_body_is_counted_but_not_kept(tmp_path: Path) -> None:
    body = b"x" * (3 * KEPT)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with answering(tmp_path, head, body) as wire:
        assert await wire.ask("/run", b"{}") == Answer(200, body[:KEPT], len(body))
        assert (await wire.ask("/run", b"{}")) == Answer(200, body[:KEPT], len(body))


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\n{}",
        b"nonsense\r\n\r\n",
        b"x" * 100_000,
    ],
)
async def test_what_is_no_http_with_a_length_is_no_answer(tmp_path: Path, head: bytes) -> None:
    async with answering(tmp_path, head) as wire:
        assert await wire.ask("/run", b"{}") is Lost.EXIT


@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", OK[:-1]])
async def test_a_connection_that_ends_early_is_no_answer(tmp_path: Path, part: bytes) -> None:
    async with answering(tmp_path, part, close=True) as wire:
        assert await wire.ask("/run", b"{}") is Lost.EXIT


async def test_whoever_waits_can_be_told_why_there_is_no_answer(tmp_path: Path) -> None:
    async with answering(tmp_path) as wire:
        asked = wire.ask("/run", b"{}")
        wire.give_up(Lost.TIME)

        assert await asked is Lost.TIME


async def test_an_answer_that_nobody_waits_for_any_more_does_no_harm(tmp_path: Path) -> None:
    async with answering(tmp_path, OK) as wire:
        asked = wire.ask("/run", b"{}")
        asked.cancel()
        await asyncio.sleep(0.02)

        assert wire.open


@pytest.mark.parametrize(
    ("line", "usage"),
    [
        (b"X-Deepwhisk-Usage: cpu=0.250000, memory=1048576\r\n", Usage(0.25, 1 << 20)),
        (b"X-Deepwhisk-Usage: cpu=much, memory=1\r\n", None),
        (b"", None),
    ],
)
async def test_an_answer_may_say_what_its_call_used(tmp_path: Path, line: bytes, usage: Usage | None) -> None:
    length = b"Content-Length: 2\r\n"
    for headers in (line + length, length + line):
        (tmp_path / "door").unlink(missing_ok=True)
        async with answering(tmp_path, b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n{}") as wire:
            assert await wire.ask("/run", b"{}") == Answer(200, b"{}", 2, usage)
            assert await wire.ask("/run", b"{}") == Answer(200, b"{}", 2, usage)


@pytest.mark.parametrize(
    ("answer", "keeps"),
    [
        (OK, True),
        (OK.replace(b"HTTP/1.1", b"HTTP/1.0"), False),
        (OK.replace(b"200 OK", b"200 OK\r\nConnection: Close"), False),
    ],
)
async def test_a_server_can_say_that_it_closes(tmp_path: Path, answer: bytes, keeps: bool) -> None:
    async with answering(tmp_path, answer) as wire:
        assert await wire.ask("/run", b"{}") == Answer(200, b"{}", 2)
        assert wire.keeps is keeps
