"""The REST application of a model, as Flask answers it; and as a raw web action answers it."""

import base64
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate
from werkzeug.test import Client, EnvironBuilder

from deepwhisk_runtime import replay
from deepwhisk_runtime.activation import Activation
from deepwhisk_runtime.answers import Outgoing
from deepwhisk_runtime.references import Outbox
from deepwhisk_runtime.rest import create_app
from deepwhisk_runtime.service import Provision, load
from runtime.program import Program, model
from runtime.web import Web

SOURCE = '''"""Looks closely.

At whatever it is given.
"""
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from pydantic import BaseModel, Field

class Box(BaseModel):
    width: int
    height: int = 1

@dataclass
class Seen:
    about: dict[str, Any]

class Model:
    def predict(
        self,
        text: str = "",
        top: Annotated[int, Field(ge=1, le=20, description="How many")] = 5,
        numbers: list[int] = [],
        box: Box | None = None,
        image: Annotated[Path | None, "A photograph"] = None,
        how: str = "",
    ) -> Seen:
        if how == "raise": raise ValueError("kaput")
        if how == "nan": return {"x": math.nan}
        if how == "file": return image
        if how == "large": return {"x": "y" * 900_000}
        print(text)
        return Seen({"text": text, "top": top, "numbers": numbers, "area": box and box.width * box.height,
                "image": image and [image.name, image.stat().st_size]})
'''
METADATA = """
metadata_version: 2.4.0
title: A closer look
summary: It looks
license: MIT
name: not the name
dates:
  created: 2026-01-02
"""
PATH = "/v2/models/looker/predict/"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("content") / "looker"
    path.mkdir()
    (path / "model.py").write_text(SOURCE)
    (path / "ai4-metadata.yml").write_text(METADATA)
    return path


@pytest.fixture(scope="module")
def app(folder: Path) -> Flask:
    return create_app(load(folder, "looker", Provision()))


@pytest.fixture
def client(app: Flask) -> Client:
    return Client(app)


