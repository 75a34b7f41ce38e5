"""What is to be done next about a training that has not ended: a value, made of what is known alone.

Law: no memory, no clock and no question of its own; whoever asks again with the same gets the same, and every
step may be taken twice.
"""

from dataclasses import dataclass
from enum import StrEnum

from deepwhisk.batch.runner import State, Status
from deepwhisk.batch.training import Entry, Phase, Training, when

PATIENCE = 20.0  # seconds until a hand-over that nobody recorded is thought to have come to nothing
AWAY = 60.0  # seconds until a runner that does not answer is told of
LOST = 60.0  # seconds until a job that its runner does not know is thought to be lost
UPLOAD = 60.0  # seconds that an artifact may come later than its result
HARD = 60.0  # seconds from being told to end to being ended
FRESH = 6 * 24 * 3600.0  # seconds that a job may wait: its one link lives for seven days
ANEW = "its site began it anew"
MOST_ATTEMPTS, FRUITLESS = 20, 3


class Do(StrEnum):
    """A sort of step."""

    WAIT = "wait"
    SUBMIT = "submit"
    WRITE = "write"  # the entry
    STOP = "stop"  # tell the job to end
    KILL = "kill"  # end it
    REPLACE = "replace"  # end it, and write the entry


@dataclass(frozen=True, slots=True)
class Step:
    """What to do; `entry` is what to write into the history."""

    do: Do
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a training's job at a moment."""

    status: Status | None  # None: the runner does not know the job, or did not answer
    now: float  # seconds since 1970
    away: float | None = None  # for how many seconds its runner has not answered; None: it answers
    absent: float = 0.0  # for how many seconds its runner has not known the job
    why: str = ""  # the runner does not answer
    stopped: bool = False  # whether this process told the job to end


WAIT, SUBMIT, STOP, KILL = Step(Do.WAIT), Step(Do.SUBMIT), Step(Do.STOP), Step(Do.KILL)


def decide(training: Training, seen: Seen) -> Step:
    """The next step of a training that has not ended."""
    if training.claim is None:
        return _ended(training, Phase.CANCELLED, "before it was submitted") if training.cancel else SUBMIT
    if seen.away is not None:
        return _out_of_sight(training, seen)
    if seen.status is None:
        return _absent(training, seen)
    if seen.status.state.over:
        return finish(training, seen)
    if entry := _news(training, seen.status):
        return Step(Do.WRITE, entry)
    return _to_cancel(training, seen) if training.cancel else _grown_old(training, seen)


def finish(training: Training, seen: Seen) -> Step:
    """What becomes of a training whose job is over."""
    if (result := training.own_result()) is None:
        return _without_result(training, seen)
    message, state = str(result.get("message") or ""), result.get("state")
    if state == "done":
        return _done(training, seen)
    if state == "interrupted":
        return again(training, message or "it was interrupted", seen)
    return _ended(training, Phase.CANCELLED if state == "cancelled" else Phase.ERROR, message)


def again(training: Training, why: str, seen: Seen, otherwise: Phase = Phase.ERROR) -> Step:
    """Another attempt from the last checkpoint, unless that is hopeless or nobody wants it."""
    number = training.attempt
    if training.cancel:
        return _ended(training, Phase.CANCELLED, why)
    timeout = seen.status is not None and seen.status.state is State.TIMEOUT
    if timeout and not training.has("checkpoint.zip"):
        return _ended(training, Phase.ERROR, f"{why}; it left no checkpoint to go on from: ask for more time")
    if number >= MOST_ATTEMPTS or _fruitless(training) >= FRUITLESS:
        return _ended(training, otherwise, f"{why}; {number} attempts were made")
    return Step(Do.WRITE, Entry(0, Phase.REQUEUED, "", number + 1, reason=why))


def _out_of_sight(training: Training, seen: Seen) -> Step:
    """What the store alone tells, while the runner does not answer."""
    result = training.own_result()
    if result is not None and (result.get("state") != "done" or _complete(training)):
        return finish(training, seen)
    if (seen.away or 0) < AWAY or training.phase is Phase.UNREACHABLE:
        return WAIT
    entry = Entry(0, Phase.UNREACHABLE, "", training.attempt, training.site, reason=seen.why)
    return Step(Do.WRITE, entry)


