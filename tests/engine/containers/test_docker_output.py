"""Frames of Docker, in whatever pieces they come."""

from collections.abc import AsyncIterator

import pytest

from deepwhisk.engine.containers.docker_output import frames

SENT = b"\x01\0\0\0\0\0\0\x03out" + b"\x02\0\0\0\0\0\0\x03err" + b"\x01\0\0\0\0\0\x01\x00" + b"x" * 256


@pytest.mark.parametrize("size", [1, 7, 11, 1000])
async def test_frames_are_found_whole(size: int) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(SENT), size):
            yield SENT[start : start + size]

    assert [frame async for frame in frames(pieces())] == [
        ("stdout", b"out"),
        ("stderr", b"err"),
        ("stdout", b"x" * 256),
        ("stdout", b""),
        ("stderr", b""),
    ]
