"""The actions between buckets and models, on a real store."""

import importlib.util
import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests

from deepwhisk.feeds.events import identify, second
from deepwhisk.objects.store import TRANSFER, Store, StoreSettings
from deepwhisk.objects.stores import open_store

Json = dict[str, Any]
FILE = Path(__file__).parents[2] / "actions" / "objects.py"
LONG = "/".join(["d" * 99] * 10) + "x"
ODD = [
    "a b+c%41/ü漢字.jpg",
    "q?x=1&y=2#f.png",
    "100%.jpg",
    "%2B+ .jpg",
    "k" * 255,
    LONG,
    "/".join(["ä" * 100] * 5),
]


@pytest.fixture(scope="module")
def actions() -> ModuleType:
    spec = importlib.util.spec_from_file_location("objects_actions", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def inputs(store_settings: StoreSettings) -> Json:
    """What the package gives to each of its actions."""
    return {
        "store_endpoint": store_settings.endpoint,
        "store_access_key": store_settings.access_key,
        "store_secret_key": store_settings.secret_key,
        "store_region": store_settings.region,
    }


@pytest.fixture
def store(store_settings: StoreSettings) -> Store:
    return open_store(store_settings)


@pytest.fixture
def results(store_settings: StoreSettings) -> Json:
    """A place for results."""
    place = {"bucket": f"results-{uuid.uuid4().hex[:12]}", "prefix": "out/"}
    open_store(store_settings, [place["bucket"]])
    return place


@pytest.fixture
def arrive(store: Store, bucket: str) -> Callable[..., Json]:
    """Put an object and say so as the feed would."""

    def put(key: str = "photo.jpg", body: bytes = b"jpeg", content_type: str = "image/jpeg") -> Json:
        store.put(bucket, key, body, content_type=content_type)
        found = store.head(bucket, key)
        return {
            "id": identify(bucket, key, found.etag, second(found.last_modified), found.version_id),
            "bucket": bucket,
            "key": key,
            "etag": found.etag,
            "size": found.size,
            "contentType": found.content_type,
            "lastModified": f"{found.last_modified:%Y-%m-%dT%H:%M:%SZ}",
            "versionId": None,
        }

    return put


def document(store: Store, written: Json) -> Json:
    with store.get(written["bucket"], written["key"]) as body:
        read: Json = json.loads(body.read())
        return read


def transferred(actions: ModuleType, inputs: Json, body: bytes, kind: str = "image/png") -> Json:
    """A reference to data that travelled through the transfer bucket."""
    given = actions.link({**inputs, "contentType": kind, "size": len(body)})
    put = requests.put(given["put"]["url"], data=body, headers=given["put"]["headers"], timeout=60)
    assert put.status_code == 200
    reference: Json = given["reference"]
    return reference


def test_fetch_makes_a_reference_under_the_argument_s_name(
    actions: ModuleType, inputs: Json, arrive: Callable[..., Json], results: Json
) -> None:
    event = arrive()
    answer = actions.fetch({**inputs, "event": event, "argument": "image", "results": results})
    reference = answer["image"]["$object"]

    assert set(answer) == {"image", "$event"}
    assert answer["$event"] == {**event, "results": results}
    assert {name: reference[name] for name in reference if name != "url"} == {
        name: event[name] for name in ("bucket", "key", "etag", "size", "contentType")
    }
    assert requests.get(reference["url"], timeout=60).content == b"jpeg"


def test_fetch_passes_other_arguments_on_and_no_credential(
    actions: ModuleType, inputs: Json, arrive: Callable[..., Json], results: Json
) -> None:
    given = {**inputs, "event": arrive(), "results": results, "top": 3, "__ow_x": 1}
    answer = actions.fetch(given)

    assert set(answer) == {"top", "file", "$event"}
    assert inputs["store_secret_key"] not in json.dumps(answer)


def test_fetch_asks_the_store_only_for_what_is_missing(
    actions: ModuleType, inputs: Json, results: Json
) -> None:
    event = {"id": "1", "bucket": "any", "key": "k", "etag": "e", "size": 1, "contentType": "image/png"}
    unreachable = {**inputs, "store_endpoint": "http://127.0.0.1:1"}

    assert (
        actions.fetch({**unreachable, "event": event, "results": results})["file"]["$object"]["etag"] == "e"
    )


def test_an_event_made_by_hand_is_completed_as_the_feed_would(
    actions: ModuleType, inputs: Json, arrive: Callable[..., Json], results: Json
) -> None:
    event = arrive("käse.jpg")
    answer = actions.fetch(
        {**inputs, "event": {"bucket": event["bucket"], "key": event["key"]}, "results": results}
    )

    assert answer["$event"] == {**event, "results": results}


def test_a_missing_object_is_told_in_a_sentence(
    actions: ModuleType, inputs: Json, bucket: str, results: Json
) -> None:
    error = actions.fetch({**inputs, "event": {"bucket": bucket, "key": "gone.jpg"}, "results": results})[
        "error"
    ]

    assert error["message"].startswith(f"there is no object 'gone.jpg' in bucket '{bucket}'")
    assert (error["cause"], error["phase"]) == ("ClientError", "objects/fetch")


def test_store_writes_result_and_event_as_json(
    actions: ModuleType, inputs: Json, store: Store, arrive: Callable[..., Json], results: Json
) -> None:
    event = arrive()
    given = {**inputs, "labels": ["Käse"], "top": 1, "$event": {**event, "results": results}}
    written = actions.store(given)

    assert written["key"] == f"out/photo.jpg/{event['id']}.json"
    assert document(store, written) == {"event": event, "result": {"labels": ["Käse"], "top": 1}}
    found = store.head(written["bucket"], written["key"])
    assert (written["etag"], written["size"]) == (found.etag, found.size)
    assert written["contentType"] == found.content_type == "application/json"


def test_a_second_store_changes_nothing_and_says_so(
    actions: ModuleType, inputs: Json, store: Store, arrive: Callable[..., Json], results: Json
) -> None:
    event = {**arrive(), "results": results}
    first = actions.store({**inputs, "label": "one", "$event": event})
    second = actions.store({**inputs, "label": "two, and longer", "$event": event})

    assert second == {**first, "duplicate": True}
    assert document(store, first)["result"] == {"label": "one"}


def test_of_many_at_once_one_writes(
    actions: ModuleType, inputs: Json, store: Store, arrive: Callable[..., Json], results: Json
) -> None:
    event = {**arrive(), "results": results}
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda n: actions.store({**inputs, "n": n, "$event": event}), range(16)))

    assert [answer.get("duplicate", False) for answer in told].count(False) == 1
    assert {answer["etag"] for answer in told} == {store.head(told[0]["bucket"], told[0]["key"]).etag}