def _absent(training: Training, seen: Seen) -> Step:
    """The runner answers, and knows no such job."""
    if training.own_result() is not None:
        return finish(training, seen)
    if not training.handle:
        claim = training.claim
        if seen.now - when(claim.at if claim else "") < PATIENCE:
            return WAIT
        return _ended(training, Phase.CANCELLED, "before it was submitted") if training.cancel else SUBMIT
    if seen.absent < LOST:
        return WAIT
    return again(training, f"the site {training.site} does not know its job any more", seen, Phase.LOST)


def _news(training: Training, status: Status) -> Entry | None:
    """What the runner says, if it is not written yet."""
    last = training.end or training.last
    began = any(one.phase is Phase.RUNNING and one.attempt == training.attempt for one in training.history)
    phase, reason = _said(status, began)
    if last and last.handle == status.handle and (last.phase, last.reason) == (phase, reason):
        if not _moved(last, status):
            return None
        phase, reason = Phase.REQUEUED, ANEW
    if last and phase is Phase.QUEUED and last.phase is Phase.REQUEUED and last.handle and not reason:
        return None
    node = status.node if phase is Phase.RUNNING else ""
    return Entry(0, phase, "", training.attempt, training.site, training.job, status.handle, node, reason)


def _said(status: Status, began: bool) -> tuple[Phase, str]:
    if status.state is State.RUNNING:
        return Phase.RUNNING, ""
    if status.state is State.HELD:
        return Phase.QUEUED, f"held: {status.reason or 'it will not start by itself'}"
    return (Phase.REQUEUED, ANEW) if began else (Phase.QUEUED, "")


def _moved(last: Entry, status: Status) -> bool:
    """Whether it runs elsewhere than when somebody looked last: it was begun anew in between."""
    return last.phase is Phase.RUNNING and "" not in (last.node, status.node) and last.node != status.node


def _to_cancel(training: Training, seen: Seen) -> Step:
    asked = when(str((training.cancel or {}).get("at", "")))
    if seen.now - asked > HARD:
        return KILL
    return WAIT if seen.stopped else STOP


def _grown_old(training: Training, seen: Seen) -> Step:
    """A job that has waited so long that it could not read its document any more."""
    claim, status = training.claim, seen.status
    waits = status is not None and status.state in (State.QUEUED, State.HELD)
    if not waits or claim is None or seen.now - when(claim.at) < FRESH:
        return WAIT
    why = "it has waited so long that its links would expire"
    return Step(Do.REPLACE, Entry(0, Phase.REQUEUED, "", training.attempt + 1, reason=why))


def _done(training: Training, seen: Seen) -> Step:
    if _complete(training):
        return _ended(training, Phase.DONE)
    result = training.own_result() or {}
    if seen.now - when(str(result.get("ended") or "")) < UPLOAD:
        return WAIT
    return _ended(training, Phase.ERROR, "it says that it is done, and its artifact did not arrive")


def _complete(training: Training) -> bool:
    """Whether all that the result announces is there."""
    result = training.own_result() or {}
    return not result.get("artifact") or training.has("artifact.zip")


def _without_result(training: Training, seen: Seen) -> Step:
    """The job is over and said nothing: only the runner's word is left."""
    status = seen.status
    if status is None:
        return WAIT
    said = f": {status.reason}" if status.reason else ""
    where = f" at {training.site}{said}"
    match status.state:
        case State.TIMEOUT:
            return again(training, f"it reached its time limit{where}", seen)
        case State.PREEMPTED:
            return again(training, f"it was preempted{where}", seen)
        case State.NODE_FAILED:
            return again(training, f"its node failed{where}", seen)
        case State.CANCELLED:
            return _ended(training, Phase.CANCELLED, "" if training.cancel else f"it was cancelled{where}")
        case State.OUT_OF_MEMORY:
            return _ended(training, Phase.ERROR, f"it ran out of memory{where}; ask for more memory_MB")
    if training.cancel:
        return _ended(training, Phase.CANCELLED)
    how = "ended without a result" if status.state is State.DONE else "failed"
    return _ended(training, Phase.ERROR, f"its job {how}{where}")


def _ended(training: Training, phase: Phase, reason: str = "") -> Step:
    entry = Entry(0, phase, "", training.attempt, training.site, training.job, training.handle, reason=reason)
    return Step(Do.WRITE, entry)


def _fruitless(training: Training) -> int:
    """How many attempts on end, up to the last, began and left no new checkpoint."""
    began = {one.attempt for one in training.history if one.phase is Phase.RUNNING}
    count = 0
    for number in range(training.attempt, 0, -1):
        if training.has("checkpoint.zip", number):
            break
        count += number in began
    return count
