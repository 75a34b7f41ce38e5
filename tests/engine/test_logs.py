"""The lines of an activation's log."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from deepwhisk.engine.logs import MISSING, SENTINEL, TRUNCATED, Logs, line
from fixtures.pool import becomes

END = SENTINEL + b"\n"


class Pipes:
    """The writing ends of a container's two pipes, and the logs that read them."""

    def __init__(self, limit: int, *, alone: bool = False, marked: bool = True) -> None:
        (out, self.stdout), (err, self.stderr) = os.pipe(), os.pipe()
        self.logs = Logs(out, err, limit, alone=alone, marked=marked)

    def print(self, out: bytes = b"", err: bytes = b"") -> None:
        os.write(self.stdout, out)
        os.write(self.stderr, err)

    def close(self) -> None:
        self.logs.close()
        for writer in (self.stdout, self.stderr):
            os.close(writer)


@pytest.fixture
async def pipes() -> AsyncIterator[Pipes]:
    pipes = Pipes(10_000)
    yield pipes
    pipes.close()


def texts(lines: list[str]) -> list[str]:
    return [line[31:] for line in lines]


async def test_a_line_has_its_time_its_stream_and_its_text() -> None:
    assert (
        line("stdout", "hello", 1_767_225_600_123_456_789) == "2026-01-01T00:00:00.123456789Z stdout: hello"
    )


async def test_lines_up_to_the_sentinels_belong_to_the_call(pipes: Pipes) -> None:
    pipes.print(b"one\ntwo\n" + END, b"three\n" + END)

    assert texts(await pipes.logs.collect(1)) == ["stdout: one", "stdout: two", "stderr: three"]


async def test_the_next_call_has_lines_of_its_own(pipes: Pipes) -> None:
    pipes.print(b"one\n" + END, END)
    await pipes.logs.collect(1)
    pipes.print(b"two\n" + END, END)

    assert texts(await pipes.logs.collect(1)) == ["stdout: two"]


async def test_a_sentinel_may_come_in_pieces_and_late(pipes: Pipes) -> None:
    pipes.print(b"one\n" + END[:10], END)
    collecting = pipes.logs.collect(60)

    task = asyncio.create_task(collecting)
    await asyncio.sleep(0.01)
    pipes.print(END[10:])

    assert texts(await task) == ["stdout: one"]


async def test_without_sentinels_what_came_is_given_and_the_issue_told(pipes: Pipes) -> None:
    pipes.print(b"one\n", END)

    assert texts(await pipes.logs.collect(0.05)) == ["stdout: one", f"stderr: {MISSING}"]


async def test_a_closed_stream_is_not_waited_for(pipes: Pipes) -> None:
    pipes.print(b"one", END)
    os.close(pipes.stdout)
    pipes.stdout = os.open(os.devnull, os.O_WRONLY)

    assert texts(await pipes.logs.collect(60)) == ["stdout: one", f"stderr: {MISSING}"]


async def test_bytes_that_are_no_utf8_are_replaced(pipes: Pipes) -> None:
    pipes.print(b"caf\xe9\n" + END, END)

    assert texts(await pipes.logs.collect(1)) == ["stdout: caf\ufffd"]


async def test_past_the_limit_lines_are_left_out_and_that_is_told(pipes: Pipes) -> None:
    pipes.print(b"short\n" + b"x" * 20_000 + b"\nafter\n" + END, b"err\n" + END)

    assert texts(await pipes.logs.collect(1)) == ["stdout: short", f"stderr: {TRUNCATED.format(10_000)}"]


async def test_a_sentinel_is_found_past_the_limit_even_in_pieces(pipes: Pipes) -> None:
    pipes.print(b"x" * 20_000)
    await becomes(lambda: pipes.logs._streams["stdout"]._room, False)
    pipes.print(b"y" * 100 + END[:20], END)
    pipes.logs.drain()
    pipes.print(END[20:])

    assert texts(await pipes.logs.collect(1)) == [f"stderr: {TRUNCATED.format(10_000)}"]


async def test_the_limit_is_for_each_call_anew(pipes: Pipes) -> None:
    pipes.print(b"x" * 20_000 + END, END)
    await pipes.logs.collect(1)
    pipes.print(b"one\n" + END, END)

    assert texts(await pipes.logs.collect(1)) == ["stdout: one"]


async def test_calls_that_overlap_take_turns(pipes: Pipes) -> None:
    pipes.print(b"one\n" + END + b"two\n" + END, END + END)

    assert texts(await pipes.logs.collect(1)) == ["stdout: one", "stdout: two"]
    assert texts(await pipes.logs.collect(1)) == []


async def test_a_limit_of_nothing_keeps_nothing() -> None:
    pipes = Pipes(0)
    pipes.print(b"one\n" * 1000 + END, END)

    assert await pipes.logs.collect(1) == []
    pipes.close()


@pytest.mark.parametrize("more", [b"", b"x" * 60 + b"\n"])
async def test_sentinels_that_an_action_prints_itself_give_nothing_to_the_next_call(more: bytes) -> None:
    pipes = Pipes(1_000_000, alone=True)
    pipes.print(b"one\n" + END + b"two\n" + more * 900 + END, END + END + END)
    await asyncio.sleep(0)
    first = texts(await pipes.logs.collect(1))
    pipes.print(b"three\n" + END, END)
    second = texts(await pipes.logs.collect(1))
    pipes.close()

    assert (first[:2], len(first)) == (["stdout: one", "stdout: two"], 2 + 900 * bool(more))
    assert second == ["stdout: three"]


@pytest.fixture
async def unmarked() -> AsyncIterator[Pipes]:
    pipes = Pipes(10_000, alone=True, marked=False)
    yield pipes
    pipes.close()


async def test_without_marks_what_was_printed_until_now_is_the_calls(unmarked: Pipes) -> None:
    unmarked.print(b"one\ntwo", b"three\n")
    first = texts(await unmarked.logs.collect(60))
    nothing = await unmarked.logs.collect(60)
    unmarked.print(b"x" * 20_000, b"four\n")

    assert first == ["stdout: one", "stderr: three", "stdout: two"]
    assert nothing == []
    assert texts(await unmarked.logs.collect(60)) == [f"stderr: {TRUNCATED.format(10_000)}"]
    unmarked.print(b"five\n")
    assert texts(await unmarked.logs.collect(60)) == ["stdout: five"]


async def test_without_marks_a_closed_stream_is_told(unmarked: Pipes) -> None:
    unmarked.print(b"one\n")
    os.close(unmarked.stdout)
    unmarked.stdout = os.open(os.devnull, os.O_WRONLY)

    assert texts(await unmarked.logs.collect(60)) == ["stdout: one", f"stderr: {MISSING}"]
