"""What OpenWhisk's own suite for containers expects of every runtime, of both of ours."""

import io
import json
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures.docker import PYTHON_IMAGE, DockerHost, ImageContainer
from fixtures.engine import wait_until
from fixtures.node import NODE, NodeContainer, a_node_container
from fixtures.udocker import ByHand, UdockerHost
from runtime.program import SENTINEL, Program

CONTEXT = ("api_host", "api_key", "namespace", "action_name", "action_version", "activation_id", "deadline")


@dataclass(frozen=True)
class Runtime:
    """A container of one language, and the code of its actions."""

    container: Program | NodeContainer | ImageContainer | ByHand
    language: str
    holds_model: bool = False

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        if isinstance(self.container, NodeContainer):
            return self.container.send("POST", path, json.dumps(body).encode())
        return self.container.post(path, body)

    def init(
        self, code: str, main: str = "main", binary: bool = False, env: dict[str, Any] | None = None
    ) -> tuple[int, Any]:
        value = {"code": code, "main": main, "binary": binary}
        return self.post("/init", {"value": value if env is None else {**value, "env": env}})

    def run(self, value: Any = None, **others: str) -> tuple[int, Any]:
        return self.post("/run", {"value": {} if value is None else value, **others})

    def logs(self, sentinels: int) -> tuple[str, str]:
        """What was printed on each stream without the lines that end a log, of which there are so many."""
        streams = wait_until(lambda: self._streams(sentinels))
        assert [stream.count(SENTINEL) for stream in streams] == [sentinels, sentinels]
        out, err = (stream.replace(SENTINEL, "").strip() for stream in streams)
        return out, err

    def _streams(self, sentinels: int) -> list[str] | None:
        """A daemon hands on what was printed a moment later."""
        folder = self.container.folder
        streams = [(folder / name).read_text() for name in ("stdout", "stderr")]
        return streams if all(stream.count(SENTINEL) >= sentinels for stream in streams) else None

    def code(self, name: str) -> str:
        return CODE[name][self.language == "nodejs"]


CODE = {
    "echo": ("def main(args):\n    return args\n", "function main(args) { return args }"),
    "niam": ("def niam(args):\n    return args\n", "function niam(args) { return args }"),
    "text": ("def main(args):\n    return 'no object'\n", "function main(args) { return 'no object' }"),
    "talk": (
        "import sys\ndef main(args):\n    print('hello stdout')\n"
        "    print('hello stderr', file=sys.stderr)\n    return args\n",
        "function main(args) { console.log('hello stdout'); console.error('hello stderr'); return args }",
    ),
    "snow": (
        "def main(args):\n    text = args['delimiter'] + ' ☃ ' + args['delimiter']\n"
        "    print(text)\n    return {'winter': text}\n",
        "function main(args) { const text = args.delimiter + ' ☃ ' + args.delimiter; "
        "console.log(text); return { winter: text } }",
    ),
    "context": (
        f"import os\ndef main(args):\n    return {{n: os.environ['__OW_' + n.upper()] for n in {CONTEXT}}}\n",
        f"function main() {{ return Object.fromEntries({json.dumps(CONTEXT)}.map("
        "name => [name, process.env['__OW_' + name.toUpperCase()]])) }",
    ),
    "early": (
        "import os\nfound = {n: os.environ[n] for n in ('SOME_VAR', 'ANOTHER_VAR', 'NUMBER', 'OBJECT')}\n"
        "def main(args):\n    return found\n",
        "const found = Object.fromEntries(['SOME_VAR', 'ANOTHER_VAR', 'NUMBER', 'OBJECT'].map("
        "name => [name, process.env[name]]))\nfunction main() { return found }",
    ),
    "sorry": (
        "def main(args):\n    return {'error': 'sorry'}\n",
        "function main() { return { error: 'sorry' } }",
    ),
    "basic": (' 10 PRINT "Hello!"\n 20 GOTO 10\n', ' 10 PRINT "Hello!"\n 20 GOTO 10\n'),
    "needs": (
        "import iamnotsupported\ndef main(args):\n    return {}\n",
        "require('.iamnotsupported'); function main() { return {} }",
    ),
    "array": ("def main(args):\n    return [args, 1]\n", "function main(args) { return [args, 1] }"),
}


