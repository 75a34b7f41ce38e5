"""Invocations on their way: run, record, and outlive a crash.

An activation is stored before anybody is told of it. A call that is answered with 202 is first stored as
accepted; what was accepted and had not finished when the engine died is run again, under the same
activation id, when it starts: at least once across a crash, once otherwise.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from logging import DEBUG, WARNING
from typing import Any

from deepwhisk.engine.activations import Record
from deepwhisk.engine.authentication import Identity
from deepwhisk.engine.codec import dumps, loads
from deepwhisk.engine.compositions import run_target
from deepwhisk.engine.database import Statement
from deepwhisk.engine.invocation import APPLICATION_ERROR, STATUS, WHISK_ERROR
from deepwhisk.engine.names import Name
from deepwhisk.engine.platform import Platform, log
from deepwhisk.engine.problems import FAILED_INSIDE, Problem, invalid_authentication
from deepwhisk.engine.steps import Step
from deepwhisk.engine.targets import Target, target


@dataclass(slots=True)
class Work:
    """A step and what it reaches; `accepted` once a crash must not lose it."""

    step: Step
    target: Target
    accepted: bool = False
    storing: bool = False  # its record is on the way to the database

    def acceptance(self) -> Statement:
        """Stores the work; from now on its record takes this entry's place."""
        self.accepted = True
        name = self.step.name
        kept = {
            "caller": self.step.caller.namespace,
            "subject": self.step.caller.subject,
            "name": [name.namespace, name.package, name.name],
            "transaction": self.step.transaction_id,
            "payload": self.step.payload,
        }
        return "INSERT OR IGNORE INTO accepted VALUES (?, ?)", (self.step.id, dumps(kept))


async def perform(platform: Platform, work: Work) -> Record:
    """Runs WORK and stores what came of it."""
    records = await _run(platform, work)
    work.storing = True
    stores = platform.tables.of(work.step.caller.namespace).stores
    await platform.database.write(_statements(work, records if stores else ()))
    for record in records:
        _tell(platform, record, work.step.transaction_id)
    return records[0]


def _tell(platform: Platform, record: Record, transaction_id: str) -> None:
    """Counts it, and logs it: what went wrong beyond the action's own say to whoever keeps the engine."""
    platform.metrics.record(record)
    level = WARNING if record.status > APPLICATION_ERROR else DEBUG
    if log.isEnabledFor(level):
        path = record.annotations.get("path", record.path)
        about = {
            "activation": record.id,
            "transaction": transaction_id,
            "namespace": record.namespace,
            "action": path,
            "status": STATUS[record.status],
            "duration": record.duration,
        }
        text = "activation %s of %s: %s after %s ms"
        log.log(level, text, record.id, path, STATUS[record.status], record.duration, extra=about)


async def _run(platform: Platform, work: Work) -> list[Record]:
    """The record of WORK and of what it ran; a bug on the way is a record too, or it would run for ever."""
    try:
        return await run_target(platform, work.step, work.target)
    except Exception:  # noqa: BLE001  the last line before a call would be lost
        log.exception("activation %s of %s failed inside the engine", work.step.id, work.step.name.id)
        return [_failed(work.step, FAILED_INSIDE)]


def _statements(work: Work, records: Iterable[Record]) -> list[Statement]:
    statements = [record.statement() for record in records]
    if work.accepted:
        statements.append(_finished(work.step.id))
    return statements


def _finished(activation_id: str) -> Statement:
    return "DELETE FROM accepted WHERE id = ?", (activation_id,)


async def accept(platform: Platform, works: list[Work], *others: Statement) -> None:
    """Stores WORKS and OTHERS as one unit, then begins them."""
    _count(platform, works, 1)
    try:
        await platform.database.write([*others, *(work.acceptance() for work in works)])
    except BaseException:
        _count(platform, works, -1)
        raise
    for work in works:
        _begin(platform, work)


def _count(platform: Platform, works: Iterable[Work], change: int) -> None:
    """Works are in flight from before anybody waits for anything, so that none of a burst is overlooked."""
    for work in works:
        platform.throttles.in_flight[work.step.caller.namespace] += change


def _begin(platform: Platform, work: Work) -> asyncio.Task[Record]:
    """Runs what was counted; it counts until it ends, even if it never came to begin."""
    task = platform.spawn(perform(platform, work), work.step.caller.namespace)
    task.add_done_callback(lambda _: _count(platform, [work], -1))
    return task


async def wait(
    platform: Platform, work: Work, seconds: float, gives_up: Callable[[], bool] = lambda: False
) -> Record | None:
    """Its record; or None when the time is over, and then the work goes on and is safe, or is given up."""
    _count(platform, [work], 1)
    task = _begin(platform, work)
    await _ended(task, seconds)
    if not task.done() and not work.storing:
        if gives_up():
            task.cancel()
            return None
        await platform.database.write([work.acceptance()])
        return None
    try:
        return await task
    except asyncio.CancelledError:
        if task.cancelled():
            raise invalid_authentication() from None  # its namespace was deleted
        raise


async def _ended(task: asyncio.Task[Record], seconds: float) -> None:
    """Returns when TASK ends, or the time; as `asyncio.wait` does, in half its time."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def end(_: object = None) -> None:
        if not ended.done():
            ended.set_result(None)

    task.add_done_callback(end)
    timer = loop.call_later(seconds, end)
    await ended
    timer.cancel()


def resume(platform: Platform) -> None:
    """Begins again what was accepted and did not finish."""
    rows = platform.database.read("SELECT id, work FROM accepted ORDER BY id")
    for activation_id, kept in rows:
        work = loads(kept)
        platform.spawn(_again(platform, activation_id, work), work["caller"])
    if rows:
        log.info("running again %d accepted invocations that had not finished", len(rows))


async def _again(platform: Platform, activation_id: str, work: dict[str, Any]) -> None:
    name = Name(*work["name"])
    caller = _caller(platform, work["caller"], work.get("subject"))
    if caller is None:
        log.warning("nobody is left in %s, for whom %s was to run", work["caller"], activation_id)
        await platform.database.write([_finished(activation_id)])
        return
    step = Step(activation_id, name, caller, work["transaction"], work["payload"])
    try:
        reached = target(platform.registry, name, caller)
    except Problem as problem:
        await platform.database.write([_failed(step, problem.message).statement(), _finished(activation_id)])
        return
    again = Work(step, reached, accepted=True)
    _count(platform, [again], 1)
    await _begin(platform, again)


def _caller(platform: Platform, namespace: str, subject: str | None) -> Identity | None:
    """Who asked for it, though he may be blocked by now; or else another user of the namespace."""
    users = [identity for identity in platform.identities if identity.namespace == namespace]
    users.sort(key=lambda identity: (identity.subject != subject, identity.blocked))
    return users[0] if users else None


def _failed(step: Step, text: str) -> Record:
    """A call that never came to its action."""
    now = int(time.time() * 1000)
    return Record(
        id=step.id,
        namespace=step.caller.namespace,
        subject=step.caller.subject,
        name=step.name.name,
        path=step.name.local,
        version="0.0.1",
        start=now,
        end=now,
        duration=0,
        status=WHISK_ERROR,
        result={"error": text},
        annotations={"path": step.name.id},
    )
