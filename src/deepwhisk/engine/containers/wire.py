"""HTTP/1.1 to one container: only what `/init` and `/run` need.

Hand-written because every call goes through it. One request at a time, kept alive. An answer must have a
Content-Length; what exceeds `KEPT` is counted, not kept.
"""

import asyncio
import re
import select
from typing import cast

from deepwhisk.engine.container import Answer, Lost, Reply
from deepwhisk.engine.invocation import Usage

KEPT = 1 << 20
EXPLAINED_SECONDS = 5.0  # until the end behind a lost connection is known; on a busy machine that takes long
_HEAD_LIMIT = 1 << 16
_LONGEST_NUMBER = 20
# As the project's own containers have it: `deepwhisk_runtime.usage`, `main.cjs`.
_USAGE = re.compile(rb"\r\nX-Deepwhisk-Usage: cpu=(\d{1,9}\.\d{6}), memory=(\d{1,15})\r?$", re.MULTILINE)


class Wire(asyncio.Protocol):
    """A kept connection."""

    def __init__(self) -> None:
        self._connected = False
        self._end = select.poll()
        self.keeps = True  # whether the last answer left it open for the next
        self._waiter: asyncio.Future[Reply] | None = None
        self._fresh()

    def _fresh(self) -> None:
        self._buffer = b""
        self._pieces: list[bytes] | None = None  # of the body, once the head is complete
        self._status = self._length = self._seen = 0
        self._usage: Usage | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._end.register(transport.get_extra_info("socket").fileno(), select.POLLRDHUP)
        self._connected = True

    def connection_lost(self, exc: Exception | None) -> None:
        self._connected = False
        self.give_up(Lost.EXIT)

    @property
    def open(self) -> bool:
        """Whether the container is there this very moment: a call sent to one that has gone would be lost."""
        return self._connected and not self._transport.is_closing() and not self._end.poll(0)

    @property
    def lost(self) -> bool:
        """Whether the other side has closed it, by its end if it is no strange one."""
        return not self._connected

    def put_away(self, reply: Reply, kept: "list[Wire]") -> None:
        """To what is KEPT for other calls; else closed: a container sees by that that its caller has left."""
        if isinstance(reply, Lost) or not self.keeps:
            self.close()
        else:
            kept.append(self)

    def ask(self, path: str, body: bytes) -> asyncio.Future[Reply]:
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        if self._transport.is_closing():
            self._settle(Lost.BEFORE)
            return waiter
        head = (
            f"POST {path} HTTP/1.1\r\nHost: container\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._transport.write(head.encode() + body)
        return waiter

    def give_up(self, reason: Lost) -> None:
        self._settle(reason)

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        if self._pieces is None:
            data = self._read_head(self._buffer + data)
        if self._pieces is not None:
            self._read_body(data)

    def _read_head(self, data: bytes) -> bytes:
        """Returns what follows the head; keeps all while that is incomplete."""
        head, blank, rest = data.partition(b"\r\n\r\n")
        if not blank:
            self._buffer = data
            if len(data) > _HEAD_LIMIT:
                self._reject()
            return b""
        small = head.lower()
        length = _content_length(small)
        if length is None or not head[9:12].isdigit():
            self._reject()
            return b""
        self._usage = _read_usage(head)
        self.keeps = head.startswith(b"HTTP/1.1") and b"\r\nconnection: close" not in small
        self._status, self._length, self._pieces = int(head[9:12]), length, []
        return rest

    def _read_body(self, data: bytes) -> None:
        pieces = cast(list[bytes], self._pieces)
        if self._seen < KEPT:
            pieces.append(data[: KEPT - self._seen])
        self._seen += len(data)
        if self._seen >= self._length:
            answer = Answer(self._status, b"".join(pieces)[: self._length], self._length, self._usage)
            self._fresh()
            self._settle(answer)

    def _reject(self) -> None:
        self._settle(Lost.EXIT)
        self.close()

    def _settle(self, reply: Reply) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(reply)


def _content_length(head: bytes) -> int | None:
    _, name, after = head.partition(b"\r\ncontent-length:")
    value = after.partition(b"\r\n")[0].strip()
    return int(value) if name and value.isdigit() and len(value) < _LONGEST_NUMBER else None


def _read_usage(head: bytes) -> Usage | None:
    found = _USAGE.search(head)
    return Usage(float(found[1]), int(found[2])) if found else None
