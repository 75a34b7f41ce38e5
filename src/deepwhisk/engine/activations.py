"""Records of activations: made of outcomes, stored before they are told, found again by id, name and time.

A record is kept in pieces of JSON (head, response, logs), so that it is put together and never parsed. Apart
from it is what the call used: OpenWhisk's records do not say that, so one has to ask for it.
Ids begin with the time, which keeps the index of a large database growing at one end.
"""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from deepwhisk.engine import tallies
from deepwhisk.engine.codec import dumps, loads
from deepwhisk.engine.database import Database, Read, Rows, Statement
from deepwhisk.engine.invocation import STATUS, SUCCESS, Usage
from deepwhisk.engine.problems import missing
from deepwhisk.engine.tallies import Filter

_INSERT = (
    "INSERT OR IGNORE INTO activations (id, namespace, path, start, status, head, response, logs, usage) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_PIECES = "SELECT head, response, logs, usage FROM activations"
Pieces = tuple[bytes, bytes, bytes, bytes | None]  # head, response, logs, usage


def new_activation_id() -> str:
    """32 hexadecimal digits: 12 of time, 20 of chance."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"


@dataclass(slots=True)
class Record:
    """One activation, as clients see it."""

    id: str
    namespace: str  # the invoker's
    name: str
    path: str  # what it is filed under: "a", "package/a", "trigger"
    version: str
    start: int
    result: Any
    status: int = SUCCESS
    end: int | None = None  # None for a trigger, which does not last
    duration: int | None = None
    cause: str | None = None
    size: int | None = None
    logs: Sequence[str] = ()
    annotations: Mapping[str, Any] = field(default_factory=dict)
    subject: str | None = None  # the invoker, if his name is not the namespace's
    container: str | None = None  # "warm", "forked", "cold"
    usage: Usage | None = None
    _head: bytes = b""
    _response: bytes = b""

    @property
    def head(self) -> bytes:
        if not self._head:
            self._head = self._write_head()
        return self._head

    @property
    def response(self) -> bytes:
        if not self._response:
            self._response = self._write_response()
        return self._response

    def _write_response(self) -> bytes:
        shown = {"status": STATUS[self.status], "success": self.status == SUCCESS, "result": self.result}
        if self.size is not None:
            shown["size"] = self.size
        return dumps(shown)

    def _write_head(self) -> bytes:
        shown: dict[str, Any] = {
            "activationId": self.id,
            "namespace": self.namespace,
            "name": self.name,
            "version": self.version,
            "subject": self.subject or self.namespace,
            "publish": False,
            "start": self.start,
        }
        if self.end is not None:
            shown["end"], shown["duration"] = self.end, self.duration
        if self.cause is not None:
            shown["cause"] = self.cause
        shown["annotations"] = [{"key": key, "value": value} for key, value in self.annotations.items()]
        return dumps(shown)

    def statement(self) -> Statement:
        logs = dumps(self.logs) if self.logs else b"[]"
        pieces = (self.head, self.response, logs, self.used())
        return _INSERT, (self.id, self.namespace, self.path, self.start, self.status, *pieces)

    def used(self) -> bytes | None:
        """The container's state, the most memory in bytes and processor time in seconds, as far as known."""
        if self.container is None:
            return None
        shown: dict[str, Any] = {"container": self.container}
        if self.usage is not None:
            shown |= {"memoryPeak": self.usage.memory, "cpuTime": self.usage.cpu}
        return dumps(shown)


def whole(head: bytes, response: bytes, logs: bytes = b"[]", usage: bytes | None = None) -> bytes:
    """The full record, from its pieces."""
    last = b',"usage":%b}' % usage if usage else b"}"
    return b'%b,"response":%b,"logs":%b%b' % (head[:-1], response, logs, last)


class Activations:
    """What was activated, in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, namespace: str, activation_id: str) -> Pieces:
        rows = self._database.read(f"{_PIECES} WHERE id = ? AND namespace = ?", (activation_id, namespace))
        if not rows:
            raise missing()
        return rows[0][0], rows[0][1], rows[0][2], rows[0][3]

    async def count(self, which: Filter) -> int:
        return await self._database.read_aside(lambda read: tallies.count(read, which))

    async def newest(
        self, which: Filter, limit: int, skip: int, *, full: bool, usage: bool = False
    ) -> list[Any]:
        """The records, in FULL or as lists have them; with what each used if USAGE."""
        rows = await self._database.read_aside(lambda read: _newest(read, which, limit, skip, full=full))
        shown = rows if usage else [(*row[:-1], None) for row in rows]
        return [orjson.Fragment(whole(*row)) if full else _listed(*row) for row in shown]


def _newest(read: Read, which: Filter, limit: int, skip: int, *, full: bool) -> Rows:
    part, left = tallies.leap(read, which, skip)
    where, values = part.where()
    pieces = _PIECES if full else "SELECT head, status, usage FROM activations"
    sql = f"{pieces} WHERE {where} ORDER BY start DESC, number DESC LIMIT ? OFFSET ?"
    return read(sql, [*values, limit, left])


def _listed(head: bytes, status: int, usage: bytes | None) -> dict[str, Any]:
    shown: dict[str, Any] = loads(head)
    del shown["subject"]
    shown["statusCode"] = status
    return {**shown, "usage": orjson.Fragment(usage)} if usage else shown
