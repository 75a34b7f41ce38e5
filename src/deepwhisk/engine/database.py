"""SQLite under the engine: one writer, one transaction for all who wait.

What is acknowledged survives `kill -9`: `write` answers after the commit. In WAL with `synchronous=NORMAL` a
commit is in the kernel's hands, which a dying process cannot take back; losing power may cost the last
commits but never the file. `durable="power-loss"` syncs every commit, in a thread of its own.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeVar

from deepwhisk.errors import ServiceError

Durable = Literal["process", "power-loss"]
Statement = tuple[str, Sequence[Any]]
T = TypeVar("T")

SCHEMA = """
CREATE TABLE IF NOT EXISTS namespaces (name TEXT PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entities (
    id TEXT PRIMARY KEY, collection TEXT NOT NULL, updated INTEGER NOT NULL, document BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS codes (id TEXT PRIMARY KEY, code TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS activations (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL, path TEXT NOT NULL,
    start INTEGER NOT NULL, status INTEGER NOT NULL,
    head BLOB NOT NULL, response BLOB NOT NULL, logs BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS activations_by_start ON activations (namespace, start);
CREATE INDEX IF NOT EXISTS activations_by_path ON activations (namespace, path, start);
CREATE TABLE IF NOT EXISTS accepted (id TEXT PRIMARY KEY, work BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS apis (
    namespace TEXT NOT NULL, base TEXT NOT NULL, document BLOB NOT NULL, PRIMARY KEY (namespace, base));
"""
VERSION = 1
CHECKPOINT_PAGES = 8000  # 32 MB of log, then it is written back


class Database:
    """Opens PATH, making it at first. Used from one event loop."""

    def __init__(self, path: Path, durable: Durable = "process") -> None:
        self.path = path
        self._durable = durable
        self._writer = self._open()
        self._prepare_schema()
        self._reader = self._open()
        self._reading, self._writing = threading.Lock(), threading.Lock()
        self._threads = ThreadPoolExecutor(2, "database")
        self._commits = ThreadPoolExecutor(1, "commit") if durable == "power-loss" else None
        self._waiting: list[tuple[Iterable[Statement], asyncio.Future[None]]] = []
        self._flushing = False
        self._checkpoint: asyncio.Future[None] | None = None
        self._since_checkpoint = 0

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=30, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        synchronous = "FULL" if self._durable == "power-loss" else "NORMAL"
        connection.executescript(
            f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA wal_autocheckpoint=0;"
            "PRAGMA cache_size=-16000; PRAGMA journal_size_limit=67108864;"
        )
        return connection

    def _prepare_schema(self) -> None:
        found = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise ServiceError(
                f"{self.path} was written by a newer deepwhisk (format {found}, this one reads {VERSION}): "
                "update deepwhisk or name another state directory"
            )
        self._writer.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version={VERSION}; COMMIT;")

    def read(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Reads at once, on the loop: for what is small and found by its key."""
        with self._reading:
            return self._reader.execute(sql, values).fetchall()

    async def read_aside(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Reads in a thread: for lists, which may be long."""
        return await self._in_thread(lambda: self.read(sql, values))

    def size(self) -> int:
        """Bytes in use; what was deleted is used again."""
        pages, free, each = (
            self.read(f"PRAGMA {pragma}")[0][0] for pragma in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * each)

    async def write(self, statements: Iterable[Statement]) -> None:
        """Commits STATEMENTS, together with all that others write in this turn of the loop."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((statements, done))
        if not self._flushing:
            self._flushing = True
            loop.call_soon(self._flush, loop)
        await done

    def write_now(self, statements: Iterable[Statement]) -> None:
        """Commits STATEMENTS before anything else happens: for the start, and for entities."""
        self._commit([statements])

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        batch, self._waiting = self._waiting, []
        if self._commits is None:
            self._settle(batch, self._try_commit([statements for statements, _ in batch]))
        else:
            commit = loop.run_in_executor(self._commits, self._try_commit, [each for each, _ in batch])
            commit.add_done_callback(lambda done: self._settle(batch, done.result()))

    def _try_commit(self, batch: list[Iterable[Statement]]) -> Exception | None:
        try:
            self._commit(batch)
        except Exception as error:  # noqa: BLE001  whatever it was, all who wait are told
            return error
        return None

    def _commit(self, batch: list[Iterable[Statement]]) -> None:
        execute = self._writer.execute
        with self._writing:
            execute("BEGIN IMMEDIATE")
            try:
                for statements in batch:
                    for sql, values in statements:
                        execute(sql, values)
                execute("COMMIT")
            except BaseException:
                execute("ROLLBACK")
                raise

    def _settle(
        self, batch: list[tuple[Iterable[Statement], asyncio.Future[None]]], error: Exception | None
    ) -> None:
        for _, done in batch:
            if done.done():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)
        self._flushing = bool(self._waiting)
        loop = asyncio.get_running_loop()
        if self._flushing:
            loop.call_soon(self._flush, loop)
        self._count_commit(len(batch))

    def _count_commit(self, writes: int) -> None:
        """Every write logs about four pages; the log is written back aside, and never by a caller."""
        self._since_checkpoint += 4 * writes
        if self._since_checkpoint > CHECKPOINT_PAGES and self._checkpoint is None:
            self._since_checkpoint = 0
            self._checkpoint = asyncio.ensure_future(self._in_thread(self._write_back))
            self._checkpoint.add_done_callback(self._forget_checkpoint)

    def _forget_checkpoint(self, _: asyncio.Future[None]) -> None:
        self._checkpoint = None

    def _write_back(self) -> None:
        """Most of the log while others write; then what is left, so that the log can begin anew."""
        connection = self._open()
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            connection.execute("PRAGMA wal_checkpoint(RESTART)")
        finally:
            connection.close()

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def close(self) -> None:
        await self.write(())
        if self._checkpoint is not None:
            await self._checkpoint
        self._threads.shutdown()
        if self._commits is not None:
            self._commits.shutdown()
        self._reader.close()
        self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._writer.close()
