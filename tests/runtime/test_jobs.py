"""Trainings and long predictions behind a web action, before an OpenWhisk that answers by hand."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from deepwhisk_runtime.jobs import Jobs, shown
from deepwhisk_runtime.rest import Offers, create_app
from deepwhisk_runtime.service import Provision, load
from runtime.web import Web, serving

UUID = "0123456789abcdef0123456789abcdef"
AUTH = {"Authorization": "Basic dTprZXk="}
SOURCE = '''"""Learns."""
from pathlib import Path

class Model:
    def predict(self, text: str = "", many: list[Path] = []) -> int:
        return len(text)

    def train(self, out: Path, data: Path | None = None, epochs: int = 1) -> None: ...
'''


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as web:
        yield web


@pytest.fixture
def client(tmp_path: Path, web: Web) -> Client:
    folder = tmp_path / "learner"
    folder.mkdir()
    (folder / "model.py").write_text(SOURCE)
    service = load(folder, "learner", Provision())
    jobs = Jobs(service, {"__OW_API_HOST": web.url, "__OW_ACTION_NAME": "/ada/models/learner"})
    return Client(create_app(service, Offers(trainings=jobs, jobs=jobs)))


def says(web: Web, verb: str, answer: Any, status: int = 200) -> None:
    web.page(f"/api/v1/namespaces/ada/actions/training/{verb}", json.dumps(answer).encode(), status)


def asked(web: Web, verb: str) -> Any:
    """What the action was asked last, with whose key."""
    method, _, headers, body = [sent for sent in web.sent if f"/training/{verb}?" in sent[1]][-1]
    assert (method, headers["authorization"]) == ("POST", AUTH["Authorization"])
    return json.loads(body)


def test_what_is_asked_of_the_action_is_checked_and_typed(client: Client, web: Web) -> None:
    says(web, "submit", {"uuid": UUID, "state": "queued", "date": "2026-11-22T10:00:00.000Z"})
    answer = client.post("/v2/models/learner/train/?epochs=7", headers=AUTH)
    assert answer.json == {
        "date": "2026-11-22 10:00:00",
        "args": {"epochs": 7, "data": None},
        "uuid": UUID,
        "status": "running",
        "state": "queued",
    }
    said = {"model": "learner", "kind": "train", "via": "web", "arguments": {"epochs": 7}, "files": {}}
    assert asked(web, "submit") == said


def test_a_reference_is_passed_on_unread_and_other_files_are_put_into_the_store(
    client: Client, web: Web
) -> None:
    says(web, "submit", {"uuid": UUID})
    large = {"$object": {"bucket": "datasets", "key": "a/large set.zip", "url": "http://127.0.0.1:1/never"}}
    answer = client.post("/v2/models/learner/train/", json={"data": large}, headers=AUTH)
    assert answer.json["args"]["data"] == "large set.zip"
    assert asked(web, "submit")["files"] == {"data": large}
    assert web.puts == []

    client.post("/v2/models/learner/train/", json={"data": "aGVsbG8="}, headers=AUTH)
    assert web.puts == [b"hello"]
    assert asked(web, "submit")["files"]["data"]["$object"]["filename"] == "file"


def test_a_long_prediction_says_where_to_ask(client: Client, web: Web) -> None:
    says(web, "submit", {"uuid": UUID, "state": "submitted", "waiting": "It is kept."})
    answer = client.post(
        "/v2/models/learner/predict/?async=true", json={"many": ["aGVsbG8=", "eA=="]}, headers=AUTH
    )
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/v2/models/learner/predictions/{UUID}")
    assert answer.json["message"] == "It is kept."
    assert asked(web, "submit")["kind"] == "predict"
    assert web.puts == [b"hello", b"x"]

    says(
        web,
        "result",
        {"uuid": UUID, "model": "learner", "kind": "predict", "state": "done", "link": "http://l"},
    )
    found = client.get(answer.headers["Location"], headers=AUTH).json
    assert (found["status"], found["link"]) == ("done", "http://l")


def test_without_async_the_answer_is_there_at_once_and_needs_no_key(client: Client, web: Web) -> None:
    for query in ("", "?async=false"):
        answer = client.post(f"/v2/models/learner/predict/{query}", json={"text": "abc"})
        assert answer.json["predictions"] == 3
    assert web.sent == []


@pytest.mark.parametrize(
    ("status", "said", "shown_status"),
    [
        (401, {"error": "The supplied authentication is invalid.", "code": "x"}, 401),
        (403, {"error": "The supplied authentication is not authorized.", "code": "x"}, 403),
        (404, {"error": "The requested resource does not exist.", "code": "x"}, 501),
        (502, {"error": {"message": "No site gives 9 GPUs.", "status": 422}}, 422),
        (502, {"error": {"message": "there is no such training", "status": 404}}, 404),
        (502, {"error": {"message": "it is over", "status": 409}}, 409),
        (502, {"error": {"message": "the store is away", "status": 503, "transient": True}}, 503),
        (202, {"activationId": UUID}, 503),
    ],
)
def test_a_refusal_keeps_its_meaning(
    client: Client, web: Web, status: int, said: Any, shown_status: int
) -> None:
    says(web, "submit", said, status)
    answer = client.post("/v2/models/learner/train/", headers=AUTH)
    assert answer.status_code == shown_status, answer.json
    assert "Basic" not in json.dumps(answer.json).replace("Authorization: Basic", "")
    assert ("WWW-Authenticate" in answer.headers) is (shown_status == 401)


def test_a_training_of_another_model_is_not_this_one_s(client: Client, web: Web) -> None:
    says(web, "show", {"uuid": UUID, "model": "other", "state": "done"})
    assert client.get(f"/v2/models/learner/train/{UUID}", headers=AUTH).status_code == 404
    says(web, "show", {"uuid": UUID, "model": "learner", "kind": "predict", "state": "done"})
    assert client.delete(f"/v2/models/learner/train/{UUID}", headers=AUTH).status_code == 404
    assert not [sent for sent in web.sent if "/cancel" in sent[1]]


def test_all_trainings_are_listed_the_oldest_first_without_predictions(client: Client, web: Web) -> None:
    found = [{"uuid": str(number), "state": "done", "kind": "train"} for number in range(3)]
    says(web, "list", {"trainings": [*found, {"uuid": "p", "kind": "predict"}]})
    listed = client.get("/v2/models/learner/train/", headers=AUTH).json
    assert [each["uuid"] for each in listed] == ["2", "1", "0"]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("submitted", "running"),
        ("requeued", "running"),
        ("unreachable", "running"),
        ("done", "done"),
        ("cancelled", "cancelled"),
        ("error", "error"),
        ("refused", "error"),
        ("lost", "error"),
    ],
)
def test_each_state_is_one_of_the_four_words_that_clients_know(state: str, status: str) -> None:
    assert shown({"state": state})["status"] == status


def test_a_training_that_is_done_tells_what_came_of_it_and_how_long_it_took() -> None:
    times = {"begun": "2026-11-22T10:00:00Z", "ended": "2026-11-22T11:00:01.500Z"}
    told = shown({"state": "done", "result": {"output": {"loss": 0.1}}, "version": 3, **times})
    result = {
        "output": {"loss": 0.1},
        "finish_date": "2026-11-22 11:00:01.500000",
        "duration": "1:00:01.500000",
    }
    assert (told["result"], told["version"]) == (result, 3)
