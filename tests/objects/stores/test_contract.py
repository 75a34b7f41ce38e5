"""What every driver of `Store` must do: one suite, run on each against a real server."""

import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from deepwhisk.errors import ObjectExists, ObjectMissing, StoreError
from deepwhisk.objects.store import Shelf, Store, StoreSettings
from deepwhisk.objects.stores import DRIVERS, open_store
from deepwhisk.objects.stores.memory import MemoryStore

Follow = Callable[[str, bytes | None], bytes]

ODD_KEYS = [
    "a b",
    "a+b",
    "100%",
    "%41%2B%2F",
    "käse/ä.jpg",
    "照片/漢字.jpg",
    "emoji 😀.png",
    "q?x=1&y=2#f",
    "~'\"<>|*:;,@$!()[]{}^`",
    "a\tb",
    "two\nlines",
    "in/a b+c%41/ü漢字.jpg",
    "k" * 255,
    "/".join(["d" * 99] * 10) + "x",
    "/".join(["ä" * 100] * 5) + "k" * 20,
]


@pytest.fixture(params=sorted(DRIVERS))
def store(request: pytest.FixtureRequest, bucket: str, store_settings: StoreSettings) -> Shelf:
    return open_store(replace(store_settings, driver=request.param), [bucket])


@pytest.fixture
def follow(store: Store) -> Follow:
    """Do with a link what another program would do."""
    if isinstance(store, MemoryStore):
        return store.follow

    def over_http(url: str, body: bytes | None) -> bytes:
        answer = requests.get(url, timeout=60) if body is None else requests.put(url, data=body, timeout=60)
        if not answer.ok:
            raise StoreError(f"{answer.status_code}")
        return answer.content if body is None else body

    return over_http


def content_of(store: Store, bucket: str, key: str) -> bytes:
    with store.get(bucket, key) as body:
        return body.read()


def test_what_is_put_is_got(store: Store, bucket: str) -> None:
    store.put(bucket, "a", b"hello")

    assert content_of(store, bucket, "a") == b"hello"


def test_put_and_head_say_the_same(store: Store, bucket: str) -> None:
    written = store.put(bucket, "a.jpg", b"hello", content_type="image/jpeg")
    found = store.head(bucket, "a.jpg")

    assert abs(written.last_modified - found.last_modified) < timedelta(minutes=1)
    assert replace(written, last_modified=found.last_modified) == found
    assert found.etag == "5d41402abc4b2a76b9719d911017c592"
    assert (found.bucket, found.key, found.size) == (bucket, "a.jpg", 5)
    assert (found.content_type, found.version_id) == ("image/jpeg", None)


def test_the_time_of_an_object_has_a_zone_and_is_now(store: Store, bucket: str) -> None:
    store.put(bucket, "a", b"")

    assert abs(datetime.now(UTC) - store.head(bucket, "a").last_modified) < timedelta(minutes=1)


def test_without_a_content_type_it_is_bytes(store: Store, bucket: str) -> None:
    store.put(bucket, "a", b"hello")

    assert store.head(bucket, "a").content_type == "application/octet-stream"


def test_an_empty_object_is_an_object(store: Store, bucket: str) -> None:
    store.put(bucket, "empty", b"")

    assert store.head(bucket, "empty").size == 0
    assert content_of(store, bucket, "empty") == b""


def test_a_second_put_replaces_the_first(store: Store, bucket: str) -> None:
    store.put(bucket, "a", b"one")
    store.put(bucket, "a", b"three")

    assert content_of(store, bucket, "a") == b"three"


@pytest.mark.parametrize("key", ODD_KEYS, ids=lambda key: ascii(key[:24]).strip("'"))
def test_an_odd_key_comes_back_as_it_was(store: Store, follow: Follow, bucket: str, key: str) -> None:
    store.put(bucket, key, key.encode())

    assert store.head(bucket, key).key == key
    assert content_of(store, bucket, key) == key.encode()
    assert [found.key for found in store.list(bucket)] == [key]
    assert [found.key for found in store.list(bucket, key[:30])] == [key]
    assert follow(store.link(bucket, key), None) == key.encode()