IN_DOCKER = pytest.mark.xdist_group("docker")
IN_UDOCKER = pytest.mark.xdist_group("udocker")


@pytest.fixture(
    params=[
        "python",
        "nodejs",
        pytest.param("image", marks=IN_DOCKER),
        pytest.param("model image", marks=IN_DOCKER),
        pytest.param("P1 of uDocker", marks=IN_UDOCKER),
        pytest.param("P2 of uDocker, with a model", marks=IN_UDOCKER),
    ]
)
def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    if request.param.endswith("image"):
        docker: DockerHost = request.getfixturevalue("docker")
        image = PYTHON_IMAGE if request.param == "image" else request.getfixturevalue("model_image")
        with docker.running(image, tmp_path, __OW_API_HOST="xyz") as container:
            yield Runtime(container, "python", request.param == "model image")
    elif "uDocker" in request.param:
        udocker: UdockerHost = request.getfixturevalue("udocker")
        model = request.param.endswith("model")
        image = request.getfixturevalue("udocker_model_image") if model else PYTHON_IMAGE
        with udocker.running(image, tmp_path, request.param[:2], __OW_API_HOST="xyz") as by_hand:
            yield Runtime(by_hand, "python", model)
    elif request.param == "nodejs":
        if NODE is None:
            pytest.skip("there is no node on PATH: apt-get install nodejs, or take one from nodejs.org")
        with a_node_container(tmp_path, __OW_API_HOST="xyz") as node:
            yield Runtime(node, "nodejs")
    else:
        with Program(tmp_path, __OW_API_HOST="xyz") as program:
            yield Runtime(program, "python")


def zipped(members: dict[str, str]) -> str:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return b64encode(held.getvalue()).decode()


def test_an_init_without_code_is_refused_unless_there_is_a_model(runtime: Runtime) -> None:
    if runtime.holds_model:
        assert runtime.init("") == (200, {"ok": True})
        assert runtime.run({"text": "Der Hund schläft unter dem Tisch."})[1]["language"] == "de"
        return
    status, _ = runtime.init("")
    assert status != 200
    status, answer = runtime.post("/init", {})
    assert status != 200
    assert answer == {"error": "Missing main/no code to execute."}


def test_a_result_that_is_no_object_is_an_error(runtime: Runtime) -> None:
    assert runtime.init(runtime.code("text"))[0] == 200
    status, answer = runtime.post("/run", {})

    assert status == 502
    assert answer["error"].startswith("The action did not return a dictionary")
    assert runtime.logs(1)[0] == ""


def test_a_second_init_is_refused_and_told_in_the_log(runtime: Runtime) -> None:
    assert runtime.init(runtime.code("echo"))[0] == 200
    status, answer = runtime.init(runtime.code("echo"))

    assert status == 403
    assert answer == {"error": "Cannot initialize the action more than once."}
    wait_until(lambda: answer["error"] in runtime.logs(0)[1])


def test_main_may_have_another_name(runtime: Runtime) -> None:
    assert runtime.init(runtime.code("niam"), "niam")[0] == 200
    assert runtime.run({"string": "hello"}) == (200, {"string": "hello"})
    assert runtime.logs(1) == ("", "")


@pytest.mark.parametrize(
    "value",
    [{"string": "hello"}, {"string": "❄ ☃ ❄"}, {"numbers": [42, 1]}, {"object": {"a": "A"}}, [1, "b"]],
)
def test_what_is_given_comes_back_and_what_is_printed_is_logged(runtime: Runtime, value: Any) -> None:
    assert runtime.init(runtime.code("talk"))[0] == 200
    assert [runtime.run(value), runtime.run(value)] == [(200, value)] * 2
    assert runtime.logs(2) == ("hello stdout\n\nhello stdout", "hello stderr\n\nhello stderr")


