"""The actions of trainings, on a real store and before a service that answers over HTTP."""

import importlib.util
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from deepwhisk.batch.layout import BUCKET
from deepwhisk.objects.store import TRANSFER, Store, StoreSettings
from deepwhisk.objects.stores import open_store

Json = dict[str, Any]
FOLDER = Path(__file__).parents[2] / "actions" / "training"
UUID = "0123456789abcdef0123456789abcdef"


@dataclass
class Batch:
    """What stands for the batch service: it says what it is told to, and remembers what it was asked."""

    url: str = ""
    asked: list[tuple[str, str, Json, Any]] = field(default_factory=list)
    says: tuple[int, Any] = (200, {"state": "queued"})
    tokens: set[str] = field(default_factory=set)


@pytest.fixture
def batch() -> Iterator[Batch]:
    batch = Batch()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            address = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = dict(parse_qsl(address.query))
            batch.asked.append((self.command, address.path, query, json.loads(body) if body else None))
            batch.tokens.add(self.headers["Authorization"])
            status, said = batch.says
            content = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 — the names that http.server asks for

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        batch.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield batch
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def actions() -> Iterator[ModuleType]:
    """The module as a container has it: its folder is on the path."""
    sys.path.insert(0, str(FOLDER))
    spec = importlib.util.spec_from_file_location("training_actions", FOLDER / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(FOLDER))
    for file in FOLDER.glob("*.py"):
        sys.modules.pop(file.stem, None) if file.stem != "__main__" else None


@pytest.fixture
def store(store_settings: StoreSettings) -> Store:
    return open_store(store_settings, [BUCKET, TRANSFER, "datasets"])


@pytest.fixture
def inputs(store: Store, store_settings: StoreSettings, batch: Batch) -> Json:
    """What the package gives to each of its actions."""
    return {
        "store_endpoint": store_settings.endpoint,
        "store_access_key": store_settings.access_key,
        "store_secret_key": store_settings.secret_key,
        "store_region": store_settings.region,
        "batch_url": batch.url,
        "batch_token": "token",
    }


def written(store: Store, batch: Batch) -> Json:
    """The request that the service was told of last."""
    place = batch.asked[-1][1].removeprefix("/trainings/")
    with store.get(BUCKET, f"{place}/request.json") as body:
        request: Json = json.loads(body.read())
    assert place == f"{request['model']}/{request['uuid']}"
    return request


