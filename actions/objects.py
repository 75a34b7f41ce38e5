"""Actions between buckets and models: fetch an object, store a result, link for data too large for a message.

Law: messages carry references, never payloads and never the store's credentials; a result is written once,
under a key made from its event's id, so that an event that arrives twice leaves one result.
"""

import functools
import hashlib
import itertools
import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

KEY_BYTES = 1024  # the longest key that S3 takes
TRANSFER = "deepwhisk-transfer"
SETTINGS = ("store_endpoint", "store_access_key", "store_secret_key", "store_region")
EXISTING = {"409", "412", "ConditionalRequestConflict", "PreconditionFailed"}
CONFIG = Config(
    signature_version="s3v4",
    connect_timeout=3,
    read_timeout=10,  # both attempts end before the action's time does
    retries={"mode": "standard", "total_max_attempts": 2},
    s3={"addressing_style": "path"},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


class _Refused(Exception):
    """Raised when a call cannot be served; its text is the answer."""


def _sentences(action: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Answer a refusal with an application error that names cause, phase and activation."""

    @functools.wraps(action)
    def told(args: dict[str, Any]) -> dict[str, Any]:
        try:
            return action(args)
        except _Refused as refused:
            where = {
                "phase": f"objects/{action.__name__}",
                "activation": os.environ.get("__OW_ACTIVATION_ID"),
            }
            return {"error": {"message": str(refused), **_about(refused.__cause__), **where}}

    return told


@_sentences
def fetch(args: dict[str, Any]) -> dict[str, Any]:
    """Turn a storage event into an argument of a model: a reference with a signed link to read the object.

    `event` is the event, `argument` the name of the model's argument ("file" if not given), `results` the
    bucket and prefix to write to, `seconds` the life of the link (900). Whatever else is given is passed on.
    """
    client, results = _client(args), _place(args.get("results"))
    event = _complete(client, _member(args, "event", dict))
    _refuse_loop(event, results)
    reference = {name: event[name] for name in ("bucket", "key", "etag", "size", "contentType")}
    reference["url"] = _signed(client, "get_object", reference, args)
    passed = _rest(args, "event", "argument", "results", "seconds", "$event")
    passed[args.get("argument") or "file"] = {"$object": reference}
    return {**passed, "$event": {**event, "results": results}}


@_sentences
def store(args: dict[str, Any]) -> dict[str, Any]:
    """Write a result as JSON under a key made from its event, once: a second time changes nothing.

    `$event` says where from and where to, as fetch made it; everything else is the result. Files that the
    result refers to are copied beside it, because the transfer bucket keeps nothing.
    """
    client, event = _client(args), dict(_member(args, "$event", dict))
    results = _place(event.pop("results", None))
    _refuse_loop(event, results)
    key = _result_key(event, results["prefix"])
    copies = (f"{key.removesuffix('.json')}.{number}" for number in itertools.count(1))
    result = _kept(client, _rest(args, "$event"), results["bucket"], copies)
    body = json.dumps({"event": event, "result": result}, ensure_ascii=False, separators=(",", ":"))
    return _written(client, results["bucket"], key, body.encode())


@_sentences
def link(args: dict[str, Any]) -> dict[str, Any]:
    """Sign a link to write one new object and one to read it, so that whoever holds no key can pass on data.

    `contentType` and `size` say what comes, `seconds` how long the links live (900), `bucket` where to.
    """
    client = _client(args)
    kind = args.get("contentType") or "application/octet-stream"
    key = f"{datetime.now(UTC):%Y-%m-%d}/{uuid.uuid4().hex}"
    place = {"bucket": args.get("bucket") or TRANSFER, "key": key}
    reference = {**place, "etag": None, "size": args.get("size"), "contentType": kind}
    put = _signed(client, "put_object", reference, args, ContentType=kind)
    reference["url"] = _signed(client, "get_object", reference, args)
    return {"put": {"url": put, "headers": {"Content-Type": kind}}, "reference": {"$object": reference}}


def _kept(client: Any, value: Any, bucket: str, keys: Iterator[str]) -> Any:
    """The value with its references pointing to what stays: what lies in the transfer bucket is copied."""
    if isinstance(value, list):
        return [_kept(client, item, bucket, keys) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) != {"$object"} or not isinstance(value["$object"], dict):
        return {name: _kept(client, item, bucket, keys) for name, item in value.items()}
    found = value["$object"]
    if found.get("bucket") == TRANSFER:
        return {"$object": _copied(client, _member(found, "key", str), bucket, next(keys))}
    return {"$object": {name: item for name, item in found.items() if name != "url"}}


def _copied(client: Any, source: str, bucket: str, key: str) -> dict[str, Any]:
    """A copy made by the store itself; one that an earlier, unfinished run has left stays the one."""
    with _refusals(TRANSFER, source):
        try:
            origin = {"Bucket": TRANSFER, "Key": source}
            client.copy_object(Bucket=bucket, Key=key, CopySource=origin, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in EXISTING:
                raise
        found = client.head_object(Bucket=bucket, Key=key)
    return {"bucket": bucket, "key": key, **_said(found)}


def _written(client: Any, bucket: str, key: str, body: bytes) -> dict[str, Any]:
    """Write unless there is one already; say which of both."""
    kind = "application/json"
    answer = {"bucket": bucket, "key": key, "contentType": kind, "size": len(body)}
    with _refusals(bucket, key):
        try:
            made = client.put_object(Bucket=bucket, Key=key, Body=body, ContentType=kind, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in EXISTING:
                raise
            return {**answer, **_said(client.head_object(Bucket=bucket, Key=key)), "duplicate": True}
    return {**answer, "etag": made["ETag"].strip('"')}


def _complete(client: Any, event: dict[str, Any]) -> dict[str, Any]:
    """The event as the feed would have made it; the store is asked only for what is missing."""
    for name in ("bucket", "key"):
        _member(event, name, str)
    if all(event.get(name) is not None for name in ("id", "etag", "size", "contentType")):
        return event
    with _refusals(event["bucket"], event["key"]):
        found = client.head_object(Bucket=event["bucket"], Key=event["key"])
    said, modified, version = _said(found), found["LastModified"], found.get("VersionId")
    parts = [event["bucket"], event["key"], version or "", said["etag"], int(modified.timestamp())]
    known = {**said, "id": hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32], "versionId": version}
    known["lastModified"] = f"{modified.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {**event, **{name: value for name, value in known.items() if event.get(name) is None}}


def _said(found: dict[str, Any]) -> dict[str, Any]:
    """What a HEAD says, in the words of a reference."""
    kind = found.get("ContentType") or "application/octet-stream"
    return {"etag": found["ETag"].strip('"'), "size": found["ContentLength"], "contentType": kind}


def _result_key(event: dict[str, Any], prefix: str) -> str:
    """Prefix, source key and event id; the source key is cut, between characters, so that all of it fits."""
    name = f"/{_member(event, 'id', str)}.json"
    room = KEY_BYTES - len(prefix.encode()) - len(name.encode())
    if room < 0:
        raise _Refused(f"the results prefix {prefix[:40]!r}… leaves no room for a key; shorten it")
    return str(prefix + _member(event, "key", str).encode()[:room].decode(errors="ignore").rstrip("/") + name)


def _refuse_loop(event: dict[str, Any], results: dict[str, str]) -> None:
    """Results among the objects that are watched would be events themselves, for ever."""
    bucket, prefix = results["bucket"], results["prefix"]
    if bucket == event.get("bucket") and str(event.get("key", "")).startswith(prefix):
        where = f"{event['key']!r} in bucket {bucket!r} under {prefix!r}"
        raise _Refused(f"a result of {where} would be an event again; choose another bucket or prefix")


def _place(results: Any) -> dict[str, str]:
    """Where results go."""
    if not isinstance(results, dict) or not results.get("bucket"):
        raise _Refused('there is no place for the result; give fetch results: {"bucket": …, "prefix": …}')
    return {"bucket": str(results["bucket"]), "prefix": str(results.get("prefix") or "")}


def _member(args: dict[str, Any], name: str, kind: type) -> Any:
    value = args.get(name)
    if not isinstance(value, kind) or not value:
        wanted = "an object" if kind is dict else "a text"
        raise _Refused(f"{name!r} is {json.dumps(value)[:80]}; give {wanted}")
    return value


def _signed(client: Any, verb: str, reference: dict[str, Any], args: dict[str, Any], **more: str) -> str:
    seconds = args.get("seconds", 900)
    if type(seconds) is not int or not 1 <= seconds <= 86400:
        raise _Refused(f"a link cannot live {seconds!r} seconds; choose between 1 and 86400")
    named = {"Bucket": reference["bucket"], "Key": reference["key"], **more}
    return str(client.generate_presigned_url(verb, Params=named, ExpiresIn=seconds))


def _rest(args: dict[str, Any], *own: str) -> dict[str, Any]:
    """What was given beside the action's own arguments, the package's inputs and OpenWhisk's."""
    taken = {*own, *SETTINGS}
    return {name: value for name, value in args.items() if name not in taken and not name.startswith("__ow_")}


def _client(args: Any) -> Any:
    """The client for the store that the package's inputs name; kept between calls."""
    if not isinstance(args, dict):
        raise _Refused(f"the input is a {type(args).__name__}; only an object can carry its event")
    if missing := [name for name in SETTINGS[:3] if not args.get(name)]:
        raise _Refused(f"{', '.join(missing)} missing; set the variables DEEPWHISK_STORE_… and deploy again")
    return _connected(*(args.get(name) or "us-east-1" for name in SETTINGS))


@functools.lru_cache(maxsize=8)
def _connected(endpoint: str, access_key: str, secret_key: str, region: str) -> Any:
    session = boto3.session.Session(access_key, secret_key, region_name=region)
    return session.client("s3", endpoint_url=endpoint, config=CONFIG)


def _about(cause: BaseException | None) -> dict[str, Any]:
    """The name of a cause, and whether the same call may succeed later."""
    status = cause.response["ResponseMetadata"]["HTTPStatusCode"] if isinstance(cause, ClientError) else 0
    later = isinstance(cause, BotoCoreError) or status == 429 or status >= 500
    return {"cause": type(cause).__name__ if cause else "Refused", **({"transient": True} if later else {})}


@contextmanager
def _refusals(bucket: str, key: str) -> Iterator[None]:
    """Say a store's refusal in a sentence."""
    what = f"object {key!r} in bucket {bucket!r}"
    gone = f"there is no {what}; it may have been removed since the event"
    said = {"404": gone, "NoSuchKey": gone, "NoSuchBucket": f"there is no bucket {bucket!r}; make it first"}
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise _Refused(said.get(code, f"the store refused {what}: {code}")) from error
    except BotoCoreError as error:
        raise _Refused(f"the store did not answer for {what}; check that it runs") from error
