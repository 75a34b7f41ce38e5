"""Slurm's states, reasons and times in our words.

Law: every state that Slurm 20.11 to 24.11 has is here; one that comes later counts as running, with its name
as the reason, so that nothing is given up that may still run.
"""

import os
import re
from collections.abc import Iterable

from deepwhisk.batch.runner import State, Status

_STATES = {
    State.QUEUED: ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "EXPEDITING"),
    State.HELD: ("REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"),
    State.RUNNING: ("RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "RESIZING", "SIGNALING", "STAGE_OUT"),
    State.DONE: ("COMPLETED",),
    State.FAILED: ("FAILED",),
    State.CANCELLED: ("CANCELLED", "REVOKED"),
    State.TIMEOUT: ("TIMEOUT", "DEADLINE"),
    State.OUT_OF_MEMORY: ("OUT_OF_MEMORY",),
    State.PREEMPTED: ("PREEMPTED",),
    State.NODE_FAILED: ("NODE_FAIL", "BOOT_FAIL", "LAUNCH_FAILED", "RECONFIG_FAIL"),
}
KNOWN = {slurms: ours for ours, several in _STATES.items() for slurms in several}
# Reasons of pending jobs that time alone does not remove.
_FOREVER = re.compile(
    r"held|hold|BadConstraints|InvalidAccount|InvalidQOS|QOSNotAllowed|AccountNotAllowed|NeverSatisfied"
    r"|Partition(TimeLimit|NodeLimit|Config|Inactive)|PerJob(Limit)?$|WallDuration|AccountingPolicy",
    re.IGNORECASE,
)
_BESIDE = ("POWER_UP_NODE", "UPDATE_DB", "STEPMGR_ENABLED")  # flags that say nothing about the job
_NO_REASON = ("", "None", "(null)")
UNLIMITED = ("infinite", "UNLIMITED", "n/a", "NOT_SET")


def state_of(words: Iterable[str], reason: str) -> State:
    """Slurm says one word, or a base state and what else holds."""
    words = [word.upper() for word in words if word.upper() not in _BESIDE] or ["RUNNING"]
    states = [KNOWN.get(word, State.RUNNING) for word in words]
    for first in (State.HELD, State.RUNNING):  # a job that completes has not ended yet
        if first in states:
            return first
    if states[0] is State.QUEUED and _FOREVER.search(reason):
        return State.HELD
    return states[0]


def status_of(handle: str, words: Iterable[str], reason: str, node: str, exit_code: int) -> Status:
    """A job in our words; EXIT_CODE is a wait status, as Slurm keeps it."""
    words = tuple(words)
    state = state_of(words, reason)
    told = [] if reason in _NO_REASON else [reason]
    told += [word for word in words if word.upper() not in KNOWN and word.upper() not in _BESIDE]
    if state is State.FAILED and exit_code:
        told.append(_ending(exit_code))
    return Status(handle, state, ", ".join(told), node if node not in _NO_REASON else "")


def _ending(status: int) -> str:
    signal = status & 0x7F
    return f"signal {signal}" if signal else f"exit status {os.waitstatus_to_exitcode(status & 0xFF00)}"


def minutes(seconds: int) -> int:
    """Slurm counts a job's time in minutes."""
    return max(1, -(-seconds // 60))


def seconds(text: str) -> int | None:
    """`D-HH:MM:SS`, `HH:MM:SS`, `MM:SS` or minutes; None: no limit."""
    if text in UNLIMITED:
        return None
    days, _, rest = text.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    if days:
        parts = [*parts, 0, 0][:3]
    elif len(parts) == 1:
        parts = [0, parts[0], 0]
    hours, minute, second = [0] * (3 - len(parts)) + parts
    return ((int(days or 0) * 24 + hours) * 60 + minute) * 60 + second
