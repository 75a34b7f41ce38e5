"""A request, as it is written down: who asks for what, through which door."""

import hashlib
import json
import os
import uuid
from datetime import UTC, datetime
from typing import Any

from asking import SERVICE, model_of, uuid_of
from keeping import STORE
from refusing import Refused

SAID = ("data", "resources", "site", "promote", "sweep", "rerun_of")  # beside arguments
CONTROL = ("uuid", "kind", "model", "via", "arguments", "files", "event", *SAID, *STORE, *SERVICE)
DOORS = ("web", "cli", "trigger", "event", "rerun", "sweep")
Json = dict[str, Any]


def request_of(args: Json) -> Json:
    """What is written down of a call."""
    event = args["event"] if isinstance(args.get("event"), dict) else None
    given = _given(args)
    files = {name: each for name, each in given.items() if _is_file(each)} | (args.get("files") or {})
    via = "event" if event else args.get("via")
    return {
        "uuid": _name(args, event),
        "kind": "predict" if args.get("kind") == "predict" else "train",
        "model": model_of(args),
        "date": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "by": os.environ.get("__OW_NAMESPACE", ""),
        "via": via if via in DOORS else "trigger",
        "arguments": {name: each for name, each in given.items() if name not in files},
        "files": files,
        **{name: args.get(name) for name in SAID},
        "data": _data(args, event),
        "resources": args.get("resources") or {},
    }


def waiting(request: Json, refused: Refused) -> Json:
    """What is told of a request that nobody has taken yet."""
    told = {name: request[name] for name in ("uuid", "model", "kind", "date", "arguments")}
    said = f"It is kept, and taken when the batch service answers again: {refused}"
    return {**told, "state": "submitted", "waiting": said}


def _given(args: Json) -> Json:
    """The arguments: whatever is no control, and above that what stands under `arguments`."""
    rest = {name: each for name, each in args.items() if name not in CONTROL}
    plain = {name: each for name, each in rest.items() if not name.startswith(("__ow_", "$"))}
    given = args.get("arguments")
    if given is not None and not isinstance(given, dict):
        raise Refused(f"arguments is {json.dumps(given)[:80]}; give an object")
    return {**plain, **(given or {})}


def _is_file(value: Any) -> bool:
    """Whether a value is a reference, or several."""
    if isinstance(value, list):
        return bool(value) and all(map(_is_file, value))
    return isinstance(value, dict) and set(value) == {"$object"}


def _data(args: Json, event: Json | None) -> str | None:
    """Where the data is: what arrived, or what was named."""
    data = args.get("data")
    if event:
        if not event.get("bucket") or not event.get("key"):
            raise Refused("the event names no bucket and key")
        data = f"s3://{event['bucket']}/{event['key']}"
    if data is not None and not str(data).startswith("s3://"):
        raise Refused(
            f"data is {json.dumps(data)[:80]}; give s3://BUCKET/KEY, or s3://BUCKET/PREFIX/ for all"
        )
    return data


def _name(args: Json, event: Json | None) -> str:
    """The name of a training: an event has always the same one."""
    if event is None:
        return uuid_of(args) if args.get("uuid") else uuid.uuid4().hex
    known = event.get("id") or json.dumps(event, sort_keys=True)
    return hashlib.sha256(f"{model_of(args)} {known}".encode()).hexdigest()[:32]
