"""The REST client against a server that answers as OpenWhisk does."""

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from deepwhisk.errors import WhiskError, WhiskUnreachable
from deepwhisk.whisk import Whisk

AUTH = "23bc46b1-71f6-4ed5-8c54-816aa4f8c502:" + "k" * 64


@dataclass
class Server:
    """Answers what a test has laid down, in order, and keeps what it was asked."""

    apihost: str = ""
    answers: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def answer(self, status: int, body: Any = None) -> None:
        self.answers.append((status, body))


def handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            server.asked.append((self.command, url.path, dict(parse_qsl(url.query)), body))
            server.headers.append(dict(self.headers))
            status, answer = server.answers.pop(0)
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(server)) as http:
        http.daemon_threads = False
        server.apihost = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        http.shutdown()
        thread.join()


@pytest.fixture
def whisk(server: Server) -> Iterator[Whisk]:
    whisk = Whisk(server.apihost, AUTH)
    yield whisk
    whisk.close()


def test_a_name_with_spaces_and_letters_is_percent_encoded(server: Server, whisk: Whisk) -> None:
    server.answer(200, {"name": "a b"})
    whisk.get("actions", "models/a b", code=False)
    assert server.asked == [("GET", "/api/v1/namespaces/_/actions/models/a%20b", {"code": "false"}, None)]


def test_a_fully_qualified_name_goes_to_its_own_namespace(server: Server, whisk: Whisk) -> None:
    server.answer(200, {"name": "alarm"})
    whisk.get("actions", "/whisk.system/alarms/alarm")
    assert server.asked[0][1] == "/api/v1/namespaces/whisk.system/actions/alarms/alarm"


def test_the_key_travels_as_basic_authentication(server: Server, whisk: Whisk) -> None:
    server.answer(200, ["guest"])
    assert whisk.namespace() == "guest"
    assert server.headers[0]["Authorization"].startswith("Basic ")


def test_an_entity_is_put_over_an_older_one(server: Server, whisk: Whisk) -> None:
    server.answer(200, {"name": "p"})
    whisk.put("packages", "p", {"publish": False})
    assert server.asked == [
        ("PUT", "/api/v1/namespaces/_/packages/p", {"overwrite": "true"}, {"publish": False})
    ]


def test_a_lost_update_is_tried_again(server: Server, whisk: Whisk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepwhisk.whisk.time.sleep", lambda _: None)
    server.answer(409, {"error": "Concurrent modification to resource detected.", "code": "t"})
    server.answer(200, {"name": "p"})
    assert whisk.put("packages", "p", {}) == {"name": "p"}


def test_another_conflict_is_not_tried_again(server: Server, whisk: Whisk) -> None:
    server.answer(409, {"error": "resource already exists", "code": "t"})
    with pytest.raises(WhiskError, match="resource already exists") as raised:
        whisk.put("packages", "p", {}, overwrite=False)
    assert (raised.value.status, raised.value.code) == (409, "t")


def test_a_list_reads_page_after_page(server: Server, whisk: Whisk) -> None:
    server.answer(200, [{"name": str(number)} for number in range(200)])
    server.answer(200, [{"name": "last"}])
    assert len(whisk.list("actions")) == 201
    assert [query["skip"] for _, _, query, _ in server.asked] == ["0", "200"]


def test_the_list_of_a_package_keeps_its_trailing_slash(server: Server, whisk: Whisk) -> None:
    server.answer(200, [])
    whisk.list("actions/models/", limit=30)
    assert server.asked[0][1:3] == ("/api/v1/namespaces/_/actions/models/", {"limit": "30"})


def test_an_invocation_always_says_whether_it_waits(server: Server, whisk: Whisk) -> None:
    server.answer(200, {"n": 1})
    assert whisk.invoke("models/iris", {"x": 1}, result=True) == {"n": 1}
    assert server.asked[0][2:] == ({"blocking": "true", "result": "true"}, {"x": 1})


def test_an_application_error_is_told_in_the_words_of_the_action(server: Server, whisk: Whisk) -> None:
    activation = {"activationId": "a1", "response": {"result": {"error": {"message": "no such image"}}}}
    server.answer(502, activation)
    with pytest.raises(WhiskError, match="no such image") as raised:
        whisk.invoke("models/iris")
    assert raised.value.body == activation
    assert raised.value.code is None


def test_a_limit_of_the_server_says_what_to_do(server: Server, whisk: Whisk) -> None:
    says = "requirement failed: memory size 1024 MB exceeds allowed threshold of 512 MB"
    server.answer(400, {"error": says, "code": "t"})
    with pytest.raises(WhiskError, match=r"1024 MB exceeds .*a limit of this server: ask for less"):
        whisk.put("actions", "a", {"limits": {"memory": 1024}})


def test_a_trigger_without_rules_fires_nothing(server: Server, whisk: Whisk) -> None:
    server.answer(204)
    server.answer(202, {"activationId": "a1"})
    assert [whisk.fire("t"), whisk.fire("t", {"a": 1})] == [None, "a1"]


def test_an_activation_is_waited_for_until_it_has_a_record(
    server: Server, whisk: Whisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepwhisk.whisk.POLL_SECONDS", 0)
    server.answer(404, {"error": "The requested resource does not exist.", "code": "t"})
    server.answer(200, {"activationId": "a1", "response": {"success": True}})
    assert whisk.finished("a1")["response"] == {"success": True}


def test_an_activation_that_does_not_end_is_told(server: Server, whisk: Whisk) -> None:
    server.answer(404, {"error": "The requested resource does not exist.", "code": "t"})
    with pytest.raises(WhiskError, match="a1 did not end within -1 s"):
        whisk.finished("a1", -1)


def test_a_dead_endpoint_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        apihost = f"http://127.0.0.1:{taken.getsockname()[1]}"
        whisk = Whisk(apihost, AUTH)
        with pytest.raises(WhiskUnreachable, match=apihost):
            whisk.namespace()
        whisk.close()


def test_an_apihost_without_a_scheme_is_https() -> None:
    assert Whisk("openwhisk.example.org", AUTH).apihost == "https://openwhisk.example.org"


def test_a_client_works_in_many_threads_at_once(server: Server, whisk: Whisk) -> None:
    for _ in range(8):
        server.answer(200, ["guest"])

    def ask(_: int) -> str:
        try:
            return whisk.namespace()
        finally:
            whisk.close()

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, range(8))) == ["guest"] * 8
