"""The versions of a model: which training serves, and every promotion and rollback before, numbered.

Law: a version is written once, under the number after the newest one; of two that are written at once, one
is first and the other is made anew on top of it. What serves is what the newest one says. An object that was
written is never read twice.
"""

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from deepwhisk.batch.layout import BUCKET, version, versions
from deepwhisk.batch.training import now
from deepwhisk.errors import ObjectExists, TrainingError
from deepwhisk.objects.store import Store

ORIGINAL = 0  # the number of the model as it was deployed
PROMOTED, ROLLED_BACK = "promoted", "rolled back"
READERS = 8
MISSING, CONFLICT = 404, 409


@dataclass(frozen=True, slots=True)
class Version:
    """One promotion or rollback; after a rollback `serves` is the number of an earlier promotion."""

    version: int
    serves: int
    why: str
    at: str  # ISO 8601, UTC
    by: str = ""
    model: str = ""
    training: str | None = None
    sha256: str | None = None
    key: str | None = None
    size: int = 0
    rule: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def artifact(self) -> dict[str, Any] | None:
        """What a container is told; nothing for the model as it was deployed."""
        if self.serves == ORIGINAL:
            return None
        return {"version": self.serves, "training": self.training, "sha256": self.sha256, "key": self.key}

    def body(self) -> dict[str, Any]:
        """As it is written and told."""
        return asdict(self)

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> "Version":
        """From what was written; members that are not known here are passed over."""
        return cls(**{name: body[name] for name in cls.__slots__ if name in body})


class Versions:
    """The versions in a store."""

    def __init__(self, store: Store, bucket: str = BUCKET) -> None:
        self._store = store
        self._bucket = bucket
        self._known: dict[str, Version] = {}
        self._lock = threading.Lock()

    def all(self, model: str) -> list[Version]:
        """All of one model, the oldest first."""
        keys = self._keys(model)
        with ThreadPoolExecutor(READERS) as pool:
            return list(pool.map(self._read, keys))

    def newest(self, model: str) -> Version | None:
        """The one that says what serves; None for a model that was never promoted."""
        keys = self._keys(model)
        return self._read(keys[-1]) if keys else None

    def add(self, model: str, make: Callable[[list[Version]], Version | None]) -> Version | None:
        """Write what is made of those there are; made again when another one came first."""
        while True:
            made = make(self.all(model))
            if made is None or self._written(model, made):
                return made

    def _written(self, model: str, made: Version) -> bool:
        key, body = version(model, made.version), json.dumps(made.body()).encode()
        try:
            self._store.put(self._bucket, key, body, content_type="application/json", if_absent=True)
        except ObjectExists:
            return False
        return True

    def _keys(self, model: str) -> list[str]:
        found = [each.key for each in self._store.list(self._bucket, versions(model))]
        return sorted(
            found, key=lambda key: (len(key), key)
        )  # the ten-thousandth is after the last of 4 digits

    def _read(self, key: str) -> Version:
        if (known := self._known.get(key)) is None:
            with self._store.get(self._bucket, key) as body:
                known = Version.read(json.loads(body.read()))
            with self._lock:
                self._known[key] = known
        return known


def previous(before: list[Version], model: str) -> int:
    """What served before the promotion that serves now."""
    serving = before[-1].serves if before else ORIGINAL
    if serving == ORIGINAL:
        raise TrainingError(f"{model} serves as it was deployed; there is nothing before that.", CONFLICT)
    return before[serving - 2].serves if serving > 1 else ORIGINAL


def rolled_back(before: list[Version], wanted: int, model: str, by: str) -> Version:
    """The version after a rollback to an earlier one. Raises TrainingError where there is none."""
    if not ORIGINAL <= wanted <= len(before):
        raise TrainingError(f"{model} has no version {wanted}; there are 0 to {len(before)}.", MISSING)
    number = len(before) + 1
    served = before[wanted - 1].serves if wanted else ORIGINAL
    if served == ORIGINAL:
        return Version(number, ORIGINAL, ROLLED_BACK, now(), by, model)
    return replace(before[served - 1], version=number, why=ROLLED_BACK, at=now(), by=by)
