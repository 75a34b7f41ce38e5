"""A store that is a dictionary: for tests, yours too, without a server.

Law: it keeps nothing after the process and sends nothing out of it. Its links begin with `memory:`, mean
something only to the store that signed them, and are followed with its `follow`; no other program opens them.
"""

import hashlib
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from threading import Lock

from deepwhisk.errors import StoreError
from deepwhisk.objects.store import (
    Body,
    Method,
    Object,
    Reader,
    StoreSettings,
    check_names,
    check_seconds,
)
from deepwhisk.objects.stores.refusals import refusal


@dataclass(frozen=True, slots=True)
class Permission:
    """What a link allows, and until when on the monotonic clock."""

    method: Method
    bucket: str
    key: str
    until: float


class MemoryStore:
    """A `Store` in memory; safe to share between threads."""

    def __init__(self, settings: StoreSettings | None = None, buckets: Iterable[str] = ()) -> None:
        self._lock = Lock()
        self._buckets: dict[str, dict[str, tuple[Object, bytes]]] = {}
        self._links: dict[str, Permission] = {}
        for bucket in buckets:
            check_names(bucket)
            self._buckets[bucket] = {}

    def put(
        self, bucket: str, key: str, body: Body, *, content_type: str = "", if_absent: bool = False
    ) -> Object:
        check_names(bucket, key)
        content = body if isinstance(body, bytes) else body.read()
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        kind = content_type or "application/octet-stream"
        written = Object(bucket, key, etag, len(content), kind, datetime.now(UTC).replace(microsecond=0))
        with self._lock:
            objects = self._bucket(bucket)
            if if_absent and key in objects:
                raise refusal("PreconditionFailed", "", bucket, key)
            objects[key] = (written, content)
        return written

    @contextmanager
    def get(self, bucket: str, key: str) -> Iterator[Reader]:
        yield BytesIO(self._object(bucket, key)[1])

    def head(self, bucket: str, key: str) -> Object:
        return self._object(bucket, key)[0]

    def list(self, bucket: str, prefix: str = "") -> Iterator[Object]:
        check_names(bucket)
        with self._lock:
            found = [known for known, _ in self._bucket(bucket).values() if known.key.startswith(prefix)]
        for known in sorted(found, key=lambda known: known.key.encode()):
            yield replace(known, content_type=None)

    def link(self, bucket: str, key: str, *, method: Method = "GET", seconds: int = 900) -> str:
        check_names(bucket, key)
        check_seconds(seconds)
        url = f"memory:{secrets.token_urlsafe(16)}"
        self._links[url] = Permission(method, bucket, key, time.monotonic() + seconds)
        return url

    def delete(self, bucket: str, key: str) -> None:
        check_names(bucket, key)
        with self._lock:
            self._bucket(bucket).pop(key, None)

    def follow(self, url: str, body: bytes | None = None) -> bytes:
        """Do what a link allows: read with no body, else write it."""
        allowed = self._links.get(url)
        wanted = "GET" if body is None else "PUT"
        if allowed is None or allowed.method != wanted or time.monotonic() >= allowed.until:
            raise StoreError(f"this link allows no {wanted}: it is unknown, for another verb, or expired")
        if body is not None:
            self.put(allowed.bucket, allowed.key, body)
        return self._object(allowed.bucket, allowed.key)[1]

    def _bucket(self, bucket: str) -> dict[str, tuple[Object, bytes]]:
        if bucket not in self._buckets:
            raise refusal("NoSuchBucket", "", bucket, None)
        return self._buckets[bucket]

    def _object(self, bucket: str, key: str) -> tuple[Object, bytes]:
        check_names(bucket, key)
        with self._lock:
            found = self._bucket(bucket).get(key)
        if found is None:
            raise refusal("NoSuchKey", "", bucket, key)
        return found
