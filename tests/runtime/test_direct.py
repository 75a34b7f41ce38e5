"""A plain prediction is answered without Flask and past Waitress's threads; no client can tell."""

import base64
import contextlib
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from waitress import wasyncore
from waitress.server import create_server

from deepwhisk_runtime import quick
from deepwhisk_runtime.activation import Activation
from deepwhisk_runtime.call import ModelAction
from deepwhisk_runtime.direct import RECENT, Direct
from deepwhisk_runtime.quick import Quick, channel_of
from deepwhisk_runtime.rest import create_app
from deepwhisk_runtime.service import Provision, load
from fixtures.machine import until
from runtime.served import Served, serving

SOURCE = '''"""Answers in every way."""
import time
from pathlib import Path
from typing import Annotated, Any
from pydantic import Field
from werkzeug.exceptions import HTTPException, ImATeapot

class Odd(HTTPException):
    code = 599

ANSWERS = {
    "text": "ünï",
    "null": None,
    "inside": {"none": None},
    "nan": float("nan"),
    "bytes": b"\\x00\\xff",
    "large": "x" * 3_000_000,
    "set": {1},
    "object": object(),
}

class Model:
    def predict(
        self, what: str = "text", number: Annotated[int, Field(ge=1, le=9)] = 3, file: bytes | None = None
    ) -> Any:
        if what == "raise":
            raise ValueError("no")
        if what in ("teapot", "odd"):
            raise ImATeapot("short") if what == "teapot" else Odd("odd")
        if what == "sleep":
            time.sleep(0.05)
        if what == "json":
            path = Path(__file__).with_name("answer.json")
            path.write_text("[1]")
            return path
        return ANSWERS.get(what, [what, number, file and len(file)])
'''
TYPED = '''"""Answers in two types."""
from typing import Literal

class Model:
    def predict(self, what: str = "", accept: Literal["image/png", "application/json"] = "image/png") -> dict:
        return b"PNG" if accept == "image/png" else {"what": what}
'''
PATH = "/v2/models/odd/predict/"


def post(body: bytes | str = b"{}", path: str = PATH, version: str = "1.1", **fields: str | None) -> bytes:
    """A request; a field that is None is left out."""
    content = body.encode() if isinstance(body, str) else body
    head = {"Host": "h", "Content_Type": "application/json", "Content_Length": str(len(content))} | fields
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in head.items() if value is not None]
    return "\r\n".join([f"POST {path} HTTP/{version}", *lines, "", ""]).encode() + content


