"""Waitress's channel with a way past its threads, for a model whose calls are over at once.

A plain prediction that has come whole is answered where it is read: waking a thread and Waitress's own work
cost ten times what a small model does. Whatever else comes, and all calls of a slow model, go
through Waitress. Law: no client can tell.
"""

import functools
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from waitress.channel import HTTPChannel
from waitress.utilities import build_http_date

from deepwhisk_runtime.direct import Direct, Reply, line

LARGEST_HEAD = 4096
LARGEST_BODY = 64 * 1024
HEADS = 256  # clients send the same head again and again
FIELD = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?[ \t]*")
NOT_PLAIN = ("transfer-encoding", "expect", "upgrade")


class Quick:
    """What is to be answered at once, below a path."""

    def __init__(self, direct: Direct, base: str) -> None:
        self._direct = direct
        self._line = f"POST {base}{direct.path} HTTP/1.1"
        self.length = functools.lru_cache(HEADS)(self._length)

    @property
    def due(self) -> bool:
        """Whether the model is one for this way."""
        return self._direct.quick

    def answer(self, content: bytes, server: str) -> bytes:
        """The whole answer to a body."""
        return written(self._direct.answer(content, {}), server)

    def _length(self, head: bytes) -> int | None:
        """The length of the body that follows a head; nothing where that begins no plain prediction."""
        if len(head) > LARGEST_HEAD:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = fields_of(lines)
        if (
            first != self._line
            or fields is None
            or not self._direct.takes(environ(self._direct.path, fields))
        ):
            return None
        length = int(fields["content-length"])
        return length if length <= LARGEST_BODY else None


def channel_of(quick: Quick) -> Callable[..., "Channel"]:
    """What Waitress makes for each client."""
    return functools.partial(Channel, quick)


class Channel(HTTPChannel):
    """One client."""

    def __init__(self, quick: Quick, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._quick = quick
        self._held = b""

    def received(self, data: bytes) -> bool:
        """Answer what has come, hold it until it is whole, or let Waitress have it."""
        data, self._held = self._held + data, b""
        end = data.find(b"\r\n\r\n") + 4
        length = self._quick.length(data[: end - 4]) if end > 4 and self._free() else None
        if length is None or len(data) > end + length:
            return bool(super().received(data))
        if len(data) < end + length:
            self._held = data
        else:
            self._say(self._quick.answer(data[end:], self.adj.ident))
        return True

    def _free(self) -> bool:
        """Whether nothing is under way here, and the model is quick."""
        under_way = self.request or self.requests or self.total_outbufs_len
        return not (under_way or self.will_close or self.close_when_flushed) and self._quick.due

    def _say(self, text: bytes) -> None:
        sent = self.send(text)
        if sent < len(text) and self.connected:
            with self.outbuf_lock:  # Waitress sends the rest as the client takes it
                self.outbufs[-1].append(text[sent:])
                self.current_outbuf_count += len(text) - sent
                self.total_outbufs_len += len(text) - sent


def fields_of(lines: list[str]) -> dict[str, str] | None:
    """The fields of a head; nothing where that is not as plain as can be."""
    found = [FIELD.fullmatch(each) for each in lines]
    fields = {each[1].lower(): each[2] or "" for each in found if each}
    plain = len(fields) == len(lines) and not any(name in fields for name in NOT_PLAIN)
    return fields if plain and fields.get("connection", "keep-alive").lower() == "keep-alive" else None


def environ(path: str, fields: Mapping[str, str]) -> dict[str, str]:
    """What WSGI makes of a head."""
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "CONTENT_TYPE": fields.get("content-type", ""),
        "CONTENT_LENGTH": fields.get("content-length", ""),
        "HTTP_ACCEPT": fields.get("accept", ""),
    }


def written(reply: Reply, server: str) -> bytes:
    """An answer as Waitress writes it."""
    head = (
        f"HTTP/1.1 {line(reply.status)}\r\nContent-Length: {len(reply.body)}\r\n"
        f"Content-Type: {reply.content_type}\r\nDate: {date(int(time.time()))}\r\nServer: {server}\r\n\r\n"
    )
    return head.encode("latin-1") + reply.body


@functools.lru_cache(1)
def date(second: int) -> str:
    """A time as HTTP writes it."""
    return str(build_http_date(second))
