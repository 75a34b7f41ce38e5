"""The container's door: connections, statuses, ends of logs."""

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from deepwhisk.cli.ports import hold_any
from deepwhisk.sockets import number
from runtime.program import RUNTIME, SENTINEL, Program

ECHO = "def main(args):\n    print('out')\n    return args"


def test_an_action_is_initialized_and_run(container: Program) -> None:
    assert container.init(ECHO) == (200, {"ok": True})
    assert container.run({"a": [1, "ä", None, 2.5]}) == (200, {"a": [1, "ä", None, 2.5]})


def test_one_connection_carries_many_calls(container: Program) -> None:
    container.init(ECHO)
    assert [container.result({"n": number})["n"] for number in range(50)] == list(range(50))


def test_several_connections_are_served_one_call_at_a_time_in_the_main_thread(container: Program) -> None:
    container.init(
        "import threading, time\nrunning = []\ndef main(args):\n"
        "    running.append(1); time.sleep(0.01); most = len(running); running.pop()\n"
        "    return {'most': most, 'main': threading.current_thread() is threading.main_thread()}"
    )
    answers = []

    def call() -> None:
        client = container.client()
        answers.extend(container.post("/run", {"value": {}}, client) for _ in range(5))
        client.close()

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [(200, {"most": 1, "main": True})] * 20


