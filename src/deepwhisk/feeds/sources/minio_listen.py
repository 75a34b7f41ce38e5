"""MinIO's event stream, one thread a bucket.

Law: the SDK reconnects silently and loses what happened meanwhile, so it may not: each connection is one
stream, a short read timeout ends a dead one, and each asks for a listing when it begins and when it ends.
MinIO of 2025 and later never flushes its stream: events come when a few KB have gathered, or not at all
before the timeout, and the listings find them.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.error import MinioException

from deepwhisk.feeds.backoff import Backoff
from deepwhisk.feeds.events import listen_hints
from deepwhisk.feeds.source import Standing, Take
from deepwhisk.objects.store import StoreSettings

log = logging.getLogger("deepwhisk.feeds")

CONNECT, READ = 2.0, 3.0  # seconds; MinIO sends a blank twice a second
CREATED = ("s3:ObjectCreated:*",)


class StreamEnded(Exception):
    """Raised when the SDK wants to connect a second time for one stream."""


SILENT = urllib3.exceptions.ReadTimeoutError
ENDED = (StreamEnded, MinioException, urllib3.exceptions.HTTPError, ValueError, OSError)
UNREADABLE = (KeyError, TypeError, AttributeError)


class OneConnection(urllib3.PoolManager):
    """Lets one request through, then no more; `opened` is told when its stream began."""

    def __init__(self, opened: Callable[[], None]) -> None:
        super().__init__(timeout=urllib3.Timeout(connect=CONNECT, read=READ), retries=False)
        self._opened = opened
        self._response: urllib3.BaseHTTPResponse | None = None

    def urlopen(self, *args: Any, **kwargs: Any) -> urllib3.BaseHTTPResponse:
        if self._response is not None:
            raise StreamEnded("the store ended the stream")
        self._response = super().urlopen(*args, **kwargs)
        if self._response.status == 200:
            self._opened()
        return self._response

    def end(self) -> None:
        """End the stream from another thread."""
        if self._response is not None:
            with contextlib.suppress(ValueError, OSError):  # it ended by itself
                self._response.shutdown()


class MinioListen:
    """Streams of events from a MinIO server."""

    name = "minio-listen"

    def __init__(self, settings: StoreSettings, take: Take, list_again: Callable[[str], None]) -> None:
        self._settings, self._take, self._list_again = settings, take, list_again
        self._loop = asyncio.get_running_loop()
        self._streams: dict[str, Stream] = {}

    def watch(self, buckets: Collection[str]) -> None:
        for bucket in self._streams.keys() - set(buckets):
            self._streams.pop(bucket).stop()
        for bucket in set(buckets) - self._streams.keys():
            self._streams[bucket] = Stream(bucket, self)

    def status(self) -> dict[str, Any]:
        return {bucket: stream.standing.show() for bucket, stream in sorted(self._streams.items())}

    async def close(self) -> None:
        streams = list(self._streams.values())
        self.watch(())
        for stream in streams:
            await asyncio.to_thread(stream.join, READ + CONNECT)

    def client(self, pool: urllib3.PoolManager) -> Minio:
        """A client for one stream."""
        url = urlsplit(self._settings.endpoint)
        return Minio(
            url.netloc,
            self._settings.access_key,
            self._settings.secret_key,
            secure=url.scheme == "https",
            region=self._settings.region,
            http_client=pool,
        )

    def hear(self, body: dict[str, Any], standing: Standing) -> None:
        """Pass on what a stream said; called from its thread."""
        for hint in listen_hints(body):
            standing.count()
            asyncio.run_coroutine_threadsafe(self._hint(hint), self._loop)

    async def _hint(self, hint: Any) -> None:
        await self._take(hint)

    def missed(self, bucket: str) -> None:
        """Something may not have been heard; called from a stream's thread."""
        self._loop.call_soon_threadsafe(self._list_again, bucket)


class Stream(threading.Thread):
    """The thread that listens to one bucket."""

    def __init__(self, bucket: str, source: MinioListen) -> None:
        super().__init__(name=f"listen-{bucket}", daemon=True)
        self.bucket = bucket
        self.standing = Standing("connecting")
        self._source = source
        self._stopped = threading.Event()
        self._pool = OneConnection(self._opened)
        self._backoff = Backoff(0.2, 2.0)
        self.start()

    def stop(self) -> None:
        self._stopped.set()
        self._pool.end()

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen()
            except SILENT:
                self.standing.error = f"nothing came for {READ:g} s: listing instead"
            except (*ENDED, *UNREADABLE) as error:
                self.standing.error = f"{type(error).__name__}: {error}"
            self.standing.state = "connecting"
            if not self._stopped.wait(self._backoff.next()):
                self._source.missed(self.bucket)

    def _listen(self) -> None:
        self._pool = OneConnection(self._opened)
        client = self._source.client(self._pool)
        with self._pool, client.listen_bucket_notification(self.bucket, events=CREATED) as events:
            for body in events:
                self._source.hear(body, self.standing)
                self._backoff.reset()

    def _opened(self) -> None:
        self.standing.state, self.standing.error = "listening", ""
        self._source.missed(self.bucket)
