"""The container program for Node.js, spoken to as a platform does."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deepwhisk.cli.ports import hold_any
from deepwhisk.sockets import number
from fixtures.node import NodeContainer, a_node_container, needs_node

pytestmark = needs_node

SENTINEL = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"


@pytest.fixture
def container(tmp_path: Path) -> Iterator[NodeContainer]:
    with a_node_container(tmp_path) as container:
        yield container


def result(container: NodeContainer, code: str, value: Any = None, main: str = "main") -> Any:
    """What a new action gives."""
    assert container.init(code, main=main) == (200, {"OK": True})
    status, answer = container.run(value)
    assert status == 200
    return answer


@pytest.mark.parametrize(
    ("code", "main"),
    [
        ("function main(a) { return {got: a.x} }", "main"),
        ("const main = ({x}) => ({got: x})", "main"),
        ("async function main(a) { return {got: a.x} }", "main"),
        ("'use strict'; let main = a => new Promise(r => setTimeout(() => r({got: a.x}), 5))", "main"),
        ("exports.main = a => ({got: a.x})", "main"),
        ("exports.f = a => ({got: a.x})", "f"),
        ("module.exports = {main: a => ({got: a.x})}", "main"),
        ("function niam(a) { return {got: a.x} } // no line end", "niam"),
        ("const lib = {main: a => ({got: a.x})}", "lib.main"),
        ("exports.lib = {inner: {main: a => ({got: a.x})}}", "lib.inner.main"),
        ("function main() { throw 1 }\nfunction main(a) { return {got: a.x} }", "main"),
        (
            "const {basename} = require('path'); function main(a) { return {got: +basename('/' + a.x)} }",
            "main",
        ),
    ],
)
def test_main_is_found_however_it_is_written(container: NodeContainer, code: str, main: str) -> None:
    assert result(container, code, {"x": 1}, main) == {"got": 1}


@pytest.mark.parametrize(
    ("code", "status", "answer"),
    [
        ("return undefined", 200, {}),
        ("", 200, {}),
        ("return Promise.resolve()", 200, {}),
        ("return null", 200, None),
        ("return [1, 2]", 200, [1, 2]),
        ("return Promise.resolve([1])", 200, [1]),
        ("return 's'", 502, {"error": "The action did not return a dictionary."}),
        ("return 7", 502, {"error": "The action did not return a dictionary."}),
        ("return true", 502, {"error": "The action did not return a dictionary."}),
        ("return main", 502, {"error": "The action did not return a dictionary."}),
        ("return {error: 'e', more: 1}", 200, {"error": "e", "more": 1}),
        ("return Promise.reject('no')", 200, {"error": "no"}),
        ("return Promise.reject({a: 1})", 200, {"error": {"a": 1}}),
        ("return Promise.reject()", 200, {"error": {}}),
        ("throw new Error('bang')", 502, {"error": "An error has occurred: Error: bang"}),
        ("throw 'text'", 502, {"error": "An error has occurred: text"}),
        (
            "return {n: 1n}",
            502,
            {"error": "An error has occurred: TypeError: Do not know how to serialize a BigInt"},
        ),
        ("return {text: 'Grüße 🌍'}", 200, {"text": "Grüße 🌍"}),
    ],
)
def test_what_comes_of_a_call(container: NodeContainer, code: str, status: int, answer: Any) -> None:
    assert container.init(f"function main() {{ {code} }}")[0] == 200

    assert container.run() == (status, answer)


def test_a_rejected_error_is_told_with_its_stack(container: NodeContainer) -> None:
    code = "async function main() { throw Object.assign(new TypeError('bad'), {code: 7}) }"

    error = result(container, code)["error"]

    assert (error["name"], error["message"], error["code"]) == ("TypeError", "bad", 7)
    assert "index.cjs:1" in error["stack"]


@pytest.mark.parametrize(
    ("code", "main", "reason"),
    [
        ("function main( {", "main", "SyntaxError: "),
        ("var x = 1", "main", "Action entrypoint 'main' is not a function."),
        ("exports.main = 1", "main", "Action entrypoint 'main' is not a function."),
        ("function main() {}", "other.name", "Action entrypoint 'other.name' is not a function."),
        (
            "function main() {}",
            "main; process.exit()",
            "Action entrypoint 'main; process.exit()' is not a function.",
        ),
        ("throw new Error('at once')", "main", "Error: at once\n"),
        ("require('no-such-module')", "main", "Error: Cannot find module 'no-such-module'"),
    ],
)
def test_an_init_that_fails_says_why_and_another_may_follow(
    container: NodeContainer, code: str, main: str, reason: str
) -> None:
    status, answer = container.init(code, main=main)

    assert status == 502
    assert answer["error"].startswith(f"Initialization has failed due to: {reason}")
    assert result(container, "function main() { return {ok: 1} }") == {"ok": 1}


def test_a_syntax_error_names_its_line(container: NodeContainer) -> None:
    _, answer = container.init("function main() {\n  return {};\n}\nlet = ;")

    assert re.search(r"SyntaxError: .*\n    at \S+index\.cjs:4$", answer["error"])


def test_a_second_init_is_refused_and_ends_no_log(container: NodeContainer) -> None:
    result(container, "function main() { return {n: 1} }")
    before = container.printed()

    assert container.init("function main() {}") == (
        403,
        {"error": "Cannot initialize the action more than once."},
    )
    assert container.printed() == before
    assert container.run() == (200, {"n": 1})


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("POST", "/run", b"{}", 403, "System not initialized."),
        ("POST", "/init", b'{"value": {}}', 403, "Missing main/no code to execute."),
        ("POST", "/init", b'{"value": {"code": ""}}', 403, "Missing main/no code to execute."),
        ("POST", "/init", b"{}", 403, "Missing main/no code to execute."),
        ("POST", "/init", b"{", 400, "Error unmarshaling request: "),
        ("POST", "/run", b"[]", 400, "Error unmarshaling request: "),
        ("POST", "/run", b"null", 400, "Error unmarshaling request: "),
        ("POST", "/run", b"", 400, "Error unmarshaling request: "),
        ("GET", "/run", b"", 405, "/run takes POST, not GET."),
        ("POST", "/other", b"", 404, "There is no /other here"),
        ("POST", "/__proto__", b"", 404, "There is no /__proto__ here"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    container: NodeContainer, method: str, path: str, body: bytes, status: int, error: str
) -> None:
    answered, answer = container.send(method, path, body)

    assert (answered, str(answer["error"])[: len(error)]) == (status, error)


def test_variables_come_with_init_and_run(container: NodeContainer) -> None:
    code = "const early = process.env.__OW_NAMESPACE; function main() { return {early, ...process.env} }"
    container.init(code, env={"__OW_NAMESPACE": "guest", "own": {"a": 1}})

    _, shown = container.run({}, activation_id="a1", deadline="17", api_key="k", action_name="/guest/a")

    assert shown["early"] == "guest"
    assert shown["own"] == '{"a":1}'
    names = ("__OW_ACTIVATION_ID", "__OW_DEADLINE", "__OW_API_KEY", "__OW_ACTION_NAME")
    assert [shown[name] for name in names] == ["a1", "17", "k", "/guest/a"]


def test_what_is_printed_ends_with_a_line_on_both_streams(container: NodeContainer) -> None:
    code = "function main(a) { console.log('out', a.n); console.error('err'); process.stdout.write('open') }"
    container.init(code)

    container.run({"n": 1})
    container.run({"n": 2})

    assert container.printed() == ["out 1", f"open{SENTINEL}", "out 2", f"open{SENTINEL}"]
    assert container.printed("stderr") == ["err", SENTINEL] * 2


def test_a_failed_init_ends_its_log_and_a_good_one_does_not(container: NodeContainer) -> None:
    container.init("console.log('first'); exports.x = 1")
    container.init("console.log('second'); function main() {}")

    assert container.printed() == ["first", SENTINEL, "second"]
    why = "Error during initialization: Action entrypoint 'main' is not a function."
    assert container.printed("stderr") == [why, SENTINEL]


def test_an_action_keeps_its_state_and_its_time_between_calls(container: NodeContainer) -> None:
    container.init(
        "let n = 0; setInterval(() => {}, 1000); function main() { return {n: ++n, cwd: process.cwd()} }"
    )

    answers = [container.run()[1] for _ in range(3)]

    assert [answer["n"] for answer in answers] == [1, 2, 3]
    assert Path(answers[0]["cwd"]).parent == container.folder


def test_a_large_argument_comes_back_whole(container: NodeContainer) -> None:
    text = "ä" * (1 << 20)

    assert result(container, "function main(a) { return a }", {"text": text}) == {"text": text}


def test_calls_overlap_where_the_platform_lets_them(tmp_path: Path, container: NodeContainer) -> None:
    """Each waits for the other."""
    container.init("""