SAID = [
    f'{{"what": "{what}"}}' for what in ("text", "null", "inside", "nan", "bytes", "large", "set", "object")
]
SAID += [f'{{"what": "{what}"}}' for what in ("raise", "teapot", "odd", "json", "ä", "\\ud800")]
SAID += [
    '{"number": 12}',
    '{"number": "4"}',
    '{"number": null}',
    '{"other": 1}',
    '{"file": "AAAA"}',
    '{"file": ""}',
]
SAID += ["[]", "1", "{", "", " ", "NaN", '{"what": NaN}', "[" * 5000, '{"what": "\\u0000"}']
REQUESTS = {
    **{each[:30] or "nothing": post(each) for each in SAID},
    "not UTF-8": post(b'{"what": "\xff"}'),
    "a large body": post(b'{"what": "%b"}' % (b"y" * 100_000)),
    "old": post(version="1.0"),
    "old, kept": post(version="1.0", Connection="keep-alive"),
    "last": post(Connection="close"),
    "kept": post(Connection="Keep-Alive"),
    "more of the type": post(Content_Type="application/json; charset=utf-8"),
    "loud": post(CONTENT_TYPE="Application/JSON", Content_Type=None),
    "no type": post(Content_Type=None),
    "another type": post(Content_Type="text/plain"),
    "JSON by suffix": post(Content_Type="application/x+json"),
    "a form": post("number=5", Content_Type="application/x-www-form-urlencoded"),
    "a query": post('{"number": 2}', path=f"{PATH}?number=5&what=a"),
    "no slash": post(path=PATH[:-1]),
    "escaped": post(path=PATH.replace("odd", "%6fdd")),
    "another model": post(path=PATH.replace("odd", "even")),
    "a whole address": post(path=f"http://h{PATH}"),
    "any answer": post(Accept="*/*"),
    "JSON": post('{"what": "bytes"}', Accept="application/json"),
    "a file": post('{"what": "bytes"}', Accept="application/octet-stream"),
    "a list of types": post('{"what": "bytes"}', Accept="text/html, */*;q=0.8"),
    "no type is good": post(Accept=""),
    "no length": post(Content_Length=None),
    "a bad length": post(Content_Length="two"),
    "a signed length": post(Content_Length="+2"),
    "two lengths": post().replace(b"Host: h", b"Content-Length: 2"),
    "in chunks": post(b"2\r\n{}\r\n0\r\n\r\n", Content_Length=None, Transfer_Encoding="chunked"),
    "expecting": post(Expect="100-continue"),
    "spaces": post().replace(b"Host: h", b"Host:\t h \t"),
    "a space before the colon": post().replace(b"Host: h", b"Host : h"),
    "folded": post().replace(b"Host: h", b"Host: h\r\n more"),
    "bytes in a field": post().replace(b"Host: h", b"Host: h\r\nX-Y: \xe4\x01"),
    "a field twice": post().replace(b"Host: h", b"Accept: text/html\r\nAccept: application/json"),
    "underscores": post().replace(b"Host: h", b"Content_Length: 7"),
    "a long field": post(X_Long="z" * 5000),
    "two at once": post('{"number": 1}') + post('{"number": 2}'),
    "one and a half": post('{"number": 1}') + post('{"number": 2}')[:20],
    "GET": b"GET " + post("").removeprefix(b"POST "),
}  # fmt: skip


BOUNDARY = "multipart/form-data; boundary=b"


def part(name: str, content: bytes | str, filename: str | None = None, kind: str = "") -> bytes:
    """One field of a form, or a file of it."""
    file = f'; filename="{filename}"' if filename is not None else ""
    typed = f"Content-Type: {kind}\r\n" if kind else ""
    body = content.encode() if isinstance(content, str) else content
    return (
        f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n{typed}\r\n'.encode() + body + b"\r\n"
    )


def form(*parts: bytes, end: bytes = b"--b--\r\n", **headers: str | None) -> bytes:
    """A request that posts a form."""
    return post(b"".join(parts) + end, **{"Content_Type": BOUNDARY, **headers})


UPLOADS = {
    "a file": form(part("file", b"\0\xff" * 9, "a.bin"), part("what", "given")),
    "a file and a type": form(part("file", "x", "a.txt", "text/plain"), part("what", "given")),
    "fields alone": form(part("what", "text"), part("number", "7")),
    "a field twice": form(part("number", "7"), part("number", "8")),
    "a number that is too large": form(part("number", "12")),
    "two files": form(part("file", "x", "a"), part("file", "y", "b")),
    "a file as a field": form(part("file", "aGFsbG8="), part("what", "given")),
    "an empty file": form(part("file", "", "a")),
    "a field that was left empty": form(part("file", "", "")),
    "a file for a text": form(part("what", "text", "a")),
    "what is no argument": form(part("more", "x"), part("odd", "y", "z")),
    "an answer that is a file": form(part("what", "bytes")),
    "that file alone": form(part("what", "bytes"), Accept="application/octet-stream"),
    "JSON": form(part("what", "bytes"), Accept="application/json"),
    "an answer that fails": form(part("what", "raise")),
    "a query": form(part("number", "7"), path=f"{PATH}?what=a"),
    "nothing": form(end=b""),
    "no parts": form(),
    "no end": form(part("number", "7"), end=b""),
    "no boundary": form(part("number", "7"), Content_Type="multipart/form-data"),
    "another boundary": form(part("number", "7"), Content_Type="multipart/form-data; boundary=c"),
    "a field without a name": form(b"--b\r\nContent-Disposition: form-data\r\n\r\n7\r\n"),
    "no headers": form(b"--b\r\n\r\n7\r\n"),
    "a large field": form(part("what", "y" * 600_000)),
    "a large file": form(part("file", b"y" * 600_000, "a"), part("what", "given")),
    "more than is taken here": form(part("file", b"y" * (1 << 20), "a"), part("what", "given")),
    "more parts than anybody needs": form(*[part("what", "x")] * 1200),
    "loud": form(part("number", "7"), Content_Type="Multipart/Form-Data; Boundary=b"),
}  # fmt: skip