@pytest.mark.parametrize("key", ODD, ids=lambda key: ascii(key[:20]).strip("'"))
def test_an_odd_key_goes_through_fetch_and_store(
    actions: ModuleType, inputs: Json, store: Store, arrive: Callable[..., Json], results: Json, key: str
) -> None:
    event = arrive(key, key.encode())
    fetched = actions.fetch({**inputs, "event": event, "argument": "image", "results": results})
    body = requests.get(fetched["image"]["$object"]["url"], timeout=60).content
    written = actions.store({**inputs, "length": len(body), "$event": fetched["$event"]})

    assert body == key.encode()
    assert document(store, written) == {"event": event, "result": {"length": len(key.encode())}}
    assert [found.key for found in store.list(written["bucket"])] == [written["key"]]
    assert len(written["key"].encode()) <= 1024


@pytest.mark.parametrize("character", ["k", "ä", "漢", "😀"])
def test_a_cut_key_is_whole_characters_and_keeps_its_event(actions: ModuleType, character: str) -> None:
    key = (character * 1024).encode()[:1024].decode(errors="ignore")
    made = actions._result_key({"id": "f" * 32, "key": key}, "results/")

    assert made.startswith(f"results/{character}")
    assert made.endswith(f"{character}/{'f' * 32}.json")
    assert 1020 <= len(made.encode()) <= 1024


def test_two_events_of_one_long_key_have_two_results(actions: ModuleType) -> None:
    made = {actions._result_key({"id": id_ * 32, "key": "k" * 1024}, "r/") for id_ in "ab"}

    assert len(made) == 2