const waiting = [];
function main() {
  return new Promise((done) => {
    waiting.push(done);
    if (waiting.length === 2) for (const each of waiting) each({n: 2});
  });
}
""")
    body = json.dumps({"value": {}}).encode()
    with socket.socket(socket.AF_UNIX) as other:
        other.settimeout(60)
        other.connect(str(tmp_path / "door"))
        other.sendall(b"POST /run HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

        assert container.run() == (200, {"n": 2})
        assert other.recv(1 << 16).endswith(b'{"n":2}')


@pytest.mark.parametrize("body", [{}, {"value": None}])
def test_a_call_without_a_value_gets_an_empty_one(container: NodeContainer, body: Any) -> None:
    container.init("function main(a) { return {got: a} }")

    assert container.send("POST", "/run", json.dumps(body).encode()) == (200, {"got": {}})


def test_an_array_is_passed_on_as_it_is(container: NodeContainer) -> None:
    assert result(container, "function main(a) { return a.concat(3) }", [1, 2]) == [1, 2, 3]


def test_a_client_that_goes_away_leaves_the_next_one_in_peace(
    tmp_path: Path, container: NodeContainer
) -> None:
    container.init("function main() { return {ok: 1} }")
    for sent in (
        b"POST /run HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{",
        b"POST constructor HTTP/1.1\r\n\r\n",
    ):
        with socket.socket(socket.AF_UNIX) as gone:
            gone.connect(str(tmp_path / "door"))
            gone.sendall(sent)

    assert container.run() == (200, {"ok": 1})
    assert container.process.poll() is None


def test_it_listens_on_a_port_as_a_container_does(tmp_path: Path) -> None:
    with hold_any("127.0.0.1") as held, a_node_container(tmp_path, str(number(held))) as container:
        assert result(container, "function main(a) { return a }", {"x": 1}) == {"x": 1}


def test_it_ends_when_told(container: NodeContainer) -> None:
    container.process.terminate()

    assert container.process.wait(60) == 0


def test_an_answer_says_what_its_call_used(container: NodeContainer) -> None:
    container.init("function main() { let n = 0; for (let i = 0; i < 5e7; i++) n += i; return {n} }")
    container.connection.request("POST", "/run", json.dumps({"value": {}}))
    answer = container.connection.getresponse()
    answer.read()

    found = re.fullmatch(r"cpu=(\d+\.\d{6}), memory=(\d+)", answer.headers["X-Deepwhisk-Usage"])
    assert found is not None
    assert float(found[1]) > 0.005  # processor time
    assert int(found[2]) > 20_000_000


def test_a_package_that_was_installed_for_everybody_can_be_required(container: NodeContainer) -> None:
    container.init("function main() { return { paths: require('node:module').globalPaths } }")
    assert "/usr/local/lib/node_modules" in container.run()[1]["paths"]