def test_text_of_all_the_world_passes(runtime: Runtime) -> None:
    assert runtime.init(runtime.code("snow"))[0] == 200
    assert runtime.run({"delimiter": "❄"}) == (200, {"winter": "❄ ☃ ❄"})
    assert runtime.logs(1) == ("❄ ☃ ❄", "")


def test_variables_are_there_before_the_code(runtime: Runtime) -> None:
    env = {"SOME_VAR": "xyz", "ANOTHER_VAR": "", "NUMBER": 3, "OBJECT": {"a": [1]}}
    assert runtime.init(runtime.code("early"), env=env)[0] == 200
    expected = {"SOME_VAR": "xyz", "ANOTHER_VAR": "", "NUMBER": "3", "OBJECT": '{"a":[1]}'}
    assert runtime.post("/run", {}) == (200, expected)
    assert runtime.logs(1) == ("", "")


def test_each_run_says_what_it_is(runtime: Runtime) -> None:
    told = dict(zip(CONTEXT[1:], ("abc", "zzz", "xxx", "0.0.1", "iii", "123"), strict=True))
    assert runtime.init(runtime.code("context"))[0] == 200
    assert runtime.run({}, **told) == (200, {"api_host": "xyz", **told})
    assert runtime.run({}, **{**told, "activation_id": "next"})[1]["activation_id"] == "next"


def test_a_megabyte_passes(runtime: Runtime) -> None:
    assert runtime.init(runtime.code("echo"))[0] == 200
    value = {"arg": "a" * 1048561}
    assert runtime.run(value) == (200, value)


def test_an_error_that_the_action_returns_is_its_result(runtime: Runtime) -> None:
    assert runtime.init(runtime.code("sorry"))[0] == 200
    assert runtime.run() == (200, {"error": "sorry"})
    assert runtime.logs(1) == ("", "")


def test_an_array_is_a_result(runtime: Runtime) -> None:
    assert runtime.init(runtime.code("array"))[0] == 200
    assert runtime.run([1]) == (200, [[1], 1])


@pytest.mark.parametrize("name", ["basic", "needs"])
def test_code_that_cannot_start_is_told_in_the_log(runtime: Runtime, name: str) -> None:
    assert runtime.init(runtime.code(name))[0] == 502
    out, err = runtime.logs(1)
    assert out == ""
    assert "Error" in err


def test_a_run_before_init_is_refused(runtime: Runtime) -> None:
    assert runtime.run()[0] in (403, 500)


@pytest.mark.parametrize("archive", [b"Ceci n'est pas un zip.\n", b"PK\x03\x04 neither"])
def test_what_is_no_zip_is_refused(runtime: Runtime, archive: bytes) -> None:
    status, answer = runtime.init(b64encode(archive).decode(), binary=True)

    assert status in (400, 502)
    assert answer["error"]


def test_a_zip_is_the_working_directory(runtime: Runtime) -> None:
    members = {
        "__main__.py": "def main(args):\n    return {'text': open('file').read()}\n",
        "index.js": "exports.main = () => ({ text: require('fs').readFileSync('file').toString() })",
        "file": "read me",
    }
    assert runtime.init(zipped(members), binary=True)[0] == 200
    assert runtime.run() == (200, {"text": "read me"})
    assert runtime.logs(1) == ("", "")


def test_a_zip_without_its_main_file_is_told_in_the_log(runtime: Runtime) -> None:
    assert runtime.init(zipped({"hello": "Hello world!"}), binary=True)[0] == 502
    said = {
        "python": "Zip file does not include",
        "nodejs": "Zipped actions must contain either package.json or index.js at the root.",
    }
    assert said[runtime.language] in runtime.logs(1)[1]
