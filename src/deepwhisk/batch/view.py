"""The trainings as they are known in memory: derived from the store, and lost without harm."""

from collections.abc import Iterable, Iterator
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
        self.versions: dict[str, dict[str, int]] = {}  # model → training → version
        self.counted: dict[str, int] = {}  # model → how many versions it had

    def __len__(self) -> int:
        return len(self._known)

    def get(self, uuid: str) -> Known | None:
        return self._known.get(uuid)

    def put(self, training: Training) -> Known:
        """Take what is known now, from whoever has looked last."""
        with self._lock:
            known = self._known.get(training.uuid)
            if known is None:
                known = self._known[training.uuid] = Known(training)
                self._newest = None
            elif training is not known.training:
                if training.attempt != known.training.attempt:
                    known.stopped, known.absent = False, None
                known.training = merged(known.training, training)
            return known

    def drop(self, uuid: str) -> None:
        with self._lock:
            self._known.pop(uuid, None)
            self._newest = None

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


def _age(known: Known) -> tuple[str, str]:
    return str(known.training.request.get("date") or ""), known.training.uuid
