"""HTTP/1.1 as far as a container needs it: requests with a `Content-Length` on kept connections.

Hand-written because it is on the path of every call: reading a request and writing an answer take some ten
microseconds together, a general server takes several hundred.
"""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 256 * 1024 * 1024
LONGEST_NUMBER = 20
RECEIVE = 64 * 1024  # more would be mapped and unmapped for each request
SEND_SECONDS = 30
REASONS = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
}


class Malformed(Exception):
    """Raised when what arrives is no request that can be answered; the connection closes after the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    body: bytes
    keep: bool  # whether the client means to send another on the same connection


@dataclass(frozen=True, slots=True)
class Head:
    """The part of a request before its body."""

    method: str
    path: str
    length: int
    keep: bool
    expects: bool  # the client waits for a word before it sends the body


class Connection:
    """One client: what it has sent so far, and where answers go."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self._received = bytearray()
        self._head: Head | None = None
        client.setblocking(True)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_SECONDS, 0))
        if client.family != socket.AF_UNIX:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self) -> bool:
        """Take in what has arrived; False when the client has closed."""
        data = self.client.recv(RECEIVE)
        self._received += data
        return bool(data)

    @property
    def amid(self) -> bool:
        """Whether a request has begun to come."""
        return self._head is not None or bool(self._received)

    def gone(self) -> bool:
        """Whether the client has closed while it was to wait for an answer."""
        try:
            return not self.client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def requests(self) -> Iterator[Request]:
        """The requests that have arrived whole."""
        while (head := self._head or self._read_head()) and len(self._received) >= head.length:
            body = bytes(memoryview(self._received)[: head.length])
            del self._received[: head.length]
            self._head = None
            yield Request(head.method, head.path, body, head.keep)

    def _read_head(self) -> Head | None:
        end = self._received.find(b"\r\n\r\n", 0, LARGEST_HEAD)
        if end < 0:
            if len(self._received) >= LARGEST_HEAD:
                raise Malformed(431, f"the head of the request is larger than {LARGEST_HEAD} bytes")
            return None
        head = parse_head(bytes(memoryview(self._received)[:end]))
        del self._received[: end + 4]
        if head.expects and len(self._received) < head.length:
            self.client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._head = head
        return head

    def answer(self, status: int, body: bytes, keep: bool = True, headers: str = "") -> None:
        """Send a JSON answer in one piece; HEADERS are further ones, each with its end of line."""
        close = "" if keep else "Connection: close\r\n"
        head = (
            f"HTTP/1.1 {status} {REASONS.get(status, '')}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n{close}{headers}\r\n"
        )
        self.client.sendall(head.encode() + body)


def parse_head(text: bytes) -> Head:
    """Read request line and headers."""
    line, *lines = text.decode("latin-1").split("\r\n")
    try:
        method, target, version = line.split(" ")
    except ValueError:
        raise Malformed(400, f"not an HTTP request: {line[:80]!r}") from None
    fields = {}
    for field in lines:
        name, _, value = field.partition(":")
        fields[name.lower()] = value.strip()
    connection = fields.get("connection", "").lower()
    keep = connection == "keep-alive" if version == "HTTP/1.0" else connection != "close"
    length = content_length(method, fields)
    return Head(method, target.partition("?")[0], length, keep, fields.get("expect", "") != "")


def content_length(method: str, fields: dict[str, str]) -> int:
    """The length of the body that follows."""
    if "transfer-encoding" in fields:
        raise Malformed(411, "send a Content-Length: bodies in chunks are not taken")
    given = fields.get("content-length", "0")
    if not (given.isascii() and given.isdigit()):
        raise Malformed(400, f"the Content-Length is no number: {given[:40]!r}")
    # Python reads no number of thousands of digits.
    if len(given) > LONGEST_NUMBER or int(given) > LARGEST_BODY:
        raise Malformed(413, f"the body of {given[:40]} bytes is larger than {LARGEST_BODY}")
    return int(given)