def about(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    assert answer.json["status"] == "OK"
    return answer.json["predictions"]["about"]


def test_the_root_names_the_version(client: Client) -> None:
    assert client.get("/").json["versions"][0]["links"][0]["href"] == "/v2/"
    assert client.get("/v2/").json == client.get("/").json["versions"][0]
    assert client.get("/").json["links"] == [
        {"rel": "help", "type": "text/html", "href": "/api"},
        {"rel": "describedby", "type": "application/json", "href": "/swagger.json"},
    ]


def test_the_model_is_listed_with_its_metadata(client: Client) -> None:
    page = client.get("/v2/models/looker/").json
    assert client.get("/v2/models/").json == {"models": [page]}
    assert (page["id"], page["name"], page["title"]) == ("looker", "looker", "A closer look")
    assert page["links"] == [{"rel": "self", "type": "application/json", "href": "/v2/models/looker/"}]
    assert page["dates"] == {"created": "2026-01-02"}
    assert page["description"] == "At whatever it is given."


def test_metadata_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("def predict(): return 1")
    (tmp_path / "ai4-metadata.yml").write_text("a: [")
    page = Client(create_app(load(tmp_path, "m", Provision()))).get("/v2/models/m/").json
    assert "ai4-metadata.yml cannot be read" in page["metadata_error"]


def test_another_model_is_not_there(client: Client) -> None:
    answer = client.post("/v2/models/other/predict/")
    assert answer.status_code == 404
    assert answer.json["error"]["message"] == "There is no model other here; there is looker."
    assert client.get("/else").json["error"]["message"].startswith("404 Not Found")


def test_arguments_come_from_query_form_and_upload_together(client: Client) -> None:
    data = {"top": "7", "box": '{"width": 3, "height": 2}', "image": (io.BytesIO(b"12345"), "a b.jpg")}
    answer = client.post(PATH + "?text=a+%C3%A4%25&numbers=1&numbers=2", data=data)
    assert about(answer) == {"text": "a ä%", "top": 7, "numbers": [1, 2], "area": 6, "image": ["a b.jpg", 5]}


def test_arguments_come_from_json_and_query_together(client: Client) -> None:
    image = {"$bytes": "MTIz", "filename": "x.png"}
    answer = client.post(PATH + "?top=3&numbers=4", json={"text": "t", "image": image})
    assert about(answer) == {"text": "t", "top": 3, "numbers": [4], "area": None, "image": ["x.png", 3]}


def test_arguments_come_from_a_plain_form(client: Client) -> None:
    assert about(client.post(PATH, data={"text": "ä", "numbers": "[1, 2]", "box": ""}))["numbers"] == [1, 2]


def test_a_body_of_another_type_is_the_only_file(client: Client) -> None:
    answer = client.post(PATH, data=b"12345", content_type="image/jpeg")
    assert about(answer)["image"] == ["file.jpg", 5]


@pytest.mark.parametrize("path", ["/v2", "/v2/models", "/v2/models/looker", "/v2/debug"])
def test_a_path_without_its_last_slash_leads_to_the_one_with_it(client: Client, path: str) -> None:
    answer = client.get(path + "?a=1&b=%C3%A4")
    assert (answer.status_code, answer.headers["Location"]) == (308, path + "/?a=1&b=%C3%A4")


def test_a_prediction_without_the_last_slash_is_led_there_with_its_body(client: Client) -> None:
    answer = client.post(PATH.rstrip("/") + "?top=3", data={"text": "t"}, follow_redirects=True)
    assert (about(answer)["top"], about(answer)["text"]) == (3, "t")


def test_a_body_that_is_no_json_is_refused(client: Client) -> None:
    answer = client.post(PATH, data=b"{bad", content_type="application/json")
    assert (answer.status_code, answer.json) == (400, {"json": ["Invalid JSON body."]})
    assert client.post(PATH, data=b"\xff\xfe", content_type="application/json").status_code == 400
    answer = client.post(PATH, json=[1])
    assert (answer.status_code, list(answer.json)) == (422, ["json"])


def test_arguments_that_do_not_fit_are_named(client: Client) -> None:
    answer = client.post(PATH + "?top=99", json={"numbers": ["x"], "box": {}})
    assert answer.status_code == 422
    assert answer.json == {
        "top": ["Must be greater than or equal to 1 and less than or equal to 20."],
        "numbers": ["at 0: Not a valid integer."],
        "box": ["at width: Missing data for required field."],
    }


def test_what_is_no_argument_is_passed_over(client: Client) -> None:
    answer = client.post(PATH + "?tops=1", data={"other": "x", "file": (io.BytesIO(b"x"), "x")})
    assert about(answer)["top"] == 5


def test_a_file_field_that_was_left_empty_is_no_file(client: Client) -> None:
    assert about(client.post(PATH, data={"image": (io.BytesIO(b""), "")}))["image"] is None


@pytest.mark.parametrize(
    ("how", "error"),
    [
        (
            "raise",
            {"message": "predict raised ValueError: kaput", "phase": "predict", "cause": "ValueError: kaput"},
        ),
        ("nan", {"message": "x is nan, which JSON cannot hold.", "phase": "result", "field": "x"}),
    ],
)
def test_a_model_that_fails_is_an_error_with_its_cause(
    client: Client, how: str, error: dict[str, str]
) -> None:
    answer = client.post(PATH, json={"how": how})
    assert (answer.status_code, answer.json) == (500, {"error": error})
    assert about(client.post(PATH))["top"] == 5


def test_a_file_is_inside_json_unless_the_client_wants_it_as_it_is(client: Client) -> None:
    def ask(accept: str) -> Any:
        data = {"how": "file", "image": (io.BytesIO(b"12345"), "a.jpg")}
        return client.post(PATH, data=data, headers={"Accept": accept})

    assert ask("*/*").json["predictions"]["$bytes"] == "MTIzNDU="
    assert ask("application/json, text/plain, */*").json["predictions"]["filename"] == "a.jpg"
    assert (ask("image/jpeg").data, ask("image/*").mimetype) == (b"12345", "image/jpeg")


def test_training_is_answered_with_a_sentence(client: Client) -> None:
    assert client.post("/v2/models/looker/train/").status_code == 501
    assert "not offered" in client.get("/v2/models/looker/train/").json["error"]["message"]


def test_the_document_is_valid_openapi_and_names_every_argument(client: Client) -> None:
    document = client.get("/openapi.json").json
    validate(document)
    assert document["openapi"] == "3.1.0"
    schemas = document["components"]["schemas"]
    assert list(schemas["Form"]["properties"]) == ["text", "top", "numbers", "box", "image", "how"]
    assert schemas["Form"]["properties"]["top"]["maximum"] == 20
    assert schemas["Arguments"]["properties"]["image"]["description"] == "A photograph"
    assert "Seen" in schemas
    assert "query string" in document["paths"][PATH]["post"]["description"]


def test_health_and_figures(folder: Path) -> None:
    client = Client(create_app(load(folder, "looker", Provision())))
    assert client.get("/health").json == {"status": "OK", "model": "looker"}
    client.post(PATH)
    client.post(PATH, json={"top": 0})
    client.post(PATH, json={"how": "nan"})
    answer = client.get("/metrics")
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    assert 'deepwhisk_predictions_total{model="looker"} 3' in lines
    assert 'deepwhisk_faults_total{model="looker",phase="arguments"} 1' in lines
    assert 'deepwhisk_faults_total{model="looker",phase="result"} 1' in lines


@pytest.fixture(scope="module")
def action(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with Program(tmp_path_factory.mktemp("action")) as program:
        zipped = model(SOURCE, **{"ai4-metadata.yml": METADATA})
        assert program.init(zipped, name="/guest/models/looker")[0] == 200
        yield program


def raw(action: Program, method: str, path: str, query: str = "", **request: Any) -> Any:
    """What OpenWhisk makes of a request to a raw web action, and what comes of it."""
    builder = EnvironBuilder(path="/", method=method, **request)
    environ = builder.get_environ()
    body = environ["wsgi.input"].read()
    kind = environ.get("CONTENT_TYPE", "")
    is_text = kind.startswith(("text/", "application/x-www-form-urlencoded"))
    headers = {"host": "localhost:3233"} | {
        k.lower(): v for k, v in dict(request.get("headers") or {}).items()
    }
    members = {
        "__ow_headers": headers | ({"content-type": kind} if kind else {}),
        "__ow_query": query,
        "__ow_body": body.decode() if is_text else base64.b64encode(body).decode(),
    }
    builder.close()
    members |= {"action_name": "/guest/models/looker"}
    name = members.pop("action_name")
    payload = {"__ow_method": method.lower(), "__ow_path": path, "bound": "a default of the action"}
    return action.result(payload | members, action_name=name)


def test_a_web_action_predicts_from_an_upload_with_query(action: Program) -> None:
    content = random.Random(1).randbytes(5000)
    data = {"top": "7", "image": (io.BytesIO(content), "a b.jpg")}
    result = raw(action, "POST", PATH, "text=a+%C3%A4%25&numbers=1&numbers=2", data=data)
    assert (result["statusCode"], result["headers"]) == (200, {"Content-Type": "application/json"})
    told = json.loads(result["body"])["predictions"]["about"]
    assert told == {"text": "a ä%", "top": 7, "numbers": [1, 2], "area": None, "image": ["a b.jpg", 5000]}


def test_a_web_action_predicts_from_json_and_from_a_form(action: Program) -> None:
    result = raw(action, "POST", PATH, json={"text": "漢字"})
    assert json.loads(result["body"])["predictions"]["about"]["text"] == "漢字"
    result = raw(action, "POST", PATH, data={"text": "ä + b"})
    assert json.loads(result["body"])["predictions"]["about"]["text"] == "ä + b"


def test_links_begin_where_the_web_action_does(action: Program) -> None:
    page = json.loads(raw(action, "GET", "/v2/models/looker/")["body"])
    assert page["links"][0]["href"] == "/api/v1/web/guest/models/looker/v2/models/looker/"
    document = json.loads(raw(action, "GET", "/openapi.json")["body"])
    assert document["servers"] == [{"url": "/api/v1/web/guest/models/looker"}]
    assert "versions" in json.loads(raw(action, "GET", "")["body"])


def test_a_binary_answer_is_base64_and_a_text_is_not(action: Program) -> None:
    for kind, name in (("image/svg+xml", "a.svg"), ("image/jpeg", "a.jpg")):
        data = {"how": "file", "image": (io.BytesIO(b"<svg/>"), name)}
        result = raw(action, "POST", PATH, data=data, headers={"Accept": kind})
        assert result["headers"]["Content-Type"].startswith(kind)
        assert base64.b64decode(result["body"]) == b"<svg/>"
    assert "# TYPE" in raw(action, "GET", "/metrics")["body"]


def test_a_web_action_that_fails_is_an_application_error_with_its_status(action: Program) -> None:
    result = raw(action, "POST", PATH, json={"top": 99})
    assert list(result) == ["error"]
    assert result["error"]["statusCode"] == 422
    assert list(json.loads(result["error"]["body"])) == ["top"]
    result = raw(action, "POST", PATH, json={"how": "raise"})
    assert result["error"]["statusCode"] == 500
    assert json.loads(result["error"]["body"])["error"]["activation"] == "a1"


def test_an_answer_too_large_for_a_message_says_so(action: Program) -> None:
    error = raw(action, "POST", PATH, json={"how": "large"})["error"]
    assert error["statusCode"] == 500
    assert "larger than" in error["body"]["error"]["message"]


def test_an_answer_too_large_for_a_message_is_put_into_the_store(web: Web) -> None:
    outbox = Outbox(web.url, "u:k", "a1")
    result = replay.elsewhere(Outgoing(b"x" * 800_000, "image/png"), outbox)
    assert result == {"statusCode": 303, "headers": {"Location": web.url + "/get/k?signed"}}
    assert web.puts == [b"x" * 800_000]


def test_a_head_request_has_no_body_and_a_wrong_method_is_told(action: Program) -> None:
    assert raw(action, "HEAD", "/health")["body"] == ""
    assert raw(action, "GET", PATH)["error"]["statusCode"] == 405


def test_a_web_action_that_is_not_raw_takes_the_merged_arguments(action: Program) -> None:
    payload = {"__ow_method": "post", "__ow_path": PATH, "__ow_headers": {}, "text": "merged", "top": "2"}
    told = json.loads(action.result(payload)["body"])["predictions"]["about"]
    assert (told["text"], told["top"]) == ("merged", 2)


def test_headers_given_twice_become_a_list(app: Flask) -> None:
    assert replay.grouped(
        [("Set-Cookie", "a"), ("X", "1"), ("Set-Cookie", "b"), ("Content-Length", "3")]
    ) == {
        "Set-Cookie": ["a", "b"],
        "X": "1",
    }


def test_the_base_of_an_action_without_package_is_the_default_package() -> None:
    assert replay.base_of("/guest/thing") == "/api/v1/web/guest/default/thing"
    assert replay.base_of("") == ""


def test_an_encoded_path_reaches_the_application_decoded(app: Flask) -> None:
    payload = {"__ow_method": "get", "__ow_path": "/v2/models/l%C3%B6%20oker/", "__ow_query": ""}
    result = replay.answer(app, payload, Activation("a"), None)
    assert "There is no model lö oker here" in result["error"]["body"]