def test_a_connection_that_sends_nothing_keeps_nobody_waiting(container: Program) -> None:
    idle = container.client()
    half = container.client()
    half.sock.sendall(b"POST /run HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
    assert container.init(ECHO)[0] == 200
    idle.close()
    half.close()
    assert container.run({"a": 1}) == (200, {"a": 1})


def test_requests_that_arrive_together_are_answered_in_their_order(container: Program) -> None:
    container.init(ECHO)
    client = container.client()
    bodies = [json.dumps({"value": {"n": number}}).encode() for number in range(3)]
    client.sock.sendall(
        b"".join(b"POST /run HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(each), each) for each in bodies)
    )
    received = b""
    while received.count(b"HTTP/1.1 200") < 3 or not received.endswith(b"}\n"):
        received += client.sock.recv(65536)
    assert [f'{{"n":{number}}}' in received.decode() for number in range(3)] == [True] * 3
    client.close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST /run HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST /run HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /run HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST /run HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"POST /run HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 413),
        (b"POST /run HTTP/1.1\r\n" + b"a: b\r\n" * 20000, 431),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_and_the_next_one_answered(
    container: Program, sent: bytes, status: int
) -> None:
    client = container.client()
    client.sock.sendall(sent)
    assert client.sock.recv(65536).startswith(b"HTTP/1.1 %d " % status)
    client.close()
    assert container.init(ECHO)[0] == 200


def test_other_paths_and_methods_are_refused_with_a_sentence(container: Program) -> None:
    status, answer = container.post("/else", {})
    assert status == 404
    assert "/else" in answer["error"]
    client = container.client()
    client.request("GET", "/run")
    assert client.getresponse().status == 405
    client.close()


def test_a_client_that_waits_for_a_word_before_a_large_body_gets_it(container: Program) -> None:
    client = container.client()
    client.sock.sendall(b"POST /init HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert client.sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sock.sendall(b"{}")
    assert client.sock.recv(100).startswith(b"HTTP/1.1 403 ")
    client.close()


def test_the_log_of_each_run_ends_on_both_streams_before_the_answer(container: Program) -> None:
    container.init(ECHO)
    assert container.stdout == ""
    container.run()
    container.run()
    assert container.stdout.splitlines() == ["out", SENTINEL] * 2
    assert container.stderr.splitlines() == [SENTINEL] * 2


def test_whoever_reads_pipes_is_not_woken_by_ends_of_logs(tmp_path: Path) -> None:
    code = (
        "import os\ndef main(args):\n    print('out')\n    return {'told': os.getenv('DEEPWHISK_LOG_ENDS')}\n"
    )
    with Program(tmp_path, DEEPWHISK_LOG_ENDS="answer") as container:
        container.init(code)
        assert container.run() == (200, {"told": None})
        assert (container.stdout, container.stderr) == ("out\n", "")


def test_a_failed_init_ends_its_log_and_a_refused_second_one_does_not(container: Program) -> None:
    container.init("def main(:")
    assert container.stdout.splitlines() == [SENTINEL]
    container.init(ECHO)
    container.init(ECHO)
    assert container.stdout.splitlines() == [SENTINEL]


def test_a_second_init_is_refused(container: Program) -> None:
    container.init(ECHO)
    assert container.init(ECHO) == (403, {"error": "Cannot initialize the action more than once."})


def test_an_init_without_code_is_refused(container: Program) -> None:
    refused = (403, {"error": "Missing main/no code to execute."})
    assert container.post("/init", {"value": {"name": "a", "binary": False}}) == refused
    assert container.post("/init", {}) == refused


@pytest.mark.parametrize("path", ["/init", "/run"])
@pytest.mark.parametrize("body", [b"{bad", b"", b"[1]", b'"text"', b'{"value": "\xff\xfe"}'])
def test_a_body_that_is_no_json_object_is_refused(container: Program, path: str, body: bytes) -> None:
    if path == "/run":
        container.init(ECHO)
    status, answer = container.post(path, body)
    assert status == 400
    assert answer["error"].startswith("Error unmarshaling request: ")


def test_a_run_before_init_is_refused(container: Program) -> None:
    assert container.run() == (500, {"error": "no action defined yet"})


def test_a_body_of_two_megabytes_passes(container: Program) -> None:
    container.init(ECHO)
    assert container.result({"text": "ä" * 1_000_000}) == {"text": "ä" * 1_000_000}


def test_sigterm_ends_the_program_and_leaves_no_file(container: Program) -> None:
    container.init(ECHO)
    assert container.end() == 0
    assert list(container.temporary.iterdir()) == []


def test_sigterm_lets_the_call_under_way_end(container: Program) -> None:
    container.init(
        "import time\ndef main(args):\n    print('begun')\n    time.sleep(0.3)\n    return {'ok': 1}"
    )
    client = container.client()
    client.request("POST", "/run", "{}")
    while "begun" not in container.stdout:
        time.sleep(0.01)
    container.process.send_signal(signal.SIGTERM)
    assert json.loads(client.getresponse().read()) == {"ok": 1}
    client.close()
    assert container.process.wait(60) == 0


def test_the_program_listens_on_the_port_it_is_told(tmp_path: Path) -> None:
    held, log = hold_any("127.0.0.1"), (tmp_path / "log").open("wb")
    port = number(held)
    command = [sys.executable, "-m", "deepwhisk_runtime", "--host", "127.0.0.1", "--port", str(port)]
    with held, log, subprocess.Popen(command, cwd=RUNTIME, stdout=log, stderr=log) as process:
        try:
            assert post(port, "/init", {"value": {"code": ECHO}}) == {"ok": True}
            assert post(port, "/run", {"value": {"a": 1}}) == {"a": 1}
            second = subprocess.run(command, cwd=RUNTIME, capture_output=True, text=True, timeout=60)
            assert second.returncode == 1
            assert f"Port {port}" in second.stderr
        finally:
            process.terminate()
    assert process.returncode == 0


def post(port: int, path: str, body: object) -> object:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode())
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionError) or time.monotonic() > until:
                raise
        time.sleep(0.02)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("how", ["sys.{0}.close()", "os.close(sys.{0}.fileno())", "sys.{0} = None"])
def test_an_action_that_closes_its_streams_and_fails_is_answered_and_so_is_the_next_call(
    container: Program, how: str, stream: str
) -> None:
    code = f"import os, sys\ndef main(args):\n    if args:\n        {how.format(stream)}\n"
    container.init(f"{code}    return 1 / len(args)")

    assert container.run({"close": 1})[0] in (200, 502)
    assert container.result({}) == {"error": "division by zero"}


def test_a_body_that_is_nested_too_deep_is_refused_and_the_next_one_answered(container: Program) -> None:
    deep = b'{"value": %b1%b}' % (b"[" * 100_000, b"]" * 100_000)
    for path in ("/init", "/run"):
        assert container.post(path, deep)[0] in (400, 500)
    container.init(ECHO)
    assert container.post("/run", deep) == (
        400,
        {"error": "Error unmarshaling request: it is nested too deep"},
    )
    assert container.result({"a": 1}) == {"a": 1}