def test_a_prefix_without_room_is_refused(
    actions: ModuleType, inputs: Json, arrive: Callable[..., Json], results: Json
) -> None:
    event = {**arrive(), "results": {**results, "prefix": "p" * 1000}}

    assert "leaves no room" in actions.store({**inputs, "$event": event})["error"]["message"]


@pytest.mark.parametrize(
    ("key", "prefix"), [("in/a.jpg", ""), ("in/a.jpg", "in/"), ("results/a.jpg", "results/")]
)
def test_results_among_their_sources_are_refused(
    actions: ModuleType, inputs: Json, arrive: Callable[..., Json], key: str, prefix: str
) -> None:
    event = arrive(key)
    place = {"bucket": event["bucket"], "prefix": prefix}
    for answer in (
        actions.fetch({**inputs, "event": event, "results": place}),
        actions.store({**inputs, "$event": {**event, "results": place}}),
    ):
        assert "choose another bucket or prefix" in answer["error"]["message"]


def test_another_prefix_of_the_same_bucket_is_taken(
    actions: ModuleType, inputs: Json, arrive: Callable[..., Json]
) -> None:
    event = arrive("in/a.jpg")
    place = {"bucket": event["bucket"], "prefix": "out/"}

    assert actions.store({**inputs, "$event": {**event, "results": place}})["key"].startswith("out/in/a.jpg/")


def test_link_lets_others_write_and_read_one_new_object(
    actions: ModuleType, inputs: Json, store: Store
) -> None:
    reference = transferred(actions, inputs, b"x" * 600_000)["$object"]

    assert requests.get(reference["url"], timeout=60).content == b"x" * 600_000
    assert (reference["bucket"], reference["size"], reference["contentType"]) == (
        TRANSFER,
        600_000,
        "image/png",
    )
    assert store.head(TRANSFER, reference["key"]).content_type == "image/png"


def test_a_link_is_for_one_content_type_only(actions: ModuleType, inputs: Json) -> None:
    given = actions.link({**inputs, "contentType": "image/png"})
    answer = requests.put(given["put"]["url"], b"x", headers={"Content-Type": "text/html"}, timeout=60)

    assert answer.status_code == 403


def test_every_link_is_for_another_key(actions: ModuleType, inputs: Json) -> None:
    keys = {actions.link(inputs)["reference"]["$object"]["key"] for _ in range(5)}

    assert len(keys) == 5


@pytest.mark.parametrize("seconds", [0, -5, 86401, "60", 1.5, True])
def test_a_link_for_no_time_or_too_long_is_refused(
    actions: ModuleType, inputs: Json, seconds: object
) -> None:
    assert "choose between 1 and 86400" in actions.link({**inputs, "seconds": seconds})["error"]["message"]


def test_a_result_that_is_a_reference_is_copied_to_where_it_stays(
    actions: ModuleType, inputs: Json, store: Store, arrive: Callable[..., Json], results: Json
) -> None:
    event = arrive()
    reference = transferred(actions, inputs, b"large", "application/json")
    written = actions.store({**inputs, **reference, "$event": {**event, "results": results}})
    kept = document(store, written)["result"]["$object"]

    assert kept == {
        "bucket": results["bucket"],
        "key": f"out/photo.jpg/{event['id']}.1",
        "etag": store.head(results["bucket"], kept["key"]).etag,
        "size": 5,
        "contentType": "application/json",
    }
    with store.get(kept["bucket"], kept["key"]) as body:
        assert body.read() == b"large"


def test_files_inside_a_result_are_copied_and_other_references_lose_their_link(
    actions: ModuleType, inputs: Json, store: Store, arrive: Callable[..., Json], results: Json
) -> None:
    event = arrive()
    elsewhere = {"$object": {"bucket": "other", "key": "k", "url": "http://x/?X-Amz-Signature=1"}}
    masks = [transferred(actions, inputs, body) for body in (b"one", b"two")]
    given = {"masks": masks, "of": elsewhere, "$event": {**event, "results": results}}
    result = document(store, actions.store({**inputs, **given}))["result"]

    assert [mask["$object"]["key"][-2:] for mask in result["masks"]] == [".1", ".2"]
    assert result["of"] == {"$object": {"bucket": "other", "key": "k"}}
    assert "X-Amz" not in json.dumps(result)


