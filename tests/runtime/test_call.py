"""Models behind `/init` and `/run`, through the real program."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from runtime.program import SENTINEL, Program, model
from runtime.web import Web

IRIS = '''"""Names an iris."""
from typing import Annotated
from pydantic import Field
class Model:
    def load(self):
        self.loads = getattr(self, "loads", 0) + 1
    def predict(self, petal: Annotated[float, Field(ge=0, le=10)], top: int = 3) -> dict:
        return {"petal": petal, "top": top, "loads": self.loads}
'''
FILE = '''"""Looks at files."""
from pathlib import Path
import os
def predict(file: Path, more: list[Path] = [], text: str = "") -> dict:
    if text == "raise": raise ValueError("no")
    if text == "move": file.rename(file.with_name("moved"))
    if text == "beside": file.with_name("index").mkdir()
    if text: return text
    return {"name": file.name, "size": file.stat().st_size, "more": [p.name for p in more],
            "there": file.exists()}
'''
FAULTY = '''"""Fails on demand."""
import os, sys, math, numpy
def predict(how: str, n: int = 0):
    if how == "raise": raise ValueError("kaput")
    if how == "silent": raise KeyError()
    if how == "exit": sys.exit(3)
    if how == "die": os._exit(9)
    if how == "nan": return {"scores": [0.5, math.nan]}
    if how == "array": return numpy.array([1.0, numpy.nan])
    if how == "nothing": return None
    if how == "object": return {"x": object()}
    if how == "list": return [1, 2]
    if how == "text": return "words"
    if how == "bytes": return b"abc"
    if how == "large": return {"x": "y" * n}
    if how == "file": return {"plot": b"z" * n, "n": n}
    if how == "print": print("x" * n)
    return {"fine": True}
'''


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A container whose model looks at files."""
    with Program(tmp_path_factory.mktemp("viewer")) as program:
        assert program.init(model(FILE))[0] == 200
        yield program


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A container whose model fails on demand, but never dies."""
    with Program(tmp_path_factory.mktemp("faulty")) as program:
        assert program.init(model(FAULTY))[0] == 200
        yield program


def fault(container: Program, value: Any, **members: Any) -> Any:
    result = container.result(value, **members)
    assert set(result) == {"error"}
    return result["error"]


def test_a_model_is_loaded_once_and_called(container: Program) -> None:
    assert container.init(model(IRIS)) == (200, {"ok": True})
    assert container.run({"petal": 1.5}) == (200, {"petal": 1.5, "top": 3, "loads": 1})
    assert container.result({"petal": "2", "top": "7"}) == {"petal": 2.0, "top": 7, "loads": 1}
    assert container.stdout == (SENTINEL + "\n") * 2


def test_arguments_that_do_not_fit_are_named_and_the_next_call_works(container: Program) -> None:
    container.init(model(IRIS))
    assert fault(container, {"petal": 99, "tops": 1}, activation_id="a7") == {
        "message": "petal: Input should be less than or equal to 10 (got 99)",
        "phase": "arguments",
        "field": "petal",
        "activation": "a7",
        "status": 422,
        "fields": {
            "petal": ["Input should be less than or equal to 10 (got 99)"],
            "tops": ["There is no such argument; there are: petal, top."],
        },
    }
    assert container.result({"petal": 1})["petal"] == 1


def test_members_of_the_platform_are_no_arguments_and_the_event_is_carried_on(container: Program) -> None:
    container.init(model(IRIS))
    event = {"id": "e", "key": "ä b+%.jpg"}
    result = container.result({"petal": 1, "$event": event, "$other": 1, "__ow_user": "x"})
    assert result == {"petal": 1.0, "top": 3, "loads": 1, "$event": event}


@pytest.mark.parametrize("code", [b"\x00", "text"])
def test_the_payload_has_to_be_an_object(container: Program, code: Any) -> None:
    container.init(model(IRIS))
    status, answer = container.run([1])
    assert status == 400
    assert answer["error"]["phase"] == "arguments"


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (
            "raise",
            {"message": "predict raised ValueError: kaput", "phase": "predict", "cause": "ValueError: kaput"},
        ),
        ("silent", {"message": "predict raised KeyError", "phase": "predict", "cause": "KeyError"}),
        (
            "exit",
            {
                "message": "predict ended the program: sys.exit(3).",
                "phase": "predict",
                "cause": "SystemExit: 3",
            },
        ),
        (
            "nan",
            {"message": "scores[1] is nan, which JSON cannot hold.", "phase": "result", "field": "scores[1]"},
        ),
        ("array", {"message": "[1] is nan, which JSON cannot hold.", "phase": "result", "field": "[1]"}),
        (
            "nothing",
            {"message": "predict returned nothing (None); it has to return its answer.", "phase": "result"},
        ),
        (
            "object",
            {
                "message": "x is of type builtins.object, which JSON cannot hold.",
                "phase": "result",
                "field": "x",
            },
        ),
    ],
)
def test_a_model_that_fails_tells_cause_phase_and_activation_and_the_next_call_works(
    faulty: Program, how: str, expected: dict[str, Any]
) -> None:
    assert fault(faulty, {"how": how}) == expected | {"activation": "a1"}
    assert faulty.result({"how": "well"}) == {"fine": True}


def test_what_the_types_of_a_model_raise_names_its_phase(container: Program) -> None:
    source = (
        "from typing import Annotated\nfrom pydantic import AfterValidator, BaseModel, model_serializer\n"
        "def odd(x): return {}[x]\n"
        "class Out(BaseModel):\n    @model_serializer\n    def write(self): raise OSError('full')\n"
        "def predict(x: Annotated[int, AfterValidator(odd)] = 1): return Out()"
    )
    container.init(model(source))
    told = fault(container, {"x": 1})
    assert (told["phase"], told["cause"]) == ("arguments", "KeyError: 1")
    told = fault(container, {})
    assert told["phase"] == "result"
    assert "full" in told["cause"]


def test_a_traceback_goes_to_the_log(container: Program) -> None:
    container.init(model(FAULTY))
    container.run({"how": "raise"})
    assert "ValueError: kaput" in container.stderr
    assert "model.py" in container.stderr
    assert "deepwhisk_runtime" not in container.stderr


def test_a_model_that_kills_its_process_ends_the_connection(container: Program) -> None:
    container.init(model(FAULTY))
    with pytest.raises(ConnectionError):
        container.run({"how": "die"})


def test_lists_pass_and_other_values_are_boxed(faulty: Program) -> None:
    assert faulty.result({"how": "list"}) == [1, 2]
    assert faulty.result({"how": "text"}) == {"result": "words"}
    assert faulty.result({"how": "bytes"})["$bytes"] == "YWJj"
    assert faulty.result({"how": "list", "$event": {"id": 1}}) == {"result": [1, 2], "$event": {"id": 1}}
    assert faulty.result({"how": "text", "$event": {"id": 1}}) == {"result": "words", "$event": {"id": 1}}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def predict(x:", "SyntaxError"),
        ("import no_such\ndef predict(): ...", "No module named 'no_such'"),
        (
            "class Model:\n    def load(self): raise OSError('no weights')\n    def predict(self): ...",
            "OSError: no weights",
        ),
        ("import sys\nsys.exit(1)\ndef predict(): ...", "SystemExit: 1"),
        ("class Model: ...", "has no method `predict`"),
        ("class Model:\n    def load(self, gpu): ...\n    def predict(self): ...", "load asks for 'gpu'"),
        ("def predict(x: 'Unknown'): ...", "NameError: name 'Unknown' is not defined"),
    ],
)
def test_a_model_that_cannot_be_loaded_fails_init_with_its_cause(
    container: Program, source: str, said: str
) -> None:
    status, answer = container.init(model(source))
    assert status == 502
    error = answer["error"]
    assert (error["phase"], error["activation"]) == ("load", "a0")
    assert said in error["message"] + error.get("cause", "")
    assert container.stderr.endswith(SENTINEL + "\n")


def test_load_gets_what_it_asks_for_by_name(tmp_path: Any) -> None:
    source = (
        "class Model:\n    def load(self, weights, artifact=None): self.seen = [weights.name, artifact]\n"
        "    def predict(self): return self.seen"
    )
    with Program(tmp_path, DEEPWHISK_WEIGHTS=str(tmp_path / "w")) as container:
        assert container.init(model(source))[0] == 200
        assert container.result() == ["w", None]


def test_weights_that_were_not_made_are_said(container: Program) -> None:
    source = "class Model:\n    def load(self, weights): ...\n    def predict(self): ..."
    status, answer = container.init(model(source, **{"build.py": ""}))
    assert status == 502
    assert "DEEPWHISK_WEIGHTS" in answer["error"]["message"]


def test_the_key_of_the_namespace_is_not_where_a_model_finds_it(container: Program) -> None:
    container.init(model("import os\ndef predict(): return dict(os.environ)"), __OW_API_KEY="u:secret-one")
    seen = container.result(api_key="u:secret-two")
    assert seen["__OW_ACTIVATION_ID"] == "a1"
    assert "secret-" not in str(seen)


@pytest.mark.parametrize(
    "value",
    [
        "aGVsbG8=",
        "aGVsbG8",
        "aGVs\nbG8=",
        "data:text/plain;base64,aGVsbG8=",
        "data:text/plain;charset=utf-8;base64,aGVsbG8=",
        {"$bytes": "aGVsbG8=", "contentType": "text/plain", "filename": "a.txt"},
    ],
)
def test_a_file_arrives_in_many_forms(viewer: Program, value: Any) -> None:
    result = viewer.result({"file": value})
    assert (result["size"], result["there"]) == (5, True)
    assert viewer.leftovers() == []


def test_a_file_keeps_its_name_and_never_leaves_its_folder(viewer: Program) -> None:

    def name(filename: str, content_type: str = "") -> str:
        value = {"$bytes": "aGVsbG8=", "filename": filename, "contentType": content_type}
        return str(viewer.result({"file": value})["name"])

    assert name("ä 漢字+%.jpg") == "ä 漢字+%.jpg"
    assert name("../../etc/passwd") == "_.._etc_passwd"
    assert name("", "image/png") == "file.png"
    assert name("..") == "file"
    assert name("x" * 1000 + ".jpg").endswith("x.jpg")


def test_several_files_arrive_as_a_list(viewer: Program) -> None:
    more = [{"$bytes": "YQ==", "filename": "a"}, {"$bytes": "Yg==", "filename": "a"}]
    assert viewer.result({"file": "YQ==", "more": more})["more"] == ["a", "a"]
    assert viewer.leftovers() == []


@pytest.mark.parametrize("done", ["move", "beside"])
def test_what_a_model_does_in_the_folder_of_a_file_goes_with_it(viewer: Program, done: str) -> None:
    assert viewer.result({"file": "YQ==", "text": done}) == {"result": done}
    assert viewer.leftovers() == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("not base64!", "Neither a link nor base64"),
        ("ftp://host/file", "Only http and https links are followed"),
        ("file:///etc/passwd", "Only http and https links are followed"),
        ("/etc/passwd.txt", "Neither a link nor base64"),
        ("data:text/plain,hello", "not in base64"),
        (5, "A file is expected"),
        ({"a": 1}, "A file is expected"),
        ({"$object": {"bucket": "b", "key": "k"}}, "The reference to b/k carries no http(s) link"),
        ({"$object": {"bucket": "b", "key": "k", "url": "file:///etc/passwd"}}, "carries no http(s) link"),
        ({"$bytes": 7}, "Base64 is a text (got int)"),
        ("", "The file is empty (0 bytes)"),
        ("http://127.0.0.1:9/none?X-Amz-Signature=hidden", "cannot be reached"),
    ],
)
def test_what_is_no_file_is_refused_and_nothing_stays(viewer: Program, value: Any, said: str) -> None:
    error = fault(viewer, {"file": value})
    assert error["status"] == 422
    assert said in error["fields"]["file"][0]
    assert "hidden" not in str(error)
    assert viewer.leftovers() == []


def test_a_reference_is_fetched(viewer: Program, web: Web) -> None:
    url = web.page("/photos/x", b"12345", Content_Type="image/jpeg") + "?X-Amz-Signature=s"
    reference = {"bucket": "photos", "key": "2026/a b+ä.jpg", "url": url, "contentType": "image/jpeg"}
    assert viewer.result({"file": {"$object": reference}})["name"] == "a b+ä.jpg"
    assert viewer.result({"file": web.url + "/photos/x"}) == {
        "name": "x.jpg",
        "size": 5,
        "more": [],
        "there": True,
    }
    assert viewer.leftovers() == []


def test_a_link_that_has_expired_is_said(viewer: Program, web: Web) -> None:
    body = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    url = web.page("/photos/x", body, status=403)
    error = fault(
        viewer, {"file": {"$object": {"bucket": "photos", "key": "x", "url": url + "?X-Amz-Signature=s"}}}
    )
    assert "the link to http" in error["message"]
    assert "has expired; make a new one" in error["message"]
    assert "Signature" not in error["message"]


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (404, {}, "there is nothing at"),
        (403, {}, "answers 403"),
        (500, {}, "answers 500"),
        (302, {"Location": "file:///etc/passwd"}, "is not allowed"),
        (302, {"Location": "ftp://127.0.0.1:9/x"}, "cannot be"),
        (200, {"Content-Length": "100"}, "broke off after 4 of 100 bytes"),
    ],
)
def test_a_link_that_cannot_be_followed_is_said(
    viewer: Program, web: Web, status: int, headers: dict[str, str], said: str
) -> None:
    url = web.page(
        "/x", b"body", status=status, **{name.replace("-", "_"): each for name, each in headers.items()}
    )
    assert said in fault(viewer, {"file": url})["message"]
    assert viewer.leftovers() == []


def test_a_model_that_raises_leaves_no_file(viewer: Program) -> None:
    assert fault(viewer, {"file": "YQ==", "text": "raise"})["phase"] == "predict"
    assert viewer.leftovers() == []


def test_bytes_and_images_arrive_as_such(container: Program) -> None:
    source = (
        "from PIL import Image\ndef predict(raw: bytes, image: Image.Image):\n"
        "    return {'raw': len(raw), 'size': image.size, 'turned': image.rotate(90, expand=True)}"
    )
    container.init(model(source))
    stream = io.BytesIO()
    Image.new("RGB", (4, 3)).save(stream, "JPEG")
    result = container.result({"raw": "YWI=", "image": base64.b64encode(stream.getvalue()).decode()})
    assert (result["raw"], result["size"], result["turned"]["contentType"]) == (2, [4, 3], "image/png")
    half = base64.b64encode(stream.getvalue()[:300]).decode()
    for broken in (half, base64.b64encode(b"a text file named .jpg").decode()):
        error = fault(container, {"raw": "YWI=", "image": broken})
        assert "No image can be read from" in error["fields"]["image"][0]


def large(container: Program, web: Web, value: dict[str, Any]) -> Any:
    container.init(model(FAULTY), __OW_API_HOST=web.url)
    return container.result(value, api_key="u:k")


def test_a_large_result_leaves_as_a_reference(container: Program, web: Web) -> None:
    result = large(container, web, {"how": "large", "n": 600_000, "$event": {"id": "e"}})
    assert result["$object"]["url"].endswith("/get/k?signed")
    assert result["$event"] == {"id": "e"}
    assert web.puts == [b'{"x":"' + b"y" * 600_000 + b'"}']
    assert web.sent[0][2]["authorization"] == "Basic dTpr"
    assert web.sent[1][2]["content-type"] == "application/json"
    assert "authorization" not in web.sent[1][2]


def test_a_large_file_in_an_answer_leaves_as_a_reference(container: Program, web: Web) -> None:
    result = large(container, web, {"how": "file", "n": 400_000})
    assert result["n"] == 400_000
    assert result["plot"]["$object"]["contentType"] == "application/octet-stream"
    assert web.puts == [b"z" * 400_000]


def test_a_small_result_goes_nowhere_else(container: Program, web: Web) -> None:
    assert large(container, web, {"how": "file", "n": 10})["plot"]["$bytes"]
    assert web.sent == []


def test_when_the_store_fails_what_fits_a_message_stays_and_more_is_an_error(
    container: Program, web: Web
) -> None:
    web.refuses = 502
    assert len(large(container, web, {"how": "large", "n": 600_000})["x"]) == 600_000
    error = container.result({"how": "large", "n": 2_000_000}, api_key="u:k")["error"]
    assert error["phase"] == "result"
    assert "could not be put into the store: 502" in error["message"]
    assert container.result({"how": "well"}) == {"fine": True}


def test_without_a_key_a_large_result_stays_as_it_is(container: Program) -> None:
    container.init(model(FAULTY))
    assert len(container.result({"how": "large", "n": 600_000})["x"]) == 600_000


def test_flask_is_not_imported_for_calls_that_do_not_come_through_the_web(container: Program) -> None:
    container.init(
        model(
            "import sys\ndef predict(): return {n: n in sys.modules for n in ('flask', 'yaml', 'requests')}"
        )
    )
    assert container.result() == {"flask": False, "yaml": False, "requests": False}
