"""One action, called once: from a payload to a record. Nothing is stored here."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from deepwhisk.engine.activations import Record, new_activation_id
from deepwhisk.engine.authentication import Identity
from deepwhisk.engine.invocation import Call, Executable, Progress
from deepwhisk.engine.names import Name
from deepwhisk.engine.platform import Platform
from deepwhisk.engine.targets import Target

Payload = dict[str, Any] | list[Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What is called, by whom, with what; `cause` is the sequence around it."""

    id: str
    name: Name
    caller: Identity
    transaction_id: str
    payload: Payload
    cause: str | None = None
    progress: Progress = field(default_factory=Progress)

    def inside(self, name: Name, payload: Payload) -> "Step":
        """A component of this step, which is a sequence."""
        return Step(
            new_activation_id(), name, self.caller, self.transaction_id, payload, self.id, self.progress
        )


# Runs what a target is, whatever it is: its own record, followed by those of everything it called.
Perform = Callable[[Platform, Step, Target], Awaitable[list[Record]]]


async def run_action(platform: Platform, step: Step, target: Target, executable: Executable) -> Record:
    """Runs one action in a container."""
    key = step.caller.credentials if target.needs_key else None
    call = Call(step.id, step.transaction_id, target.payload(step.payload), key, step.progress)
    outcome = await platform.pool.run(executable, call)
    return Record(
        id=step.id,
        namespace=step.caller.namespace,
        subject=step.caller.subject,
        name=step.name.name,
        path=target.path,
        version=target.action.version,
        start=outcome.start,
        end=outcome.end,
        duration=outcome.end - outcome.start,
        status=outcome.status,
        result=outcome.result,
        size=outcome.size,
        logs=outcome.logs,
        cause=step.cause,
        annotations=_annotations(step, target, outcome.wait_time, outcome.init_time, outcome.timed_out),
        container=outcome.container,
        usage=outcome.usage,
    )


def enclosing(
    step: Step, target: Target, start: int, own: list[Record], status: int, result: Any, **more: Any
) -> Record:
    """The record of a step that called others: their time is its time, their ids are its log."""
    return Record(
        id=step.id,
        namespace=step.caller.namespace,
        subject=step.caller.subject,
        name=step.name.name,
        path=target.path,
        version=target.action.version,
        start=start,
        end=int(time.time() * 1000),
        duration=sum(record.duration or 0 for record in own),
        status=status,
        result=result,
        logs=[record.id for record in own],
        cause=step.cause,
        **more,
    )


def _annotations(
    step: Step, target: Target, wait_time: int, init_time: int | None, timed_out: bool
) -> Mapping[str, Any]:
    notes: dict[str, Any] = {} if target.binding is None else {"binding": target.binding}
    notes["path"] = target.action.name.id
    notes["waitTime"] = wait_time
    notes["kind"] = target.action.exec.kind
    notes["timeout"] = timed_out
    notes["limits"] = target.action.limits.as_json()
    if init_time is not None:
        notes["initTime"] = init_time
    if step.cause is not None:
        notes["causedBy"] = "sequence"
    return notes