def test_a_copy_of_an_unfinished_run_stays_the_one(
    actions: ModuleType, inputs: Json, store: Store, arrive: Callable[..., Json], results: Json
) -> None:
    event = {**arrive(), "results": results}
    store.put(results["bucket"], f"out/photo.jpg/{event['id']}.1", b"before")
    reference = transferred(actions, inputs, b"again")
    kept = document(store, actions.store({**inputs, **reference, "$event": event}))["result"]["$object"]

    with store.get(kept["bucket"], kept["key"]) as body:
        assert body.read() == b"before"


@pytest.mark.parametrize("value", ["text", None, {}, {"bucket": 5}])
def test_what_only_looks_like_a_reference_is_written_as_it_is(
    actions: ModuleType, inputs: Json, store: Store, arrive: Callable[..., Json], results: Json, value: object
) -> None:
    event = {**arrive(), "results": results}
    written = actions.store({**inputs, "odd": {"$object": value}, "$event": event})

    assert document(store, written)["result"] == {"odd": {"$object": value}}


def test_a_missing_results_bucket_is_named(
    actions: ModuleType, inputs: Json, arrive: Callable[..., Json]
) -> None:
    event = {**arrive(), "results": {"bucket": "not-there"}}

    assert actions.store({**inputs, "$event": event})["error"]["message"].startswith(
        "there is no bucket 'not-there'"
    )


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({}, "no place for the result"),
        ({"results": {"prefix": "x"}}, "no place for the result"),
        ({"results": {"bucket": "b"}}, "'event' is null"),
        ({"results": {"bucket": "b"}, "event": "text"}, "'event' is \"text\""),
        ({"results": {"bucket": "b"}, "event": {"bucket": "b"}}, "'key' is null"),
    ],
)
def test_a_call_without_what_it_needs_is_told_what(
    actions: ModuleType, inputs: Json, args: Json, said: str
) -> None:
    assert said in actions.fetch({**inputs, **args})["error"]["message"]


def test_a_result_that_lost_its_event_is_refused(actions: ModuleType, inputs: Json) -> None:
    assert "'$event' is null" in actions.store({**inputs, "label": "x"})["error"]["message"]
    assert "the input is a list" in actions.store([1, 2])["error"]["message"]


def test_a_package_without_its_store_says_which_inputs_are_missing(actions: ModuleType, inputs: Json) -> None:
    message = actions.link({**inputs, "store_endpoint": "", "store_secret_key": ""})["error"]["message"]

    assert "store_endpoint, store_secret_key missing" in message


def test_a_store_that_is_down_is_a_sentence_without_secrets(
    actions: ModuleType, inputs: Json, arrive: Callable[..., Json], results: Json
) -> None:
    down = {**inputs, "store_endpoint": "http://127.0.0.1:1"}
    answer = actions.store({**down, "$event": {**arrive(), "results": results}})

    assert "did not answer" in answer["error"]["message"]
    assert inputs["store_secret_key"] not in json.dumps(answer)


def test_wrong_credentials_are_a_sentence(
    actions: ModuleType,
    inputs: Json,
    arrive: Callable[..., Json],
    results: Json,
    store_settings: StoreSettings,
) -> None:
    wrong = replace(store_settings, secret_key="wrong")
    answer = actions.store(
        {**inputs, "store_secret_key": wrong.secret_key, "$event": {**arrive(), "results": results}}
    )

    assert "SignatureDoesNotMatch" in answer["error"]["message"]


def test_a_client_is_made_once(actions: ModuleType, inputs: Json) -> None:
    assert actions._client(inputs) is actions._client(dict(inputs))


def test_a_store_that_does_not_answer_is_no_fault_of_the_call(actions: ModuleType, inputs: Json) -> None:
    event = {"id": "e" * 32, "bucket": "uploads", "key": "a.jpg", "results": {"bucket": "results"}}
    away = {**inputs, "store_endpoint": "http://127.0.0.1:9"}

    error = actions.store({**away, "$event": event, "labels": []})["error"]

    assert error["transient"] is True
    assert "did not answer" in error["message"]


def test_an_object_that_is_gone_stays_gone(
    actions: ModuleType, inputs: Json, bucket: str, results: Json
) -> None:
    answer = actions.fetch({**inputs, "event": {"bucket": bucket, "key": "gone.jpg"}, "results": results})

    assert "transient" not in answer["error"]
