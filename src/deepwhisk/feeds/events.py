"""Events: what happened to which object, under an id that two looks at the same version share.

A hint is (bucket, raw key). Each store spells keys in its own way, so each spelling is decoded here and
nowhere else: unquoting a key that came raw corrupts `+` and `%`.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

BUCKETS = "/buckets/"
VERSIONS = ".versions"
LATEST = "Seaweed-X-Amz-Latest-Version-Id"


class Hint(NamedTuple):
    """Something may have happened to this object; a look at it tells."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class Event:
    """One version of one object, as a fire carries it."""

    id: str
    bucket: str
    key: str
    etag: str
    size: int
    contentType: str  # noqa: N815 - the names of the fired JSON
    lastModified: str  # noqa: N815
    versionId: str | None  # noqa: N815

    @property
    def brief(self) -> dict[str, Any]:
        """What names it to a reader."""
        return {"id": self.id, "bucket": self.bucket, "key": self.key}


@dataclass(frozen=True, slots=True)
class Tick:
    """A time at which an alarm was due."""

    id: str
    due: str

    @property
    def brief(self) -> dict[str, Any]:
        return asdict(self)


Happening = Event | Tick


def dump(event: Happening) -> str:
    return json.dumps(asdict(event), ensure_ascii=False)


def parse(text: str) -> Happening:
    members = json.loads(text)
    return Tick(**members) if "due" in members else Event(**members)


def second(moment: datetime) -> int:
    """Whole seconds: a listing may give milliseconds, HEAD never does."""
    return int(moment.timestamp())


def timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def identify(bucket: str, key: str, etag: str, seconds: int, version: str | None) -> str:
    """The id: an identical overwrite within a second is the same event, unless the bucket keeps versions."""
    told = json.dumps([bucket, key, version or "", etag, seconds])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def seaweed_hints(body: Any) -> Iterator[Hint]:
    """A SeaweedFS webhook: the key is raw; directories and parts of uploads are no objects."""
    entry = (body.get("message") or {}).get("new_entry")
    path = str(body.get("key", ""))
    if not entry or not path.startswith(BUCKETS) or body.get("event_type") not in ("create", "update"):
        return
    if entry.get("is_directory"):
        # The versions of an object are files in a directory of that name, which says which one is the latest.
        path = path.removesuffix(VERSIONS) if LATEST in (entry.get("extended") or {}) else ""
    bucket, _, key = path.removeprefix(BUCKETS).partition("/")
    if key and not key.startswith(".uploads/"):
        yield Hint(bucket, key)


def s3_hints(body: Any) -> Iterator[Hint]:
    """What AWS S3 sends, bare, in an SNS envelope or by EventBridge; MinIO's webhook has the same records."""
    if body.get("Type") == "Notification":
        yield from s3_hints(json.loads(body["Message"]))
    elif "detail" in body:
        yield _hint(body["detail"]["bucket"]["name"], body["detail"]["object"]["key"])
    else:
        yield from _records(body, quoted=True)


def listen_hints(body: Any) -> Iterator[Hint]:
    """MinIO's event stream: S3 records whose keys are raw."""
    yield from _records(body, quoted=False)


def _records(body: Any, *, quoted: bool) -> Iterator[Hint]:
    for record in body.get("Records") or ():
        if "ObjectCreated:" in record.get("eventName", ""):
            hint = _hint(record["s3"]["bucket"]["name"], record["s3"]["object"]["key"])
            yield hint._replace(key=unquote_plus(hint.key)) if quoted else hint


def _hint(bucket: Any, key: Any) -> Hint:
    if not isinstance(bucket, str) or not isinstance(key, str):
        raise TypeError(f"bucket and key are texts (got {str(bucket)[:40]!r} and {str(key)[:40]!r})")
    return Hint(bucket, key)
