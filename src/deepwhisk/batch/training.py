"""What is known of a training: what was asked, what was resolved, the states it was in.

Law: these are values, read from objects and written to them; nothing here reads a store or asks a runner.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from deepwhisk.batch.layout import Place, job_name


class Phase(StrEnum):
    """Where a training is. `accepted` is written nowhere: a request is there and no state yet."""

    ACCEPTED = "accepted"
    SUBMITTED = "submitted"  # claimed: whoever wrote this hands it to a runner
    QUEUED = "queued"
    RUNNING = "running"
    REQUEUED = "requeued"  # by its cluster; without a handle, by us: another attempt
    UNREACHABLE = "unreachable"  # its runner does not answer; the run may well go on
    DONE = "done"
    ERROR = "error"
    CANCELLED = "cancelled"
    REFUSED = "refused"  # no site takes it
    LOST = "lost"  # its cluster forgot it, too often

    @property
    def ended(self) -> bool:
        """Whether nothing follows."""
        return self in ENDED

    @property
    def shown(self) -> str:
        """The status that clients of DEEPaaS know."""
        if not self.ended:
            return "running"
        return self.value if self in (Phase.DONE, Phase.CANCELLED) else "error"


ENDED = frozenset({Phase.DONE, Phase.ERROR, Phase.CANCELLED, Phase.REFUSED, Phase.LOST})


@dataclass(frozen=True, slots=True)
class Entry:
    """One state of the history, and what was known then."""

    number: int
    phase: Phase
    at: str  # ISO 8601, UTC
    attempt: int = 1
    site: str = ""
    job: str = ""
    handle: str = ""
    node: str = ""
    reason: str = ""
    by: str = ""  # which service wrote a claim
    more: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """As it is written."""
        said = {name: getattr(self, name) for name in ("site", "job", "handle", "node", "reason", "by")}
        kept = {name: value for name, value in said.items() if value}
        return {"state": self.phase.value, "at": self.at, "attempt": self.attempt, **kept, **self.more}

    @classmethod
    def read(cls, number: int, body: Mapping[str, Any]) -> "Entry":
        """From what was written; members that are not known here are kept."""
        names = ("site", "job", "handle", "node", "reason", "by")
        known = {name: str(body.get(name) or "") for name in names}
        more = {key: value for key, value in body.items() if key not in {*names, "state", "at", "attempt"}}
        phase, attempt = Phase(str(body["state"])), int(body.get("attempt", 1))
        return cls(number, phase, str(body.get("at", "")), attempt, **known, more=more)


@dataclass(frozen=True, slots=True)
class Training:
    """One training as its objects tell it; `history` is in order and may be empty."""

    place: Place
    request: Mapping[str, Any]
    plan: Mapping[str, Any] | None = None
    history: Sequence[Entry] = ()
    cancel: Mapping[str, Any] | None = None
    result: Mapping[str, Any] | None = None  # of the last attempt that has one
    files: Mapping[int, Mapping[str, int]] = field(default_factory=dict)  # attempt → file → bytes

    @property
    def uuid(self) -> str:
        return self.place.uuid

    @property
    def model(self) -> str:
        return self.place.model

    @property
    def last(self) -> Entry | None:
        return self.history[-1] if self.history else None

    @property
    def phase(self) -> Phase:
        """The end, where one was written, else the last state."""
        shown = self.end or self.last
        return shown.phase if shown else Phase.ACCEPTED

    @property
    def attempt(self) -> int:
        """The attempt that is under way, or was the last."""
        return max((entry.attempt for entry in self.history), default=1)

    @property
    def claim(self) -> Entry | None:
        """The last hand-over of the attempt that was begun."""
        claims = [one for one in self._current() if one.phase is Phase.SUBMITTED]
        return claims[-1] if claims else None

    @property
    def pending(self) -> bool:
        """Whether it waits for being submitted for the first time."""
        return not self.phase.ended and self.claim is None and self.cancel is None

    @property
    def job(self) -> str:
        """What the attempt is called by its runner."""
        return job_name(self.uuid, self.attempt)

    @property
    def handle(self) -> str:
        """What its runner calls the attempt; empty until it is known."""
        handles = [entry.handle for entry in self._current() if entry.handle]
        return handles[-1] if handles else ""

    @property
    def site(self) -> str:
        """Where the attempt is."""
        sites = [entry.site for entry in self._current() if entry.site]
        return sites[-1] if sites else ""

    @property
    def end(self) -> Entry | None:
        """The state that ended it."""
        return next((entry for entry in self.history if entry.phase.ended), None)

    def has(self, file: str, attempt: int = 0) -> bool:
        """Whether an attempt, the last one if none is named, left a file."""
        return file in self.files.get(attempt or self.attempt, {})

    def own_result(self) -> Mapping[str, Any] | None:
        """The result of the last attempt; None as long as it has none."""
        found = self.result
        return found if found is not None and found.get("attempt") == self.attempt else None

    def _current(self) -> list[Entry]:
        return [entry for entry in self.history if entry.attempt == self.attempt]


def now() -> str:
    """The time as it is written into objects."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def when(written: str) -> float:
    """A written time in seconds since 1970; 0 for none."""
    return datetime.fromisoformat(written.replace("Z", "+00:00")).timestamp() if written else 0.0