class TestSubmitting:
    def test_the_request_is_in_the_store_before_the_service_hears_of_it(
        self, actions: ModuleType, inputs: Json, store: Store, batch: Batch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("__OW_NAMESPACE", "guest")
        given = {"model": "plankton", "arguments": {"epochs": 5}, "via": "cli", "resources": {"gpus": 1}}
        answer = actions.submit({**inputs, **given, "site": "local", "promote": "by hand"})

        assert answer == {"state": "queued"}
        assert batch.tokens == {"Bearer token"}
        request = written(store, batch)
        known = {name: request[name] for name in ("kind", "model", "by", "via", "arguments", "resources")}
        assert known == {"kind": "train", "model": "plankton", "by": "guest", **given}
        assert (request["site"], request["promote"], request["data"]) == ("local", "by hand", None)
        assert not {"store_secret_key", "batch_token"} & request.keys()

    def test_what_a_trigger_carries_becomes_arguments(
        self, actions: ModuleType, inputs: Json, store: Store, batch: Batch
    ) -> None:
        actions.submit(
            {**inputs, "model": "plankton", "via": "trigger", "epochs": 5, "data": "s3://datasets/x.zip"}
        )
        request = written(store, batch)
        assert (request["arguments"], request["data"]) == ({"epochs": 5}, "s3://datasets/x.zip")
        assert request["via"] == "trigger"

    def test_arguments_that_are_called_as_a_control_stand_under_arguments(
        self, actions: ModuleType, inputs: Json, store: Store, batch: Batch
    ) -> None:
        odd = {"site": 1, "model": "x", "data": [1], "text": "a 'b' \"c\" $(d)\n;é"}
        actions.submit({**inputs, "model": "plankton", "arguments": odd})
        assert written(store, batch)["arguments"] == odd

    def test_an_event_that_arrives_twice_is_one_training(
        self, actions: ModuleType, inputs: Json, store: Store, batch: Batch
    ) -> None:
        event = {"id": UUID, "bucket": "datasets", "key": "plankton/a b.zip"}
        for model in ("plankton", "plankton", "other"):
            actions.submit({**inputs, "model": model, "event": event})
        first, again, other = (asked[1] for asked in batch.asked)
        assert first == again
        assert first.rpartition("/")[2] != other.rpartition("/")[2]
        request = written(store, batch)
        assert (request["data"], request["via"]) == ("s3://datasets/plankton/a b.zip", "event")

    def test_files_in_the_transfer_bucket_are_kept_and_others_stay_where_they_are(
        self, actions: ModuleType, inputs: Json, store: Store, batch: Batch
    ) -> None:
        store.put(TRANSFER, "2026/x", b"travels", content_type="application/zip")
        store.put("datasets", "big.zip", b"stays")
        travels = {
            "$object": {"bucket": TRANSFER, "key": "2026/x", "filename": "../my set.zip", "url": "http://x"}
        }
        stays = {"$object": {"bucket": "datasets", "key": "big.zip"}}
        actions.submit(
            {**inputs, "model": "m", "arguments": {"a": travels, "many": [travels, stays], "n": 1}}
        )

        request = written(store, batch)
        assert request["arguments"] == {"n": 1}
        place = f"m/{request['uuid']}/files"
        files = request["files"]
        assert files["a"]["$object"]["key"] == f"{place}/a/my set.zip"
        assert [each["$object"]["key"] for each in files["many"]] == [f"{place}/many/0/my set.zip", "big.zip"]
        assert files["many"][1]["$object"]["size"] == 5
        with store.get(BUCKET, files["a"]["$object"]["key"]) as body:
            assert body.read() == b"travels"
        assert "http://x" not in json.dumps(request)

    def test_while_the_service_is_away_the_request_waits(
        self, actions: ModuleType, inputs: Json, store: Store, batch: Batch
    ) -> None:
        answer = actions.submit({**inputs, "model": "m", "batch_url": "http://127.0.0.1:1", "epochs": 2})
        assert answer["state"] == "submitted"
        assert "deepwhisk up" in answer["waiting"]
        assert store.head(BUCKET, f"m/{answer['uuid']}/request.json").size

        batch.says = (503, {"error": "the store is away"})
        assert "the store is away" in actions.submit({**inputs, "model": "m"})["waiting"]

    def test_what_the_service_refuses_is_said_in_its_sentence(
        self, actions: ModuleType, inputs: Json, batch: Batch
    ) -> None:
        batch.says = (422, {"error": "No site gives 9 GPUs; at most 2."})
        error = actions.submit({**inputs, "model": "m"})["error"]
        assert error["message"] == "No site gives 9 GPUs; at most 2."
        assert (error["status"], error["phase"], "transient" in error) == (422, "training/submit", False)

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({}, "give the name of a model"),
            ({"model": "../x"}, "give the name of a model"),
            ({"model": "m", "arguments": [1]}, "give an object"),
            ({"model": "m", "data": "http://x"}, "s3://"),
            ({"model": "m", "event": {"key": "x"}}, "no bucket"),
            ({"model": "m", "uuid": "x/y"}, "32 hexadecimal digits"),
            ({"model": "m", "files": {"a": "x"}}, "a file is a reference"),
            ({"model": "m", "a": {"$object": {"bucket": "datasets", "key": "none"}}}, "no object 'none'"),
        ],
    )
    def test_what_is_no_request_is_refused(
        self, actions: ModuleType, inputs: Json, batch: Batch, given: Json, message: str
    ) -> None:
        error = actions.submit({**inputs, **given})["error"]
        assert message in error["message"]
        assert batch.asked == []

    def test_where_there_is_no_service_at_all_nothing_is_kept(
        self, actions: ModuleType, inputs: Json, store: Store
    ) -> None:
        error = actions.submit({**inputs, "model": "nobody", "batch_url": ""})["error"]
        assert "DEEPWHISK_BATCH_URL" in error["message"]
        assert list(store.list(BUCKET, "nobody/")) == []

    def test_a_store_that_is_away_is_worth_another_try(self, actions: ModuleType, inputs: Json) -> None:
        error = actions.submit({**inputs, "model": "m", "store_endpoint": "http://127.0.0.1:1"})["error"]
        assert (error["transient"], error["status"]) == (True, 503)
        assert inputs["store_secret_key"] not in json.dumps(error)