def test_a_key_of_1000_characters_is_taken(store: Store, bucket: str) -> None:
    key = "/".join(["d" * 99] * 10) + "x"

    assert len(key) == 1000
    assert store.put(bucket, key, b"x").key == key


@pytest.mark.parametrize(
    ("key", "said"),
    [("", "needs a key"), ("k" * 1025, "1025 bytes"), ("ä" * 513, "1026 bytes"), ("a\ud800", "no Unicode")],
)
def test_a_key_no_store_takes_is_refused_with_its_length(
    store: Store, bucket: str, key: str, said: str
) -> None:
    with pytest.raises(StoreError, match=said):
        store.put(bucket, key, b"x")


@pytest.mark.parametrize("name", ["", "ab", "Upper", "under_score", "-a-", "a" * 64, "a/b"])
def test_a_name_no_bucket_can_have_is_refused(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="cannot name a bucket"):
        store.head(name, "a")


def test_a_missing_object_is_missing(store: Store, bucket: str) -> None:
    with pytest.raises(ObjectMissing, match="'nothing' in bucket"):
        store.head(bucket, "nothing")
    with pytest.raises(ObjectMissing, match="'nothing' in bucket"), store.get(bucket, "nothing"):
        pass


def test_a_missing_bucket_is_missing(store: Store) -> None:
    with pytest.raises(ObjectMissing, match="no bucket 'not-there'"):
        store.put("not-there", "a", b"x")
    with pytest.raises(ObjectMissing, match="no bucket 'not-there'"):
        store.put("not-there", "a", b"x", if_absent=True)
    with pytest.raises(ObjectMissing, match="no bucket 'not-there'"):
        list(store.list("not-there"))
    with pytest.raises(ObjectMissing):
        store.head("not-there", "a")


def test_a_conditional_write_leaves_what_is_there(store: Store, bucket: str) -> None:
    first = store.put(bucket, "a", b"first", if_absent=True, content_type="text/plain")

    with pytest.raises(ObjectExists, match="already an object 'a'"):
        store.put(bucket, "a", b"second", if_absent=True)
    assert content_of(store, bucket, "a") == b"first"
    assert store.head(bucket, "a").etag == first.etag
    assert store.head(bucket, "a").content_type == "text/plain"


def test_of_conditional_writes_at_once_exactly_one_wins(store: Store, bucket: str) -> None:
    def write(number: int) -> bool:
        try:
            store.put(bucket, "race", str(number).encode(), if_absent=True)
        except ObjectExists:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(write, range(16)))

    assert won.count(True) == 1
    assert content_of(store, bucket, "race") == str(won.index(True)).encode()


def test_a_listing_is_in_the_order_of_keys_and_obeys_its_prefix(store: Store, bucket: str) -> None:
    for key in ("b/2", "a/1", "b/1", "c", "b"):
        store.put(bucket, key, key.encode())

    assert [found.key for found in store.list(bucket)] == ["a/1", "b", "b/1", "b/2", "c"]
    assert [found.key for found in store.list(bucket, "b/")] == ["b/1", "b/2"]
    assert list(store.list(bucket, "nothing")) == []


def test_a_listing_agrees_with_head(store: Store, bucket: str) -> None:
    store.put(bucket, "a/1", b"hello", content_type="text/plain")
    (listed,) = store.list(bucket)
    headed = store.head(bucket, "a/1")

    assert listed.last_modified.replace(microsecond=0) == headed.last_modified
    assert replace(headed, content_type=None, last_modified=listed.last_modified) == listed


def test_a_listing_of_more_than_a_thousand_is_whole(store: Store, bucket: str) -> None:
    keys = [f"n/{number:04}" for number in range(1234)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put(bucket, key, b""), keys))

    assert [found.key for found in store.list(bucket)] == keys


