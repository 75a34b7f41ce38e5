"""MinIO's event stream: a real MinIO, and a server that is none."""

import asyncio
import http.server
import json
import queue
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from deepwhisk.feeds.events import Hint
from deepwhisk.feeds.sources.minio_listen import MinioListen
from deepwhisk.objects.store import Store, StoreSettings
from deepwhisk.objects.stores import open_store
from feeds.minio_server import Minio

KEYS = ["a b+c%41/ü 漢字.jpg", "plain.jpg", "x" * 200]


@pytest.fixture(scope="module")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Minio]:
    running = Minio(tmp_path_factory.mktemp("minio"))
    running.start()
    yield running
    running.kill()


class Heard:
    """What a source said."""

    def __init__(self) -> None:
        self.hints: list[Hint] = []
        self.listings: list[str] = []

    async def take(self, hint: Hint) -> bool:
        self.hints.append(hint)
        return True


@asynccontextmanager
async def listening(settings: StoreSettings, heard: Heard, *buckets: str) -> AsyncIterator[MinioListen]:
    source = MinioListen(settings, heard.take, heard.listings.append)
    source.watch(buckets)
    try:
        yield source
    finally:
        await source.close()
        await until(lambda: not any(thread.name.startswith("listen-") for thread in threading.enumerate()))


async def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


async def test_a_burst_at_a_real_minio_is_heard_and_then_listed(minio: Minio) -> None:
    store, heard = open_store(minio.settings, ["inb", "other"]), Heard()
    keys = [f"{number}/a b+c%41/ü 漢字.jpg" for number in range(60)]
    async with listening(minio.settings, heard, "inb") as source:
        await until(lambda: heard.hints or put_all(store, keys))
        known = len(heard.listings)
        await until(lambda: len(heard.listings) > known)
        source.watch(["other"])
        await until(lambda: "other" in heard.listings)

    assert set(heard.hints) <= {Hint("inb", key) for key in keys}


def put_all(store: Store, keys: list[str]) -> None:
    """Put all of them; what the stream had not begun to hear is put again."""
    for key in keys:
        store.put("inb", key, b"x")


async def test_a_real_minio_that_was_killed_is_listed_when_it_is_back(minio: Minio) -> None:
    heard = Heard()
    open_store(minio.settings, ["killed"])
    async with listening(minio.settings, heard, "killed"):
        minio.kill()
        await asyncio.sleep(0.3)
        heard.listings.clear()
        minio.start()
        await until(lambda: heard.listings)


class Stream(http.server.BaseHTTPRequestHandler):
    """A listen as MinIO means it: a blank now and then, and each event at once. None ends the stream."""

    protocol_version = "HTTP/1.1"
    said: "queue.Queue[str | None]" = queue.Queue()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while (key := self._next()) is not None:
            self._chunk(" " if not key else json.dumps(event(key)) + "\n")
        self.close_connection = True

    def _next(self) -> str | None:
        try:
            return self.said.get(timeout=0.2)
        except queue.Empty:
            return ""

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def log_message(self, *args: object) -> None:
        """Quiet."""


def event(key: str) -> dict[str, object]:
    record = {"eventName": "s3:ObjectCreated:Put", "s3": {"bucket": {"name": "inb"}, "object": {"key": key}}}
    return {"Records": [record]}


class NoStream(http.server.BaseHTTPRequestHandler):
    """Answers a listen with an empty body, as stores do that are not MinIO."""

    asked = 0

    def do_GET(self) -> None:
        NoStream.asked += 1
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Quiet."""


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[StoreSettings]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield StoreSettings(f"http://127.0.0.1:{server.server_port}", "k", "s" * 8)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_each_event_of_a_stream_is_a_hint_and_its_end_asks_for_a_listing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deepwhisk.feeds.sources.minio_listen.READ", 60.0)
    heard = Heard()
    with serving(Stream) as settings:
        async with listening(settings, heard, "inb") as source:
            await until(lambda: source.status()["inb"]["state"] == "listening")
            await until(lambda: heard.listings == ["inb"])
            for key in KEYS:
                Stream.said.put(key)
            await until(lambda: heard.hints == [Hint("inb", key) for key in KEYS])
            Stream.said.put(None)
            await until(lambda: len(heard.listings) >= 2)
            await until(lambda: source.status()["inb"]["state"] == "listening")
            Stream.said.put("after")
            await until(lambda: heard.hints[-1] == Hint("inb", "after"))
        Stream.said.put(None)


async def test_a_server_that_is_no_minio_is_asked_less_and_less_often() -> None:
    heard = Heard()
    with serving(NoStream) as settings:
        async with listening(settings, heard, "inb") as source:
            await until(lambda: NoStream.asked >= 3)
            assert source._streams["inb"]._backoff.tries >= 2  # each wait is longer than the one before
            await until(lambda: "ended the stream" in source.status()["inb"]["error"])
