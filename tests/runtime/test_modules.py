"""Modules of every make: old and new fields, classes and instances, and all the odd things they do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from openapi_spec_validator import OpenAPIV2SpecValidator, validate

from fixtures.modules import Program, Programs

pytestmark = pytest.mark.xdist_group("modules")
OLD = "marshmallow>=3.14.1,<4\nwebargs<6\naiohttp>=3.8.6,<4\nnumpy>=2,<3\n"
NEW = "marshmallow>=4\nwebargs>=8\naiohttp>=3.8.6,<4\nnumpy>=2,<3\n"
OLD_FIELDS = """
from webargs import fields, validate
NUMBERS = {
    "number": fields.Int(missing=5, validate=validate.Range(min=1, max=9), description="A number"),
    "ratio": fields.Float(missing=0.5, validate=[validate.Range(min=0, min_inclusive=False)]),
    "flag": fields.Bool(missing=False),
    "names": fields.List(fields.Str(), missing=["a"], validate=validate.Length(min=1, max=3)),
    "secret": fields.Str(missing=None, allow_none=True, format="password"),
    "kind": fields.Str(missing="x", validate=validate.OneOf(["x", "y"])),
    "shown": fields.Str(missing="x", enum=["x", "y"]),
    "when": fields.DateTime(required=False),
    "zip": fields.Field(
        missing=None, data_key="zip_data", type="file", location="form", description="Images"
    ),
    "anything": fields.Field(missing=None),
}
"""
NEW_FIELDS = """
from webargs import fields, validate
NUMBERS = {
    "number": fields.Int(
        load_default=5, validate=validate.Range(min=1, max=9), metadata={"description": "A number"}
    ),
    "ratio": fields.Float(load_default=0.5, validate=[validate.Range(min=0, min_inclusive=False)]),
    "flag": fields.Bool(load_default=False),
    "names": fields.List(fields.Str(), load_default=["a"], validate=validate.Length(min=1, max=3)),
    "secret": fields.Str(load_default=None, allow_none=True, metadata={"format": "password"}),
    "kind": fields.Str(load_default="x", validate=validate.OneOf(["x", "y"])),
    "shown": fields.Str(load_default="x", metadata={"enum": ["x", "y"]}),
    "when": fields.DateTime(required=False),
    "zip": fields.Raw(
        load_default=None, data_key="zip_data",
        metadata={"type": "file", "location": "form", "description": "Images"},
    ),
    "anything": fields.Raw(load_default=None),
}
"""
ECHO = """
def get_predict_args():
    return NUMBERS

def predict(**given):
    file = given.pop("zip", None)
    return {**given, "file": file and [file.name, file.content_type, file.original_filename]}
"""
ODD = """
import asyncio, io, os, sys, tempfile
import numpy
from aiohttp import web
from deepaas.model.v2.wrapper import ReturnedFile
from webargs import fields

class Unpicklable(Exception):
    def __init__(self, *, code):
        super().__init__(f"code {code}")

class Odd:
    def get_metadata(self):
        raise RuntimeError("there is none")

    def get_predict_args(self):
        return {"how": fields.Str(required=True), "accept": fields.Str()}

    def predict(self, how, accept=None):
        return getattr(self, how)()

    def refused(self):
        raise web.HTTPUnprocessableEntity(reason="too blue")

    def base(self):
        raise web.HTTPException(reason="no status")

    def reasoned(self):
        try:
            {}["key"]
        except KeyError as error:
            raise web.HTTPBadRequest(reason=error)

    def unpicklable(self):
        raise Unpicklable(code=7)

    def leaving(self):
        sys.exit(3)

    def unfinished(self):
        raise NotImplementedError

    async def awaited(self):
        await asyncio.sleep(0)
        return {"awaited": True}

    def yielded(self):
        yield {"step": 1}
        yield {"step": 2}

    async def streamed(self):
        yield 1

    def scalar(self):
        return numpy.float32(0.5)

    def arrays(self):
        return {"mask": numpy.eye(2, dtype=int), "names": {"a"}}

    def stream(self):
        return io.BytesIO(b"bytes")

    def named(self):
        path = os.path.join(tempfile.mkdtemp(), "answer.csv")
        with open(path, "w") as file:
            file.write("a,b")
        return ReturnedFile(filename=path)

    def nothing(self):
        return None