def test_a_large_file_is_streamed_both_ways(store: Store, bucket: str, tmp_path: Path) -> None:
    file = tmp_path / "large"
    block = bytes(range(256)) * 4096
    file.write_bytes(block * 24)
    for condition in (False, True):
        with file.open("rb") as body:
            written = store.put(bucket, f"large-{condition}", body, if_absent=condition)

        assert written.size == store.head(bucket, f"large-{condition}").size == len(block) * 24
        with store.get(bucket, f"large-{condition}") as reader:
            assert all(reader.read(len(block)) == block for _ in range(24))
            assert reader.read(1) == b""


def test_a_file_is_written_from_where_it_stands(store: Store, bucket: str) -> None:
    body = io.BytesIO(b"skipped, kept")
    body.seek(9)

    assert store.put(bucket, "a", body).size == 4
    assert content_of(store, bucket, "a") == b"kept"


def test_a_link_reads_one_object(store: Store, follow: Follow, bucket: str) -> None:
    store.put(bucket, "a", b"hello")

    assert follow(store.link(bucket, "a"), None) == b"hello"


def test_a_link_writes_one_object(store: Store, follow: Follow, bucket: str) -> None:
    follow(store.link(bucket, "a b+ä", method="PUT"), b"hello")

    assert content_of(store, bucket, "a b+ä") == b"hello"


def test_a_link_to_read_does_not_write(store: Store, follow: Follow, bucket: str) -> None:
    store.put(bucket, "a", b"hello")

    with pytest.raises(StoreError):
        follow(store.link(bucket, "a"), b"changed")
    assert content_of(store, bucket, "a") == b"hello"


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_tampered_link_is_refused(store: Store, follow: Follow, bucket: str, method: str) -> None:
    store.put(bucket, "aaaa", b"hello")
    store.put(bucket, "bbbb", b"other")
    url = store.link(bucket, "aaaa", method="PUT" if method == "PUT" else "GET")
    body = b"changed" if method == "PUT" else None

    for tampered in (url.replace("aaaa", "bbbb"), url[:-1] + ("0" if url[-1] != "0" else "1")):
        if tampered != url:
            with pytest.raises(StoreError):
                follow(tampered, body)
    assert content_of(store, bucket, "bbbb") == b"other"


def test_an_expired_link_is_refused(store: Store, follow: Follow, bucket: str) -> None:
    store.put(bucket, "a", b"hello")
    reading = store.link(bucket, "a", seconds=1)
    writing = store.link(bucket, "a", method="PUT", seconds=1)
    time.sleep(2.1)

    with pytest.raises(StoreError):
        follow(reading, None)
    with pytest.raises(StoreError):
        follow(writing, b"changed")
    assert content_of(store, bucket, "a") == b"hello"


@pytest.mark.parametrize("seconds", [0, -1, 604801])
def test_a_link_for_no_time_or_for_ever_is_refused(store: Store, bucket: str, seconds: int) -> None:
    with pytest.raises(StoreError, match=f"{seconds} seconds"):
        store.link(bucket, "a", seconds=seconds)


def test_threads_share_one_store(store: Store, bucket: str) -> None:
    def round_trip(number: int) -> bool:
        key = f"t/{number}"
        store.put(bucket, key, key.encode())
        return content_of(store, bucket, key) == key.encode()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(round_trip, range(64)))


def test_a_deleted_object_is_gone_and_can_be_deleted_again(store: Shelf, bucket: str) -> None:
    store.put(bucket, "a+b/ü", b"1")
    store.put(bucket, "a", b"2")

    store.delete(bucket, "a+b/ü")
    store.delete(bucket, "a+b/ü")

    assert [found.key for found in store.list(bucket)] == ["a"]


def test_nothing_is_deleted_from_a_bucket_that_is_missing(store: Shelf) -> None:
    with pytest.raises(ObjectMissing):
        store.delete("there-is-none", "a")
