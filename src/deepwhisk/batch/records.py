"""The trainings of a store: read from their objects, written to them.

Law: what is written once stays as it is; of two who write the same state one is told that it was overtaken.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from deepwhisk.batch import layout
from deepwhisk.batch.layout import BUCKET, Located, Place, located
from deepwhisk.batch.training import Entry, Phase, Training, now
from deepwhisk.errors import ObjectExists, ObjectMissing, StoreError
from deepwhisk.objects.store import Object, Shelf

JSON = "application/json"
KNOWN = frozenset(phase.value for phase in Phase)
LARGEST = 16 << 20  # bytes of an object that is read whole


@dataclass(slots=True)
class Listed:
    """The keys of one training, unread."""

    place: Place
    objects: dict[str, Object] = field(default_factory=dict)  # by what follows MODEL/UUID/

    def states(self) -> Iterator[tuple[int, Phase, str]]:
        """Number, state and key of every state that is known here, in order."""
        for rest, one in sorted(self.objects.items()):
            found = Located(self.place, rest).state
            if found and found[1] in KNOWN:
                yield found[0], Phase(found[1]), one.key

    def files(self) -> dict[int, dict[str, int]]:
        """The sizes of what each attempt has."""
        sizes: dict[int, dict[str, int]] = {}
        for rest, one in self.objects.items():
            if found := Located(self.place, rest).attempt:
                sizes.setdefault(found[0], {})[found[1]] = one.size
        return sizes


@dataclass(frozen=True, slots=True)
class Survey:
    """What a bucket holds: trainings by UUID, and how many versions each model has."""

    trainings: dict[str, Listed]
    versions: Mapping[str, int]


class Records:
    """The bucket of trainings; safe to share between threads."""

    def __init__(self, store: Shelf, bucket: str = BUCKET) -> None:
        self.store, self.bucket = store, bucket

    def survey(self, prefix: str = "") -> Survey:
        """What lies under a prefix: one listing, nothing opened."""
        found: dict[str, Listed] = {}
        versions: Counter[str] = Counter()
        for one in self.store.list(self.bucket, prefix):
            if part := located(one.key):
                found.setdefault(part.place.uuid, Listed(part.place)).objects[part.rest] = one
            elif "/versions/" in one.key:
                versions[one.key.partition("/")[0]] += 1
        begun = {uuid: listed for uuid, listed in found.items() if "request.json" in listed.objects}
        return Survey(begun, versions)

    def listed(self, prefix: str = "") -> dict[str, Listed]:
        """Every training under a prefix that has a request, by UUID."""
        return self.survey(prefix).trainings

    def find(self, place: Place, known: Training | None = None) -> Training | None:
        """A training as it is now; None where there is none."""
        listed = self.listed(place.prefix).get(place.uuid)
        return self.read(listed, known) if listed else None

    def read(self, listed: Listed, known: Training | None = None) -> Training:
        """A training of its keys; what KNOWN has and cannot have changed, is not read again."""
        place, files = listed.place, listed.files()
        seen = {(entry.number, entry.phase): entry for entry in known.history} if known else {}
        history = tuple(
            seen.get((number, phase)) or self._entry(number, phase, key)
            for number, phase, key in listed.states()
        )
        return Training(
            place,
            known.request if known else self.json(place.request) or {},
            self._once(listed, "plan.json", known.plan if known else None),
            history,
            self._once(listed, "cancel.json", known.cancel if known else None),
            self._result(place, files, known),
            files,
        )

    def brief(self, listed: Listed) -> Training:
        """A training that has ended, as far as a list tells of it: its request, end and result."""
        place, files, states = listed.place, listed.files(), list(listed.states())
        number, phase, key = next(state for state in states if state[1].ended)
        request = self.json(place.request) or {}
        end = self._entry(number, phase, key)
        return Training(place, request, history=(end,), result=self._result(place, files, None), files=files)

    def append(self, training: Training, entry: Entry) -> Training:
        """Write the next state. Raises ObjectExists when another one wrote the same."""
        number = max((one.number for one in training.history), default=0) + 1
        entry = replace(entry, number=number, at=entry.at or now())
        self.write(training.place.state(number, entry.phase), entry.body(), once=True)
        return replace(training, history=(*training.history, entry))

    def write(self, key: str, body: Any, *, once: bool = False) -> Object:
        """Write JSON; `once` raises ObjectExists where there is one already."""
        said = json.dumps(body, ensure_ascii=False, default=str).encode()
        return self.store.put(self.bucket, key, said, content_type=JSON, if_absent=once)

    def write_once(self, key: str, body: Any) -> bool:
        """Write JSON if nothing is there; whether it was written."""
        try:
            self.write(key, body, once=True)
        except ObjectExists:
            return False
        return True

    def json(self, key: str) -> dict[str, Any] | None:
        """A JSON object; None where there is no such key. Raises StoreError for what is no JSON object."""
        if (said := self.bytes(key)) is None:
            return None
        try:
            body = json.loads(said)
        except ValueError as error:
            raise StoreError(f"{key} in {self.bucket} is not JSON ({error}); remove it") from error
        if not isinstance(body, dict):
            raise StoreError(f"{key} in {self.bucket} is no JSON object; remove it")
        return body

    def bytes(self, key: str, limit: int = LARGEST) -> bytes | None:
        """The beginning of an object; None where there is no such key."""
        try:
            with self.store.get(self.bucket, key) as body:
                return body.read(limit)
        except ObjectMissing:
            return None

    def has(self, key: str) -> bool:
        try:
            self.store.head(self.bucket, key)
        except ObjectMissing:
            return False
        return True

    def delete(self, place: Place) -> None:
        """Remove a training; its request goes last, so that what was cut short can be done again."""
        keys = [one.key for one in self.store.list(self.bucket, place.prefix)]
        for key in sorted(keys, key=lambda key: key == place.request):
            self.store.delete(self.bucket, key)

    def versions(self, model: str) -> Iterable[tuple[str, dict[str, Any]]]:
        """Promotions and rollbacks of a model in their order, each with its key."""
        for one in self.store.list(self.bucket, layout.versions(model)):
            yield one.key, self.json(one.key) or {}

    def _entry(self, number: int, phase: Phase, key: str) -> Entry:
        body = self.json(key) or {}
        return Entry.read(number, {**body, "state": phase.value})

    def _once(self, listed: Listed, name: str, known: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if known is not None or name not in listed.objects:
            return known
        return self.json(f"{listed.place.prefix}{name}")

    def _result(
        self, place: Place, files: Mapping[int, Mapping[str, int]], known: Training | None
    ) -> Mapping[str, Any] | None:
        """Of the last attempt that has one."""
        ended = [number for number, names in files.items() if "result.json" in names]
        if not ended:
            return None
        number = max(ended)
        if known and known.result is not None and known.result.get("attempt") == number:
            return known.result
        found = self.json(place.attempt(number).result)
        return {**found, "attempt": number} if found is not None else None
