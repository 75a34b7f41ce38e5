"""The trainings as they are known in memory: derived from the store, and lost without harm."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from deepwhisk.batch.records import Listed
from deepwhisk.batch.training import Phase, Training

Signature = frozenset[tuple[str, int]]


@dataclass(slots=True)
class Known:
    """A training, and what is remembered beside it."""

    training: Training
    signature: Signature = frozenset()  # of its objects when they were listed last
    metrics: dict[str, Any] | None = None  # the last line
    final: bool = False  # whether there will be no other
    absent: float | None = None  # since when its runner has not known its job, on the monotonic clock
    stopped: bool = False  # its job was told to end
    decided: bool = False  # whether its artifact's arrival led to anything
    whole: bool = False  # all that was written of it is in `training`
    waits: str = ""  # why it is not submitted yet
    lock: Lock = field(default_factory=Lock)  # held by whoever takes a step
    since: float = field(default_factory=time.monotonic)  # when it was seen first

    @property
    def is_behind(self) -> bool:
        """Whether there may be metrics after those that were read: it runs, or has ended since."""
        phase = self.training.phase
        return phase is Phase.RUNNING or (phase.ended and self.metrics is not None and not self.final)


class View:
    """All trainings by UUID; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, Known] = {}
        self._newest: list[Known] | None = None
        self._dropped: set[str] = set()
        self.versions: dict[str, dict[str, int]] = {}  # model → training → version
        self.counted: dict[str, int] = {}  # model → how many versions it had

    def __len__(self) -> int:
        return len(self._known)

    def get(self, uuid: str) -> Known | None:
        return self._known.get(uuid)

    def put(self, training: Training) -> Known:
        """Take what is known now, from whoever has looked last; one that was dropped does not come back."""
        with self._lock:
            known = self._known.get(training.uuid)
            if known is None and training.uuid in self._dropped:
                return Known(training)
            if known is None:
                known = self._known[training.uuid] = Known(training)
                self._newest = None
            elif training is not known.training:
                if training.attempt != known.training.attempt:
                    known.stopped, known.absent = False, None
                known.training = merged(known.training, training)
            return known

    def drop(self, uuid: str) -> None:
        """Forget one whose objects are gone, also if a listing that was made before has them."""
        with self._lock:
            self._known.pop(uuid, None)
            self._newest = None
            self._dropped.add(uuid)

    def begin_listing(self) -> None:
        """What was dropped by now is in no listing that begins after this."""
        with self._lock:
            self._dropped.clear()

    def open(self) -> list[Known]:
        """Those that have not ended, the oldest first."""
        return [known for known in reversed(self.newest()) if not known.training.phase.ended]

    def newest(self) -> list[Known]:
        """All, the newest first."""
        with self._lock:
            if self._newest is None:
                self._newest = sorted(self._known.values(), key=_age, reverse=True)
            return self._newest

    def select(self, model: str, state: str, sweep: str, prefix: str) -> Iterator[Known]:
        """Those that fit, the newest first; an empty word fits all."""
        for known in self.newest():
            training = known.training
            fits = (
                model in ("", training.model)
                and state in ("", training.phase, training.phase.shown)
                and sweep in ("", sweep_of(training))
                and training.uuid.startswith(prefix)
            )
            if fits:
                yield known

    def changed(self, listed: Iterable[Listed]) -> list[Listed]:
        """Those of a listing that are new, or have objects that they did not have."""
        found = []
        for one in listed:
            known = self._known.get(one.place.uuid)
            if known is None or known.signature != signature(one):
                found.append(one)
        return found


@contextmanager
def held(group: Sequence[Known], *, patient: bool) -> Iterator[bool]:
    """With the locks of all, or with none where one is taken and nobody is PATIENT."""
    with ExitStack() as locks:
        for known in sorted(group, key=lambda one: one.training.uuid):  # so that no two wait for each other
            if not known.lock.acquire(blocking=patient):
                locks.close()
                yield False
                return
            locks.callback(known.lock.release)
        yield True


def merged(old: Training, new: Training) -> Training:
    """What two who read a training know together, in whichever order: nothing is ever unwritten."""
    entries = {(one.number, one.phase): one for one in (*old.history, *new.history)}
    results = sorted(filter(None, (old.result, new.result)), key=lambda one: int(one.get("attempt", 0)))
    sizes = {number: {**old.files.get(number, {}), **names} for number, names in new.files.items()}
    return replace(
        new,
        plan=new.plan or old.plan,
        history=tuple(entries[key] for key in sorted(entries)),
        cancel=new.cancel or old.cancel,
        result=results[-1] if results else None,
        files={**old.files, **sizes},
    )


def signature(listed: Listed) -> Signature:
    """Equal as long as nothing came or grew."""
    return frozenset(
        (rest, one.size) for rest, one in listed.objects.items() if not rest.endswith("/job.json")
    )


def sweep_of(training: Training) -> str:
    """The sweep that a training belongs to; empty for none."""
    sweep = training.request.get("sweep")
    return str(sweep.get("id") or "") if isinstance(sweep, dict) else ""


def size_of(training: Training) -> int:
    """How many the sweep of a training has; 1 if it does not say."""
    sweep = training.request.get("sweep")
    said = sweep.get("of") if isinstance(sweep, dict) else None
    return said if type(said) is int else 1


def _age(known: Known) -> tuple[str, str]:
    return str(known.training.request.get("date") or ""), known.training.uuid
