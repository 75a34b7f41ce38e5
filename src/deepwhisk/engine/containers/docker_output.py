"""What Docker sends of an attached container: both streams as one.

It comes in frames: the stream's number, three zeros, the length, the text.
"""

from collections.abc import AsyncIterator

_STREAMS = {1: "stdout", 2: "stderr"}
_HEADER = 8


async def frames(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, bytes]]:
    """Name and text, as they come; an empty text is the end of a stream."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        while len(held) >= _HEADER:
            end = _HEADER + int.from_bytes(held[4:_HEADER])
            if len(held) < end:
                break
            yield _STREAMS[held[0]], bytes(held[_HEADER:end])
            del held[:end]
    for name in _STREAMS.values():
        yield name, b""
