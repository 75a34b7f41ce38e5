"""Triggers and their feeds: what a feed knows of a trigger, and what it must be told.

A feed is an action that `wsk` calls with CREATE, READ, UPDATE and DELETE. READ is asked before anything is
planned, so that a subscription that is gone or differs is seen; the annotation `deepwhisk-feed` keeps digests
of what a feed was told and of what it showed then. Law: no secret is in either.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from deepwhisk.deploy.managed import values
from deepwhisk.errors import WhiskError, WhiskUnreachable
from deepwhisk.manifest import Entity
from deepwhisk.whisk import NOT_FOUND, Whisk

FEED_DIGEST = "deepwhisk-feed"
GONE = ("not find", "not found", "not exist", "no feed of", "no such", "no subscription", "unknown trigger")
OTHER_NAMES = {"trigger_payload": "payload"}  # of an input, where READ shows it under another name


@dataclass(frozen=True, slots=True)
class FeedCall:
    """What a feed is told about a trigger: its lifecycle event, and the parameters of the trigger."""

    event: str  # CREATE, UPDATE, DELETE
    feed: str
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a feed says of a trigger; many feeds cannot be asked."""

    state: Literal["known", "gone", "unknown"] = "unknown"
    config: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

    def shown(self, names: list[str]) -> dict[str, Any]:
        """The inputs of these names, as far as the feed shows them."""
        places = {name: name if name in self.config else OTHER_NAMES.get(name, name) for name in names}
        return {name: self.config[place] for name, place in places.items() if place in self.config}


@dataclass(frozen=True, slots=True)
class Told:
    """What the annotation of a trigger remembers."""

    inputs: str  # digest of the inputs that the feed was told
    names: tuple[str, ...]
    shown: str = ""  # digest of what READ showed of them right after; empty where it shows nothing
    key: str = ""  # digest of the key that the feed was given to fire with

    @classmethod
    def of(cls, entity: Mapping[str, Any]) -> "Told | None":
        found = values(entity.get("annotations")).get(FEED_DIGEST)
        if not isinstance(found, dict) or not isinstance(found.get("names"), list):
            return None
        return cls.of_value(found)

    @classmethod
    def of_value(cls, found: Mapping[str, Any]) -> "Told":
        digests = (str(found.get(name) or "") for name in ("shown", "key"))
        return cls(str(found.get("inputs")), tuple(map(str, found["names"])), *digests)


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def remembered(inputs: Mapping[str, Any], reading: Reading, key: str) -> dict[str, Any]:
    """The annotation's value: what a feed knows when it has been told these inputs, and a key."""
    shown = reading.shown(sorted(inputs))
    return {
        "inputs": digest(dict(inputs)),
        "names": sorted(inputs),
        "shown": digest(shown) if shown else "",
        "key": key,
    }


def feed_calls(
    entity: Entity, present: Mapping[str, Any] | None, reading: Reading, key: str = ""
) -> tuple[FeedCall, ...]:
    """CREATE for what is new to its feed, UPDATE for other parameters, DELETE for what left it.

    An UPDATE changes parameters and takes none away, so that fewer are told anew.
    """
    if entity.kind != "trigger":
        return ()
    before = values(present.get("annotations")).get("feed") if present else None
    if entity.feed is None:
        return (FeedCall("DELETE", before),) if before else ()
    feed, inputs = entity.feed.name, dict(entity.feed.inputs)
    create = FeedCall("CREATE", feed, inputs)
    if present is None or not before:
        return (create,)
    if not same_feed(before, feed):
        return (FeedCall("DELETE", before), create)
    if reading.state == "gone":
        return (create,)
    told = Told.of(present)
    if told is None or set(told.names) - set(inputs):
        adopted = told is None and shows_all(inputs, reading)
        return () if adopted else (FeedCall("DELETE", before), create)
    knows = shows_all(inputs, reading) or _unchanged(inputs, told, reading)
    return () if knows and told.key == key else (FeedCall("UPDATE", feed, inputs),)


def shows_all(inputs: Mapping[str, Any], reading: Reading) -> bool:
    """Whether a feed shows every input as it is to be."""
    return bool(inputs) and reading.shown(sorted(inputs)) == dict(inputs)


def _unchanged(inputs: Mapping[str, Any], told: Told, reading: Reading) -> bool:
    """Whether a feed was told this, and shows what it showed then."""
    now = reading.shown(sorted(inputs))
    same = not told.shown or not now or told.shown == digest(now)
    return same and told.inputs == digest(dict(inputs))


def same_feed(one: str, other: str) -> bool:
    return one.removeprefix("/_/") == other.removeprefix("/_/")


def read_feed(feed: str, trigger: str, whisk: Whisk) -> Reading:
    """Ask a feed what it knows, as `wsk trigger get` does."""
    try:
        answer = tell(FeedCall("READ", feed), trigger, whisk)
    except WhiskUnreachable:
        raise
    except WhiskError as error:
        gone = error.status != NOT_FOUND and any(words in str(error).lower() for words in GONE)
        return Reading("gone" if gone else "unknown", reason=str(error))
    config = answer.get("config") if isinstance(answer, dict) else None
    return Reading("known", config if isinstance(config, dict) else {})


def tell(call: FeedCall, trigger: str, whisk: Whisk) -> Any:
    """Invoke a feed as `wsk` does, and wait for it; its result. The first call may make an environment."""
    told = {"lifecycleEvent": call.event, "triggerName": f"/_/{trigger}", "authKey": whisk.auth}
    activation = whisk.invoke(call.feed.removeprefix("/_/"), {**call.inputs, **told})
    if "response" not in activation:
        activation = whisk.finished(activation["activationId"])
    response = activation["response"]
    if not response.get("success"):
        raise WhiskError(f"{response.get('result')} (activation {activation['activationId']})", 502)
    return response.get("result")