def model(folder: Path, source: str = SOURCE) -> Any:
    folder.mkdir()
    (folder / "model.py").write_text(source)
    return load(folder, "odd", Provision())


@contextmanager
def served(app: Any, channel: Any = None) -> Iterator[int]:
    """An application on Waitress."""
    server: Any = create_server(app, host="127.0.0.1", port=0, threads=2)
    if channel:
        server.channel_class = channel
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server.effective_port
    finally:
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
        thread.join()
        server.task_dispatcher.shutdown()


class Always(Quick):
    """At once, however long it takes."""

    due = True
    answered = 0

    def answer(self, content: bytes, server: str) -> bytes:
        self.answered += 1
        return super().answer(content, server)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int, Always]]:
    """The ports of the plain application and of the direct one."""
    service = model(tmp_path_factory.mktemp("content") / "odd")
    app = create_app(service)
    at_once = Always(Direct(service, app), "")
    with served(app) as plain, served(Direct(service, app), channel_of(at_once)) as direct:
        yield plain, direct, at_once


def answer(port: int, *parts: bytes) -> bytes:
    """All that comes back, without the date: an answer for each request, unless the server closes before."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        for part in parts:
            client.sendall(part)
            time.sleep(0.01 * (len(parts) > 1))
        said, came, wanted = b"", b"-", b"".join(parts).count(b" HTTP/1.")
        while came and whole(said) < wanted:
            said += (came := client.recv(1 << 20))
    return re.sub(rb"Date: [^\r]+", b"Date:", said)


def whole(said: bytes) -> int:
    """How many answers these bytes hold whole."""
    number = 0
    while (end := said.find(b"\r\n\r\n") + 4) > 3:
        length = re.search(rb"Content-Length: (\d+)", said[:end])
        if len(said) < (end := end + int(length[1] if length else 0)):
            break
        said, number = said[end:], number + (not said.startswith(b"HTTP/1.1 100"))
    return number


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_both_answer_the_same_bytes(both: tuple[int, int, Always], request_: bytes) -> None:
    plain, direct, _ = both
    assert answer(direct, request_) == answer(plain, request_)


@pytest.mark.parametrize("request_", UPLOADS.values(), ids=UPLOADS)
def test_both_answer_the_same_bytes_to_an_upload(both: tuple[int, int, Always], request_: bytes) -> None:
    plain, direct, _ = both
    assert answer(direct, request_) == answer(plain, request_)


@pytest.mark.parametrize("at", [1, 30, 60, -1], ids=["line", "head", "fields", "body"])
def test_a_request_that_comes_in_parts_is_answered_the_same(both: tuple[int, int, Always], at: int) -> None:
    plain, direct, _ = both
    request_ = post('{"number": 5}')
    assert answer(direct, request_[:at], request_[at:]) == answer(plain, request_)


def test_the_same_connection_takes_both_ways_in_turn(both: tuple[int, int, Always]) -> None:
    plain, direct, _ = both
    get = b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n"
    parts = [post(), get, post('{"number": 7}'), post("{"), get, post('{"what": "large"}'), post()]
    assert in_turn(direct, parts) == in_turn(plain, parts)


def in_turn(port: int, parts: list[bytes]) -> list[bytes]:
    said = []
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        for part in parts:
            client.sendall(part)
            came = b""
            while not whole(came):
                came += client.recv(1 << 20)
            said.append(re.sub(rb"Date: [^\r]+", b"Date:", came))
    return said


def test_what_is_plain_does_go_the_short_way(both: tuple[int, int, Always]) -> None:
    _, direct, at_once = both
    before = at_once.answered
    for each in (post(), post(Accept="*/*"), post('{"number": 12}'), post('{"what": "raise"}')):
        answer(direct, each)
    assert at_once.answered == before + 4


def test_a_model_of_several_types_answers_the_same(tmp_path: Path) -> None:
    service = model(tmp_path / "odd", TYPED)
    app = create_app(service)
    at_once = Always(Direct(service, app), "/base")
    with served(app) as plain, served(Direct(service, app), channel_of(at_once)) as direct:
        for accept in (None, "*/*", "application/json", "image/png", "text/html"):
            for body in ("{}", '{"accept": "application/json"}', '{"accept": "x"}'):
                asked = post(body, Accept=accept)
                assert answer(direct, asked) == answer(plain, asked)


def test_below_a_path_only_that_path_is_answered_at_once(tmp_path: Path) -> None:
    at_once = Quick(Direct(model(tmp_path / "odd"), lambda environ, start: []), "/base")

    assert at_once.length(post(path=f"/base{PATH}").partition(b"\r\n\r\n")[0]) == 2
    assert at_once.length(post().partition(b"\r\n\r\n")[0]) is None


def test_only_a_model_that_is_quick_is_asked_at_once(tmp_path: Path) -> None:
    direct = Direct(model(tmp_path / "odd"), lambda environ, start: [])
    assert not direct.quick
    direct.answer(b'{"what": "sleep"}', {})
    assert not direct.quick
    for _ in range(100 * RECENT):
        direct.answer(b"{}", {})
        if direct.quick:
            break
    assert direct.quick
    direct.answer(b'{"what": "sleep"}', {})
    assert not direct.quick


def test_a_body_larger_than_what_is_allowed_is_for_the_application(tmp_path: Path) -> None:
    direct = Direct(model(tmp_path / "odd"), lambda environ, start: [], largest=10)
    environ = partial(quick.environ, PATH)
    assert direct.takes(environ({"content-type": "application/json", "content-length": "10"}))
    assert not direct.takes(environ({"content-type": "application/json", "content-length": "11"}))


SLOW = '''"""Sleeps as long as it is asked to."""
import time
from pathlib import Path

class Model:
    def predict(self, seconds: float = 0) -> str:
        if seconds:
            Path("asleep").touch()
        time.sleep(seconds)
        return "awake"
'''


def test_a_server_ends_while_a_model_that_was_quick_is_slow(tmp_path: Path) -> None:
    model(tmp_path / "odd", SLOW)
    with serving("serve", "odd", "--port", "0", cwd=tmp_path) as server:
        for _ in range(5 * RECENT):
            assert server.ask("POST", "predict/", {}).status == 200
        asking = threading.Thread(target=lambda: failing(server), daemon=True)
        asking.start()
        assert until((tmp_path / "asleep").exists, 60)
        server.process.terminate()
        assert server.process.wait(60) == 0
        asking.join()


def failing(server: Served) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):
        server.ask("POST", "predict/", {"seconds": 600})


def test_an_upload_to_a_web_action_needs_no_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ModelAction, "_whole", lambda _: pytest.fail("the application was made"))
    action = ModelAction(model(tmp_path / "odd"))
    sent = form(part("file", b"\0" * 70, "a"), part("what", "given")).partition(b"\r\n\r\n")[2]
    call = {
        "__ow_method": "post",
        "__ow_path": PATH,
        "__ow_query": "",
        "__ow_body": base64.b64encode(sent).decode(),
        "__ow_headers": {"content-type": BOUNDARY},
    }

    said = json.loads(action.run(call, Activation("a" * 32, "/guest/models/odd")))

    assert json.loads(said["body"]) == {"status": "OK", "predictions": ["given", 3, 70]}


def test_a_web_action_with_json_answers_what_the_application_does(tmp_path: Path) -> None:
    service = model(tmp_path / "odd")
    action, whole_ = ModelAction(service), ModelAction(service)
    whole_._rest = create_app(service)  # type: ignore[assignment]
    for body in SAID:
        call = {"__ow_method": "post", "__ow_path": PATH, "__ow_query": "", "__ow_body": body}
        call["__ow_headers"] = {"content-type": "application/json", "host": "h"}  # type: ignore[assignment]
        given = Activation("a" * 32, "/guest/models/odd")
        assert action.run(dict(call), given) == whole_.run(dict(call), given)