@pytest.mark.parametrize(
    ("verb", "given", "asked"),
    [
        (
            "list",
            {"model": "m", "state": "done", "limit": 5},
            ("GET", "/trainings", {"model": "m", "state": "done", "limit": "5"}, None),
        ),
        ("show", {"uuid": UUID}, ("GET", f"/trainings/{UUID}", {}, None)),
        (
            "metrics",
            {"uuid": UUID, "from": 3, "wait": 2},
            ("GET", f"/trainings/{UUID}", {"metrics": "3", "wait": "2"}, None),
        ),
        ("log", {"uuid": UUID, "offset": 7}, ("GET", f"/trainings/{UUID}", {"log": "7"}, None)),
        ("cancel", {"uuid": UUID}, ("POST", f"/trainings/{UUID}/cancel", {}, None)),
        ("rerun", {"uuid": UUID}, ("POST", f"/trainings/{UUID}/rerun", {}, None)),
        ("delete", {"uuid": UUID}, ("DELETE", f"/trainings/{UUID}", {}, None)),
        (
            "promote",
            {"uuid": UUID, "force": True},
            ("POST", f"/trainings/{UUID}/promote", {}, {"force": True, "hand": True}),
        ),
        (
            "promote",
            {"event": {"bucket": BUCKET, "key": f"m/{UUID}/attempts/2/artifact.zip"}},
            ("POST", f"/trainings/{UUID}/promote", {}, {"force": False, "hand": False}),
        ),
        ("rollback", {"model": "m"}, ("POST", "/models/m/rollback", {}, {"version": None})),
        ("rollback", {"model": "m", "version": 0}, ("POST", "/models/m/rollback", {}, {"version": 0})),
        ("versions", {"model": "m"}, ("GET", "/models/m/versions", {}, None)),
        ("sites", {}, ("GET", "/sites", {}, None)),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_verb_is_one_question_to_the_service(
    actions: ModuleType,
    inputs: Json,
    batch: Batch,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
    given: Json,
    asked: tuple[str, str, Json, Any],
) -> None:
    monkeypatch.setenv("__OW_NAMESPACE", "guest")
    batch.says = (200, {"answer": 1})
    assert getattr(actions, verb)({**inputs, **given}) == {"answer": 1}
    method, path, query, body = asked
    said = {"by": "guest", **(body or {})} if method == "POST" else None
    assert batch.asked == [(method, path, query, said)]


def test_an_object_that_is_no_artifact_is_not_promoted(
    actions: ModuleType, inputs: Json, batch: Batch
) -> None:
    for bucket, key in ((BUCKET, "m/x/artifact.zip"), ("uploads", f"m/{UUID}/attempts/1/artifact.zip")):
        error = actions.promote({**inputs, "event": {"bucket": bucket, "key": key}})["error"]
        assert "no artifact" in error["message"]
    assert batch.asked == []


@pytest.mark.parametrize("says", [(200, b"<html>"), (500, b"")])
def test_what_is_no_batch_service_is_told(
    actions: ModuleType, inputs: Json, batch: Batch, says: tuple[int, bytes]
) -> None:
    batch.says = says
    assert "is no batch service" in actions.show({**inputs, "uuid": UUID})["error"]["message"]


def test_what_is_too_large_for_a_message_is_left_out_and_said(
    actions: ModuleType, inputs: Json, batch: Batch
) -> None:
    batch.says = (200, {"uuid": UUID, "result": {"state": "done", "output": "x" * 1_000_000}})
    result = actions.show({**inputs, "uuid": UUID})["result"]
    assert (result["state"], result["output"]) == ("done", None)
    assert "training/result" in result["left_out"]


class TestLinks:
    def test_a_container_gets_a_link_to_its_artifact_without_the_service(
        self, actions: ModuleType, inputs: Json, store: Store
    ) -> None:
        key = f"m/{UUID}/attempts/1/artifact.zip"
        store.put(BUCKET, key, b"zip")
        told = {"version": 2, "training": UUID, "sha256": "0" * 64}
        answer = actions.artifact({**inputs, "batch_url": "", "model": "m", "key": key, **told})
        assert requests.get(answer.pop("url"), timeout=60).content == b"zip"
        assert answer == told

    @pytest.mark.parametrize(
        "key", [f"other/{UUID}/attempts/1/artifact.zip", f"m/{UUID}/request.json", None, "_code/x"]
    )
    def test_no_other_object_is_linked(self, actions: ModuleType, inputs: Json, key: str | None) -> None:
        assert "no artifact" in actions.artifact({**inputs, "model": "m", "key": key})["error"]["message"]

    def test_a_large_answer_of_a_prediction_is_a_link_and_a_small_one_is_there(
        self, actions: ModuleType, inputs: Json, store: Store, batch: Batch
    ) -> None:
        training: Json = {"uuid": UUID, "model": "m", "kind": "predict", "attempt": 2, "state": "running"}
        batch.says = (200, training)
        assert actions.result({**inputs, "uuid": UUID})["state"] == "running"

        answer = {"contentType": "application/json", "size": 14, "sha256": "0"}
        training |= {"state": "done", "result": {"output": {"label": "cat"}, "answer": answer}}
        batch.says = (200, training)
        assert actions.result({**inputs, "uuid": UUID})["output"] == {"label": "cat"}

        store.put(BUCKET, f"m/{UUID}/attempts/2/answer", b'{"label":"cat"}')
        training["result"]["output"] = None
        found = actions.result({**inputs, "uuid": UUID})
        assert requests.get(found["link"], timeout=60).json() == {"label": "cat"}