odd = Odd()
"""


def installed(folder: Path, code: str, point: str, name: str = "oddly") -> Path:
    """A package as it lies where it is installed."""
    (folder / f"{name}.py").write_text(code)
    information = folder / f"{name}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[deepaas.v2.model]\n{name} = {name}{point}\n")
    return folder


@pytest.fixture(params=[(OLD, OLD_FIELDS), (NEW, NEW_FIELDS)], ids=["marshmallow 3", "marshmallow 4"])
def echoing(request: pytest.FixtureRequest, programs: Programs, tmp_path: Path) -> Program:
    requirements, fields = request.param
    return programs.with_packages(requirements, installed(tmp_path, fields + ECHO, ""))


Odd = Callable[[str], requests.Response]


@pytest.fixture(scope="module")
def odd(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = installed(tmp_path_factory.mktemp("odd"), ODD, ":odd")
    program = programs.with_packages(NEW, folder, XDG_STATE_HOME=str(folder / "state"))
    with program.serving("--module", "oddly") as address:

        def ask(how: str, **more: str) -> requests.Response:
            return requests.post(f"{address}predict/", json={"how": how, **more}, timeout=120)

        yield ask


def test_fields_of_both_generations_are_read_alike(echoing: Program, tmp_path: Path) -> None:
    (tmp_path / "photos.zip").write_bytes(b"PK")
    given = [
        "number=3",
        "ratio=1",
        "flag=true",
        "names=b",
        "names=c",
        "when=2026-01-02T03:04:05",
        "unknown=1",
    ]
    words = [word for each in (*given, f"zip_data=@{tmp_path}/photos.zip") for word in ("-i", each)]

    assert echoing.predict("--module", "oddly", *words) == {
        "number": 3,
        "ratio": 1.0,
        "flag": True,
        "names": ["b", "c"],
        "secret": None,
        "kind": "x",
        "shown": "x",
        "when": "2026-01-02T03:04:05",
        "anything": None,
        "file": ["zip_data", "application/zip", "photos.zip"],
    }


def test_what_fields_refuse_is_told_alike(echoing: Program) -> None:
    given = ["number=10", "ratio=0", "flag=perhaps", "kind=z", "when=noon"]
    words = [word for each in given for word in ("-i", each)]
    refused = echoing.run("predict", "--module", "oddly", *words)

    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-5:] == [
        "number: Must be greater than or equal to 1 and less than or equal to 9.",
        "ratio: Must be greater than 0.",
        "flag: Not a valid boolean.",
        "kind: Must be one of: x, y.",
        "when: Not a valid datetime.",
    ]


def test_fields_of_both_generations_are_described_alike(echoing: Program, tmp_path: Path) -> None:
    describe = (
        "import json; from deepwhisk_runtime.source import loaded; "
        "print(json.dumps(loaded(None, 'oddly').signature.schema))"
    )
    (tmp_path / "describe.py").write_text(describe)
    done = echoing.python_runs(str(tmp_path / "describe.py"))
    told = json.loads(done)["properties"]

    assert told["number"] == {
        **{"type": "integer", "minimum": 1, "maximum": 9, "description": "A number", "default": 5},
    }
    assert told["ratio"] == {"type": "number", "exclusiveMinimum": 0, "default": 0.5}
    assert told["names"] == {
        **{"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3, "default": ["a"]},
    }
    assert told["secret"]["anyOf"] == [{"type": "string", "format": "password"}, {"type": "null"}]
    assert told["kind"]["enum"] == told["shown"]["enum"] == ["x", "y"]
    assert told["when"] == {"type": "string", "format": "date-time"}
    assert (told["zip_data"]["format"], told["zip_data"]["description"]) == ("binary", "Images")
    assert told["anything"] == {}


def test_validators_accept_its_descriptions(echoing: Program, tmp_path: Path) -> None:
    with echoing.serving("--module", "oddly", "--state", str(tmp_path / "state")) as address:
        root = address.partition("/v2/")[0]
        swagger = requests.get(f"{root}/swagger.json", timeout=120).json()
        openapi = requests.get(f"{root}/openapi.json", timeout=120).json()

    validate(swagger, cls=OpenAPIV2SpecValidator)
    validate(openapi)


@pytest.mark.parametrize(
    ("how", "status", "said"),
    [
        ("refused", 422, "too blue"),
        ("base", 500, "no status"),
        ("reasoned", 400, "KeyError: 'key'"),
        ("unpicklable", 500, "Unpicklable: code 7"),
        ("leaving", 500, "sys.exit(3)"),
        ("unfinished", 501, "does not implement predict"),
        ("nothing", 500, "returned nothing"),
    ],
)
def test_whatever_is_raised_is_told_and_the_next_call_works(
    odd: Odd, how: str, status: int, said: str
) -> None:
    refused = odd(how)

    assert refused.status_code == status, refused.text
    assert said in refused.json()["error"]["message"]
    assert odd("scalar").json() == {"status": "OK", "predictions": 0.5}


@pytest.mark.parametrize(
    ("how", "answer"),
    [
        ("awaited", {"awaited": True}),
        ("yielded", [{"step": 1}, {"step": 2}]),
        ("streamed", [1]),
        ("arrays", {"mask": [[1, 0], [0, 1]], "names": ["a"]}),
    ],
)
def test_whatever_is_returned_is_answered(odd: Odd, how: str, answer: Any) -> None:
    assert odd(how).json()["predictions"] == answer


def test_files_are_answered_as_files(odd: Any) -> None:
    assert odd("stream", accept="application/pdf").content == b"bytes"
    named = odd("named", accept="text/csv")
    assert (named.content, named.headers["Content-Type"].partition(";")[0]) == (b"a,b", "text/csv")
    assert odd("named").json()["predictions"]["filename"] == "answer.csv"


@pytest.mark.parametrize(
    ("code", "point", "said"),
    [
        ("import nowhere_to_be_found", "", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("def warm():\n    raise OSError('no weights')", "", "OSError: no weights"),
        ("class Model:\n    def __init__(self):\n        self.a = b", ":Model", "NameError: name 'b'"),
        ("def get_predict_args():\n    return {'a': 3}", "", "The argument 'a' is no field"),
        ("def get_predict_args():\n    return 3", "", "a dict of fields, or a schema (got int)"),
        ("def train(): pass\ndef get_train_args():\n    return {}['a']", "", "KeyError: 'a'"),
        ("schema = 3\n", "", "`schema` is a dict of fields, or a schema of marshmallow (got int)"),
        ("import sys\nsys.exit(4)", "", "SystemExit: 4"),
    ],
)
def test_a_module_that_cannot_be_loaded_says_why(
    programs: Programs, tmp_path: Path, code: str, point: str, said: str
) -> None:
    program = programs.with_packages(NEW, installed(tmp_path, code, point))
    refused = program.run("predict", "--module", "oddly")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert said in refused.stderr.splitlines()[-1]


def test_a_module_that_is_not_there_names_those_that_are(programs: Programs, tmp_path: Path) -> None:
    program = programs.with_packages(NEW, installed(tmp_path, "", ""))

    assert "among its deepaas.v2.model; there are: oddly." in program.run("predict", "--module", "nix").stderr
    assert "name a FOLDER" in program.run("predict").stderr


def test_a_module_without_arguments_needs_no_marshmallow(programs: Programs, tmp_path: Path) -> None:
    code = "def predict():\n    import deepaas\n    return deepaas.__version__\n"
    program = programs.with_packages("", installed(tmp_path, code, ""))

    assert program.predict("--module", "oddly") == "2.6.0"
