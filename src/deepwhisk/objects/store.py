"""What an object store can do, in five verbs, and what it says about an object.

Law: every driver in `stores/` passes the same contract suite; nothing here knows any of them.
Keys are raw text: a driver escapes them for its wire and unescapes what comes back.
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Literal, Protocol

from deepwhisk.errors import StoreError

TRANSFER = "deepwhisk-transfer"
"""The bucket of what travels as a reference; nothing in it is kept."""

KEY_BYTES = 1024
"""The longest key that S3 takes, in UTF-8."""

LINK_SECONDS = 7 * 24 * 3600
"""The longest life of a signed link."""

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")

Method = Literal["GET", "PUT"]
Body = bytes | BinaryIO


@dataclass(frozen=True, slots=True)
class Object:
    """What a store says about an object.

    A listing knows neither `content_type` nor `version_id`; `put` gives the time of its answer, which may
    be a second after the one that `head` gives.
    """

    bucket: str
    key: str
    etag: str
    size: int
    content_type: str | None
    last_modified: datetime
    version_id: str | None = None


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where a store is and who asks; `driver` is `s3`, `minio` or `memory`."""

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    driver: str = "s3"


class Reader(Protocol):
    """The body of an object, read as it arrives."""

    def read(self, amount: int = -1, /) -> bytes: ...


class Store(Protocol):
    """Buckets of objects. A verb raises `StoreError` or a child of it, never a driver's own error."""

    def put(
        self, bucket: str, key: str, body: Body, *, content_type: str = "", if_absent: bool = False
    ) -> Object:
        """Write an object; a file is streamed. `if_absent` raises `ObjectExists` rather than replace one."""

    def get(self, bucket: str, key: str) -> AbstractContextManager[Reader]:
        """Open an object for reading: `with store.get(bucket, key) as body`."""

    def head(self, bucket: str, key: str) -> Object:
        """Say what the object is."""

    def list(self, bucket: str, prefix: str = "") -> Iterator[Object]:
        """All objects whose key begins with the prefix, in the order of their keys, however many."""

    def link(self, bucket: str, key: str, *, method: Method = "GET", seconds: int = 900) -> str:
        """Sign a link that lets whoever holds it do one thing with one key for so many seconds."""


class Shelf(Store, Protocol):
    """A store from which one may take away too; every driver is one, few who hold a store should be."""

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object; one that is not there is left so."""


def check_names(bucket: str, key: str | None = None) -> None:
    """Refuse what no store takes, before anything is sent."""
    if not BUCKET.fullmatch(bucket):
        raise StoreError(
            f"{bucket!r} cannot name a bucket; use 3 to 63 lower-case letters, digits, dots and hyphens"
        )
    if key is not None:
        check_key(key)


def check_key(key: str) -> None:
    """Refuse an empty key and one that is longer than S3 allows."""
    if not key:
        raise StoreError("an object needs a key; give at least one character")
    try:
        length = len(key.encode())
    except UnicodeEncodeError as error:
        raise StoreError(
            f"the key {key!r} is no Unicode text ({error.reason}); name the object anew"
        ) from error
    if length > KEY_BYTES:
        raise StoreError(
            f"the key {key[:40]!r}… has {length} bytes in UTF-8; shorten it to at most {KEY_BYTES}"
        )


def check_seconds(seconds: int) -> None:
    """Refuse a link that lives for no time, or longer than any store allows."""
    if not 1 <= seconds <= LINK_SECONDS:
        raise StoreError(f"a link cannot live {seconds} seconds; choose between 1 and {LINK_SECONDS}")


def length_of(body: Body) -> int:
    """How many bytes are left in the body, its position untouched."""
    if isinstance(body, bytes):
        return len(body)
    start = body.tell()
    end = body.seek(0, 2)
    body.seek(start)
    return end - start
