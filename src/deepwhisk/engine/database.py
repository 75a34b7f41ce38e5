"""SQLite under the engine: one writer, one transaction for all who wait.

What is acknowledged survives `kill -9`: `write` answers after the commit. In WAL with `synchronous=NORMAL` a
commit is in the kernel's hands, which a dying process cannot take back; losing power may cost the last
commits but never the file. `durable="power-loss"` syncs every commit, in a thread of its own.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal, TypeVar

from deepwhisk.engine import schema

Durable = Literal["process", "power-loss"]
Statement = tuple[str, Sequence[Any]]
Rows = list[tuple[Any, ...]]
Read = Callable[[str, Sequence[Any]], Rows]
T = TypeVar("T")

CHECKPOINT_PAGES = 2000  # 8 MB of log, then it is written back
LONGEST = 8000  # pages, 32 MB: then it begins anew; a start after a crash reads what is there
RESTARTS = 40  # that are tried in turn
SLICE = 32  # pages that are given back at a time
ASIDE = 2  # lists that are read at a time


class Database:
    """Opens PATH, making it at first. Used from one event loop."""

    def __init__(self, path: Path, durable: Durable = "process") -> None:
        self.path = path
        self._durable = durable
        self._writer = self._open()
        schema.prepare(self._writer, path)
        self._reader = self._open()
        # Writes the log back. It is kept open, since one that opens takes the writer's lock for its pragmas.
        self._keeper = self._open()
        self._keeper.execute("PRAGMA busy_timeout=0")
        self._asides: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        for _ in range(ASIDE):
            self._asides.put(self._open())
        self._writing = threading.Lock()
        self._threads = ThreadPoolExecutor(ASIDE + 1, "database")  # one of them writes the log back
        self._commits = ThreadPoolExecutor(1, "commit") if durable == "power-loss" else None
        self._waiting: list[tuple[Iterable[Statement], asyncio.Future[None]]] = []
        self._flushing = False
        self._checkpoint: asyncio.Future[None] | None = None
        self._logged = 0  # pages, about

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=30, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        synchronous = "FULL" if self._durable == "power-loss" else "NORMAL"
        connection.executescript(
            "PRAGMA auto_vacuum=INCREMENTAL;"  # of a new file; it must come first
            f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA wal_autocheckpoint=0;"
            "PRAGMA cache_size=-16000; PRAGMA journal_size_limit=67108864;"
        )
        return connection

    def read(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        """Reads at once, on the loop: for what is small and found by its key."""
        return self._reader.execute(sql, values).fetchall()

    async def read_aside(self, look: Callable[[Read], T]) -> T:
        """What LOOK finds, in a thread and at one moment: for lists, which may be long."""
        return await self._in_thread(lambda: self._look(look))

    def _look(self, look: Callable[[Read], T]) -> T:
        connection = self._asides.get()
        try:
            connection.execute("BEGIN")
            return look(lambda sql, values: connection.execute(sql, values).fetchall())
        finally:
            connection.execute("COMMIT")
            self._asides.put(connection)

    def size(self) -> int:
        """Bytes in use; what was deleted is used again."""
        pages, free, each = (
            self.read(f"PRAGMA {pragma}")[0][0] for pragma in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * each)

    async def give_back(self, spare: int) -> bool:
        """Makes the file a little smaller if more than SPARE bytes of it are free; whether it did."""
        return await self._in_thread(lambda: self._give_back(spare))

    def _give_back(self, spare: int) -> bool:
        read = self._writer.execute
        with self._writing:
            free, before = (read(f"PRAGMA {what}").fetchone()[0] for what in ("freelist_count", "page_count"))
            if free * read("PRAGMA page_size").fetchone()[0] <= spare:
                return False
            read(f"PRAGMA incremental_vacuum({SLICE})").fetchall()
            return bool(read("PRAGMA page_count").fetchone()[0] < before)

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
                        self._logged += _pages(values)
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
        self._check_log()

    def _check_log(self) -> None:
        """The log is written back aside, and never by a caller."""
        if self._logged > CHECKPOINT_PAGES and self._checkpoint is None:
            self._logged = 0
            self._checkpoint = asyncio.ensure_future(self._in_thread(self._write_back))
            self._checkpoint.add_done_callback(self._forget_checkpoint)

    def _forget_checkpoint(self, _: asyncio.Future[None]) -> None:
        self._checkpoint = None

    def _write_back(self) -> None:
        """While others write; only a log that has become long begins anew, for which they have to wait.

        They wait for three syncs of the disk, so that is done once in thousands of calls, and as little as
        can be is left to write then. It never waits for those who read, and tries again instead.
        """
        write_back = "PRAGMA wal_checkpoint(PASSIVE)"
        length = self._keeper.execute(write_back).fetchone()[1]
        if length < LONGEST:
            return
        self._keeper.execute(write_back)  # what came meanwhile
        for _ in range(RESTARTS):
            if self._begin_anew():
                return
            time.sleep(0.005)

    def _begin_anew(self) -> bool:
        with self._writing:
            return not self._keeper.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0]

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def close(self) -> None:
        await self.write(())
        if self._checkpoint is not None:
            await self._checkpoint
        self.close_now()

    def close_now(self) -> None:
        """For when nobody waits for anything."""
        self._threads.shutdown()
        if self._commits is not None:
            self._commits.shutdown()
        for _ in range(ASIDE):
            self._asides.get().close()
        self._reader.close()
        self._keeper.close()
        self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._writer.close()


def _pages(values: Sequence[Any]) -> int:
    """How much a statement with VALUES adds to the log, about: four pages, and what its documents fill."""
    return 4 + sum([len(value) >> 12 for value in values if isinstance(value, (bytes, str))])
