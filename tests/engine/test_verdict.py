"""What a container's answer means, in OpenWhisk's words."""

import pytest

from deepwhisk.engine import verdict
from deepwhisk.engine.container import Answer, Lost, Reply
from deepwhisk.engine.invocation import APPLICATION_ERROR, DEVELOPER_ERROR, SUCCESS

EXITED = "The action did not produce a valid response and exited unexpectedly."
INVALID = "The action did not produce a valid JSON or JSON Array response"


def answer(body: bytes, status: int = 200, length: int | None = None) -> Answer:
    return Answer(status, body, len(body) if length is None else length)


@pytest.mark.parametrize(
    ("reply", "status", "result"),
    [
        (answer(b'{"x":1}'), SUCCESS, {"x": 1}),
        (answer(b"[1,2]"), SUCCESS, [1, 2]),
        (answer(b"{}"), SUCCESS, {}),
        (answer(b'{"error":"no","x":1}'), APPLICATION_ERROR, {"error": "no"}),
        (answer(b'{"error":null}'), APPLICATION_ERROR, {"error": None}),
        (answer(b'"text"'), DEVELOPER_ERROR, {"error": f'{INVALID}: "text"'}),
        (answer(b"null\n"), DEVELOPER_ERROR, {"error": f"{INVALID}: null\n"}),
        (answer(b"not json"), DEVELOPER_ERROR, {"error": f"{INVALID}: not json"}),
        (answer(b""), DEVELOPER_ERROR, {"error": f"{INVALID}."}),
        (answer(b'{"error":{"a":1}}', 502), DEVELOPER_ERROR, {"error": {"a": 1}}),
        (answer(b'{"x":1}', 400), DEVELOPER_ERROR, {"error": f'{INVALID}: {{"x":1}}'}),
        (answer(b"oops", 500), DEVELOPER_ERROR, {"error": f"{INVALID}: oops"}),
        (Lost.EXIT, DEVELOPER_ERROR, {"error": EXITED}),
        (Lost.MEMORY, DEVELOPER_ERROR, {"error": "The action exhausted its memory and was aborted."}),
        (Lost.TIME, DEVELOPER_ERROR, {"error": "The action exceeded its time limits of 1000 milliseconds."}),
    ],
)
def test_an_answer_to_run(reply: Reply, status: int, result: object) -> None:
    assert verdict.of_run(reply, 1000) == (status, result)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (answer(b'{"error":"no main"}', 502), "no main"),
        (answer(b"oops", 502), "The action failed during initialization: oops"),
        (answer(b"", 500), "The action failed during initialization."),
        (Lost.EXIT, "The action did not initialize and exited unexpectedly."),
        (Lost.MEMORY, "The action exhausted its memory and was aborted."),
        (Lost.TIME, "The action exceeded its time limits of 100 milliseconds during initialization."),
    ],
)
def test_an_init_that_failed(reply: Reply, error: str) -> None:
    assert verdict.of_init(reply, 100) == (DEVELOPER_ERROR, {"error": error})


def test_an_action_that_exits_in_the_python_runtime_is_told_in_its_proxy_s_words() -> None:
    assert verdict.of_run(Lost.EXIT, 100, "python:3") == (DEVELOPER_ERROR, {"error": "command exited"})
    error = {"error": "Cannot start action. Check logs for details."}
    assert verdict.of_init(Lost.EXIT, 100, "python:3") == (DEVELOPER_ERROR, error)


@pytest.mark.parametrize("body", [b'{"ok":true}', b"OK", b""])
def test_an_init_that_worked_whatever_it_says(body: bytes) -> None:
    assert verdict.of_init(answer(body), 100) is None


def test_a_too_long_answer_is_cut_and_an_application_error() -> None:
    kept = b"x" * (1 << 20)

    status, result = verdict.of_run(answer(kept, 200, 3_000_000), 1000)

    assert status == APPLICATION_ERROR
    assert result["error"] == (
        "The action produced a response that exceeded the allowed length: 3000000 > 1048576 bytes. "
        f"The truncated response was: {kept.decode()}"
    )
