"""The descriptions of the REST application, OpenAPI 3.1 and Swagger 2.0, and the page that shows them."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from werkzeug.test import Client

from deepwhisk_runtime import ui
from deepwhisk_runtime.jobs import Jobs
from deepwhisk_runtime.rest import Offers, create_app
from deepwhisk_runtime.service import Provision, load
from deepwhisk_runtime.trainings import Trainings

SOURCE = '''"""Takes everything."""
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal
from pydantic import BaseModel, Field, SecretStr

class Color(Enum):
    RED = "red"
    BLUE = "blue"

class Box(BaseModel):
    width: int

class Model:
    def predict(
        self,
        image: Annotated[Path, "A photograph"],
        more: list[bytes] = [],
        count: Annotated[int, Field(ge=1, le=9, description="How many")] = 3,
        share: Annotated[float | None, Field(gt=0, lt=1)] = None,
        words: Annotated[list[str], Field(max_length=3)] = ["a"],
        color: Color = Color.RED,
        kind: Literal["a", "b"] = "a",
        one: Literal["x"] = "x",
        sure: bool = False,
        day: date | None = None,
        box: Box | None = None,
        boxes: list[Box] = [],
        either: int | str = 1,
        anything: Any = None,
        secret: Annotated[SecretStr, Field(max_length=9)] = SecretStr(""),
        name_of: Annotated[str, Field(min_length=1, pattern="^a")] = "a",
        accept: Literal["application/json", "image/png"] = "application/json",
    ) -> dict[str, Box]:
        return {}

    def train(self, out: Path, data: Path, epochs: Annotated[int, Field(ge=1)] = 1) -> dict[str, float]:
        return {}
'''


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    folder = tmp_path_factory.mktemp("content") / "taker"
    folder.mkdir()
    (folder / "model.py").write_text(SOURCE)
    service = load(folder, "taker", Provision())
    return Client(create_app(service, Offers(trainings=Trainings(folder / "state", service))))


def described(client: Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json


def parameters(client: Client) -> dict[str, Any]:
    operation = described(client, "/swagger.json")["paths"]["/v2/models/taker/predict/"]["post"]
    return {each["name"]: each for each in operation["parameters"]}


@pytest.mark.parametrize(("path", "version"), [("/openapi.json", "3.1.0"), ("/swagger.json", "2.0")])
def test_both_descriptions_are_valid(client: Client, path: str, version: str) -> None:
    document = described(client, path)
    validate(document)
    assert version in (document.get("openapi"), document.get("swagger"))


def test_both_describe_the_same_paths(client: Client) -> None:
    old, new = described(client, "/swagger.json"), described(client, "/openapi.json")
    assert set(new["paths"]) - set(old["paths"]) == {"/health"}
    for path, operations in old["paths"].items():
        assert set(operations) == set(new["paths"][path])


def test_swagger_says_of_each_argument_where_it_goes_and_what_it_may_be(client: Client) -> None:
    found = parameters(client)
    image = {
        "name": "image",
        "in": "formData",
        "type": "file",
        "required": True,
        "description": "A photograph",
    }
    assert found["image"] == image
    assert found["more"]["type"] == "file"
    count = {"type": "integer", "minimum": 1, "maximum": 9, "default": 3, "description": "How many"}
    assert found["count"] == {"name": "count", "in": "query", "required": False} | count
    assert found["share"] | {"type": "number", "minimum": 0.0, "exclusiveMinimum": True} == found["share"]
    words = {"type": "array", "items": {"type": "string"}, "collectionFormat": "multi", "default": ["a"]}
    assert found["words"] | words == found["words"]
    assert found["color"] | {"type": "string", "enum": ["red", "blue"], "default": "red"} == found["color"]
    assert (found["kind"]["enum"], found["one"]["enum"]) == (["a", "b"], ["x"])
    assert (found["sure"]["type"], found["day"]["format"]) == ("boolean", "date")
    assert (found["box"]["type"], found["anything"]["type"]) == ("string", "string")
    assert found["boxes"]["items"] == {"type": "string"}
    assert (found["secret"]["format"], found["secret"]["maxLength"]) == ("password", 9)
    assert (found["name_of"]["minLength"], found["name_of"]["pattern"]) == (1, "^a")


def test_the_choices_of_accept_are_what_is_produced(client: Client) -> None:
    path = "/v2/models/taker/predict/"
    old = described(client, "/swagger.json")["paths"][path]["post"]
    assert (old["produces"], old["consumes"]) == (["application/json", "image/png"], ["multipart/form-data"])
    new = described(client, "/openapi.json")["paths"][path]["post"]
    assert list(new["responses"]["200"]["content"]) == ["application/json", "image/png"]


def test_a_training_is_described_with_its_own_arguments(client: Client) -> None:
    document = described(client, "/openapi.json")
    assert list(document["components"]["schemas"]["TrainForm"]["properties"]) == ["data", "epochs"]
    assert set(document["paths"]["/v2/models/taker/train/{uuid}"]) == {"get", "delete"}
    old = described(client, "/swagger.json")["paths"]["/v2/models/taker/train/"]["post"]["parameters"]
    assert [(each["name"], each["in"]) for each in old] == [("data", "formData"), ("epochs", "query")]


def test_a_web_action_tells_what_a_key_opens(tmp_path: Path) -> None:
    folder = tmp_path / "taker"
    folder.mkdir()
    (folder / "model.py").write_text(SOURCE)
    service = load(folder, "taker", Provision())
    jobs = Jobs(service, {})
    client = Client(create_app(service, Offers(trainings=jobs, jobs=jobs)))

    document = described(client, "/openapi.json")
    validate(document)
    one = document["paths"]["/v2/models/taker/predictions/{uuid}"]["get"]
    assert one["security"] == [{"openwhisk": []}]
    assert {"200", "401", "403", "404"} <= one["responses"].keys()
    predict = document["paths"]["/v2/models/taker/predict/"]["post"]
    assert (predict["security"][0], predict["parameters"][0]["name"]) == ({}, "async")
    assert "202" in predict["responses"]
    assert document["components"]["securitySchemes"]["openwhisk"]["scheme"] == "basic"
    old = described(client, "/swagger.json")
    validate(old)
    assert old["paths"]["/v2/models/taker/train/"]["post"]["security"] == [{"openwhisk": []}]
    assert "/v2/models/taker/predictions/{uuid}" in old["paths"]


def test_who_serves_alone_tells_of_no_key(client: Client) -> None:
    for path in ("/openapi.json", "/swagger.json"):
        assert "openwhisk" not in client.get(path).get_data(as_text=True)


def test_the_page_is_where_the_old_one_was(client: Client) -> None:
    assert client.get("/ui").headers["Location"] == "/api"
    answer = client.get("/api")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")


def test_the_page_asks_nobody_else_for_anything(client: Client) -> None:
    page = client.get("/api").text
    assert "://" not in page
    for name in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert client.get("/" + name).status_code == 200, name


def test_the_script_goes_out_compressed_and_fits_a_message_of_openwhisk(client: Client) -> None:
    plain = client.get("/api/swagger-ui-bundle.js")
    small = client.get("/api/swagger-ui-bundle.js", headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers
    assert (small.headers["Content-Encoding"], small.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(small.data) == plain.data
    assert len(small.data) < 700_000


@pytest.mark.parametrize("name", ["index.html", "swagger-ui.js", "..%2f__init__.py", "../__init__.py"])
def test_no_other_file_of_the_package_is_shown(client: Client, name: str) -> None:
    assert client.get("/api/" + name).status_code == 404


def test_without_the_package_the_page_has_no_files_but_all_else_works(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ui, "PACKAGE", "no_such_package")
    assert client.get("/api/swagger-ui.css").status_code == 404
    assert client.get("/openapi.json").status_code == 200


def test_there_is_nothing_to_debug_unless_it_was_asked_for(client: Client) -> None:
    assert (client.get("/v2/debug/").status_code, client.get("/v2/debug/").data) == (204, b"")
