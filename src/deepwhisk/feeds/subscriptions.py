"""A subscription: which objects fire which trigger, read from a feed's parameters.

Law: whatever it says is checked when it is made, with the value and what would be right; a feed that would
feed itself is refused.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Self

import orjson

from deepwhisk.errors import FeedError, StoreError
from deepwhisk.feeds.events import Happening
from deepwhisk.objects.store import check_names

STARTS = ("now", "beginning")
LARGEST_PAYLOAD = 512 * 1024
PARAMETERS = ("bucket", "prefix", "suffix", "startFrom", "payload", "deadLetters", "retries")
MOST_RETRIES = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written: a bucket and what its keys begin with."""

    bucket: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Objects of one bucket that fire one trigger. `auth` goes to the ledger and to OpenWhisk only."""

    namespace: str
    trigger: str
    auth: str = field(repr=False)
    bucket: str = ""
    prefix: str = ""
    suffix: str = ""
    start_from: str = "now"
    payload: Mapping[str, Any] = field(default_factory=dict)
    dead_letters: Place | None = None
    retries: int = 3

    waits_for_rules: ClassVar[bool] = True  # an object stays: it is worth a fire when somebody listens

    @property
    def name(self) -> str:
        return f"{self.namespace}/{self.trigger}"

    def matches(self, bucket: str, key: str) -> bool:
        """Whether an object of this name fires. A key that ends in a slash is a folder."""
        return (
            bucket == self.bucket
            and key.startswith(self.prefix)
            and key.endswith(self.suffix)
            and not key.endswith("/")
        )

    def given(self, parameters: Mapping[str, Any]) -> Self:
        """This subscription with the parameters that are given. Raises FeedError for one that is wrong."""
        changed = replace(self, **_read(parameters))
        if not changed.bucket:
            raise FeedError("bucket is missing; name the bucket whose new objects shall fire the trigger")
        changed.check_results()
        return changed

    def writes(self) -> list[tuple[str, Place]]:
        """The places this feed's own work is written to, with the parameter that says so."""
        places = [("deadLetters", self.dead_letters)] if self.dead_letters else []
        results = self.payload.get("results")
        if isinstance(results, dict):
            places.append(("payload.results", _place("payload.results", results)))
        return places

    def check_results(self) -> None:
        """Refuse a feed whose results or dead letters would fire it again."""
        for parameter, place in self.writes():
            if self.catches(place):
                raise FeedError(
                    f"{parameter} would be written to {place.bucket}/{place.prefix}*, which this feed "
                    f"watches ({self.bucket}/{self.prefix}*{self.suffix}): it would feed itself for ever; "
                    "choose another bucket or another prefix"
                )

    def catches(self, place: Place) -> bool:
        """Whether a JSON object written there could fire this trigger."""
        ends = ".json".endswith(self.suffix) or self.suffix.endswith(".json")
        meets = place.prefix.startswith(self.prefix) or self.prefix.startswith(place.prefix)
        return place.bucket == self.bucket and ends and meets

    def fire(self, event: Happening) -> dict[str, Any]:
        """What a fire carries."""
        return {"event": asdict(event), **self.payload}

    def worth_again(self, attempts: int, cause: Mapping[str, Any]) -> bool:
        """Whether a fire that came to nothing is made again."""
        return attempts < self.retries

    def config(self) -> dict[str, Any]:
        """What the feed's READ shows: its parameters, by the names they were given under."""
        letters = asdict(self.dead_letters) if self.dead_letters else None
        return {
            "bucket": self.bucket,
            "prefix": self.prefix,
            "suffix": self.suffix,
            "startFrom": self.start_from,
            "payload": dict(self.payload),
            "deadLetters": letters,
            "retries": self.retries,
        }


def check_circle(one: Subscription, others: Iterable[Subscription]) -> None:
    """Refuse a subscription that, through the results of others, would feed itself."""
    following = {other.name: other for other in others if other.name != one.name}
    reached, border = {one.name: [one.name]}, [one]
    while border:
        source = border.pop()
        for _, place in source.writes():
            if source is not one and one.catches(place):
                way = " → ".join([*reached[source.name], one.name])
                raise FeedError(f"the results of these feeds would fire each other for ever: {way}")
            for name, other in following.items():
                if name not in reached and other.catches(place):
                    reached[name] = [*reached[source.name], name]
                    border.append(other)


def _read(parameters: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(parameters) - set(PARAMETERS))
    if unknown:
        raise FeedError(f"unknown parameter {', '.join(unknown)}; a feed takes {', '.join(PARAMETERS)}")
    readers = {
        "bucket": ("bucket", _bucket),
        "prefix": ("prefix", _text),
        "suffix": ("suffix", _text),
        "startFrom": ("start_from", _start),
        "payload": ("payload", _payload),
        "deadLetters": ("dead_letters", _letters),
        "retries": ("retries", _retries),
    }
    chosen = {name: readers[name] for name in parameters}
    return {attribute: read(name, parameters[name]) for name, (attribute, read) in chosen.items()}


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise FeedError(f"{name} must be a string (got {_shown(value)})")
    return value


def _bucket(name: str, value: Any) -> str:
    try:
        check_names(_text(name, value))
    except StoreError as error:
        raise FeedError(f"{name}: {error}") from error
    return str(value)


def _start(name: str, value: Any) -> str:
    if value not in STARTS:
        raise FeedError(f"{name} must be one of {', '.join(STARTS)} (got {_shown(value)})")
    return str(value)


def _payload(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise FeedError(f"{name} must be an object (got {_shown(value)})")
    if "event" in value:
        raise FeedError(f"{name}.event is where each fire carries its event; give your member another name")
    try:
        size = len(orjson.dumps(value))
    except TypeError as error:
        raise FeedError(f"{name} cannot be sent as JSON: {error}") from error
    if size > LARGEST_PAYLOAD:
        raise FeedError(f"{name} is {size} bytes long; at most {LARGEST_PAYLOAD} go into each fire")
    return value


def _letters(name: str, value: Any) -> Place | None:
    return None if value is None or value == {} else _place(name, value)


def _place(name: str, value: Any) -> Place:
    if not isinstance(value, dict) or not set(value) <= {"bucket", "prefix"}:
        raise FeedError(f'{name} must be {{"bucket": …, "prefix": …}} (got {_shown(value)})')
    prefix = _text(f"{name}.prefix", value.get("prefix", ""))
    return Place(_bucket(f"{name}.bucket", value.get("bucket")), prefix)


def _retries(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_RETRIES:
        raise FeedError(f"{name} must be a whole number from 0 to {MOST_RETRIES} (got {_shown(value)})")
    return value


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:80]
