"""What DEEPaaS 2.6.0 did wrong and this server must not: each test is named by what must not happen.

Four of the nine are about trainings and stand in `test_trainings.py`: a training that blocks predictions,
that cannot be cancelled, that a restart loses, that other servers do not see.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from deepwhisk_runtime.rest import create_app
from deepwhisk_runtime.service import Provision, load
from runtime.program import Program, model
from runtime.served import Served, environment, serving

SOURCE = '''"""Fails in every way."""
from pathlib import Path
from typing import Annotated, Any, Literal
import numpy as np
from aiohttp import web

class Picky(Exception):
    def __init__(self, *, reason):
        super().__init__()
        self.reason = reason
    def __str__(self):
        return self.reason
    def __reduce__(self):
        raise TypeError("no pickle holds this")

class Model:
    def predict(
        self,
        how: str = "",
        image: Path | None = None,
        accept: Literal["application/json", "image/png", "text/csv", "application/zip"] = "application/json",
    ) -> Any:
        if how == "aiohttp": raise web.HTTPBadRequest(reason="the image is of no use")
        if how == "picky": raise Picky(reason="not so")
        if how == "plain": raise ValueError("kaput")
        if how == "scalar": return {"a": np.float32(0.5), "b": np.int64(3), "c": np.ones(2), "d": np.bool_(1)}
        if how == "dict": return {}
        if accept == "text/csv": return "ä,b"
        if accept == "image/png": return b"\\x89PNG"
        if accept == "application/zip":
            path = Path(__file__).with_name("made.zip")
            path.write_bytes(b"PK")
            return path.open("rb")
        return {"size": image and image.stat().st_size}
'''
PREDICT = "/v2/models/failing/predict/"
AXIOS = "application/json, text/plain, */*"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("content") / "failing"
    path.mkdir()
    (path / "model.py").write_text(SOURCE)
    return path


@pytest.fixture(scope="module")
def client(folder: Path) -> Client:
    return Client(create_app(load(folder, "failing", Provision())))


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Served]:
    temporary = folder.with_name("tmp")
    temporary.mkdir()
    with serving("serve", folder.name, "--port", "0", cwd=folder.parent, TMPDIR=str(temporary)) as served:
        yield served


@pytest.mark.parametrize("how", ["aiohttp", "picky"])
def test_an_exception_that_does_not_unpickle_wedges_nothing(server: Served, how: str) -> None:
    for _ in range(3):
        assert server.ask("POST", "predict/", {"how": how}).status in (400, 500)
    assert server.ask("POST", "predict/").json == {"status": "OK", "predictions": {"size": None}}


def test_a_bad_request_that_the_model_raises_is_no_error_of_the_server(client: Client) -> None:
    answer = client.post(PREDICT, json={"how": "aiohttp"})
    assert answer.status_code == 400
    assert answer.json == {
        "error": {
            "message": "predict raised HTTPBadRequest: the image is of no use",
            "phase": "predict",
            "cause": "HTTPBadRequest: the image is of no use",
        }
    }


@pytest.mark.parametrize(
    ("header", "content_type", "body"),
    [
        ("image/png", "image/png", b"\x89PNG"),
        ("image/*", "image/png", b"\x89PNG"),
        ("text/csv", "text/csv; charset=utf-8", "ä,b".encode()),
        ("application/zip;q=0.9, text/html", "application/zip", b"PK"),
        ("application/json;q=0.1, text/csv;q=0.5", "text/csv; charset=utf-8", "ä,b".encode()),
        ("image/png, */*", "image/png", b"\x89PNG"),
    ],
)
def test_the_accept_header_is_not_ignored(
    client: Client, header: str, content_type: str, body: bytes
) -> None:
    answer = client.post(PREDICT, headers={"Accept": header})
    assert (answer.status_code, answer.content_type, answer.data) == (200, content_type, body)


@pytest.mark.parametrize("header", [AXIOS, "*/*", "text/html, */*;q=0.8", "audio/wav", "nonsense", ""])
def test_an_accept_header_of_many_types_is_not_refused(client: Client, header: str) -> None:
    answer = client.post(PREDICT, headers={"Accept": header})
    assert answer.json == {"status": "OK", "predictions": {"size": None}}


def test_the_argument_accept_is_not_overruled_by_the_header(client: Client) -> None:
    answer = client.post(PREDICT + "?accept=text/csv", headers={"Accept": "image/png"})
    assert answer.content_type == "text/csv; charset=utf-8"
    answer = client.post(PREDICT, json={"accept": "text/html"})
    choices = "application/json, image/png, text/csv, application/zip"
    assert (answer.status_code, answer.json) == (422, {"accept": [f"Must be one of: {choices}."]})


def test_an_answer_that_is_not_of_the_type_asked_for_is_no_riddle(client: Client) -> None:
    answer = client.post(PREDICT, json={"how": "dict", "accept": "image/png"})
    message = "predict was asked for image/png and returned builtins.dict, which is no file."
    assert (answer.status_code, answer.json["error"]["message"]) == (500, message)


def test_an_exception_of_the_model_is_no_opaque_text(client: Client) -> None:
    answer = client.post(PREDICT, json={"how": "plain"})
    told = {"message": "predict raised ValueError: kaput", "phase": "predict", "cause": "ValueError: kaput"}
    assert (answer.status_code, answer.json) == (500, {"error": told})


def test_a_load_error_serves_no_other_model(tmp_path: Path) -> None:
    import subprocess
    import sys

    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/model.py").write_text(
        'class Model:\n    def load(self): raise OSError("torn")\n    def predict(self): ...\n'
    )
    for command in (
        ["serve", "broken", "--port", "0"],
        ["run", "--model-name", "broken", "--listen-port", "0"],
    ):
        for workers in ([], ["--workers", "2"]) if command[0] == "run" else ([],):
            done = subprocess.run(
                [sys.executable, "-m", "deepwhisk_runtime", *command, *workers],
                cwd=tmp_path,
                env=environment(),
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert (done.returncode, done.stdout) == (1, "")
            assert "load: The model broken cannot be loaded: OSError: torn" in done.stderr


def test_a_temporary_upload_is_not_left_behind(server: Served, folder: Path) -> None:
    large = b"x" * 3_000_000
    for body in (large, b""):
        headers = {"Content-Type": "image/png"}
        assert server.ask("POST", "predict/", body, **headers).status == 200
    form = (
        b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
        + large
        + b"\r\n--b--\r\n"
    )
    answer = server.ask("POST", "predict/", form, **{"Content-Type": "multipart/form-data; boundary=b"})
    assert answer.json["predictions"] == {"size": 3_000_000}
    answer = server.ask(
        "POST", "predict/?how=plain", form, **{"Content-Type": "multipart/form-data; boundary=b"}
    )
    assert answer.status == 500
    assert list(folder.with_name("tmp").iterdir()) == []


def test_a_numpy_scalar_in_the_answer_is_no_error(client: Client) -> None:
    answer = client.post(PREDICT, json={"how": "scalar"})
    assert answer.json["predictions"] == {"a": 0.5, "b": 3, "c": [1.0, 1.0], "d": True}


def test_a_web_action_drops_no_query_adds_no_member_and_garbles_no_bytes(tmp_path: Path) -> None:
    with Program(tmp_path) as action:
        assert action.init(model(SOURCE), name="/guest/models/failing")[0] == 200
        headers = {"accept": "image/png", "host": "h"}
        made: Any = action.web("post", PREDICT, __ow_query="how=", __ow_headers=headers)
        assert (made["headers"]["Content-Type"], made["body"]) == ("image/png", "iVBORw==")
        made = action.web("post", PREDICT, __ow_query="how=plain", __ow_headers={"host": "h"})
        assert made["error"]["statusCode"] == 500
