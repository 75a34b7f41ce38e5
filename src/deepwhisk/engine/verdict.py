"""What a container's answer means: the status and result of an activation, in OpenWhisk's words.

In OpenWhisk's Python runtime a proxy stands before the action and outlives it; it has other words for an
action that exits than a container that ends.
"""

from typing import Any

import orjson

from deepwhisk.engine.codec import nests_too_deep
from deepwhisk.engine.container import Answer, Lost, Reply
from deepwhisk.engine.invocation import APPLICATION_ERROR, DEVELOPER_ERROR, SUCCESS
from deepwhisk.engine.kinds import BLACKBOX, PYTHON

LARGEST = 1 << 20
UNPROVISIONED = "Failed to provision resources to run the action."
_NO_INIT = "The action did not initialize and exited unexpectedly."
_NO_RUN = "The action did not produce a valid response and exited unexpectedly."
_NO_MEMORY = "The action exhausted its memory and was aborted."
_TIME = "The action exceeded its time limits of {} milliseconds"
_GONE_INIT = "Cannot start action. Check logs for details."
_GONE_RUN = "command exited"
_BAD_INIT = "The action failed during initialization"
_BAD_RUN = "The action did not produce a valid JSON or JSON Array response"
_TOO_LONG = (
    "The action produced a response that exceeded the allowed length: {} > {} bytes. "
    "The truncated response was: {}"
)

Verdict = tuple[int, Any]  # status, result


def of_init(reply: Reply, limit: int, kind: str = BLACKBOX) -> Verdict | None:
    """None when the container is ready to run."""
    if reply is Lost.TIME:
        return _developer(_TIME.format(limit) + " during initialization.")
    if isinstance(reply, Lost):
        return _exit(reply, _GONE_INIT if kind == PYTHON else _NO_INIT)
    if reply.status == 200:
        return None
    return _refusal(reply, _BAD_INIT)


def of_run(reply: Reply, limit: int, kind: str = BLACKBOX) -> Verdict:
    if reply is Lost.TIME:
        return _developer(_TIME.format(limit) + ".")
    if isinstance(reply, Lost):
        return _exit(reply, _GONE_RUN if kind == PYTHON else _NO_RUN)
    if reply.length > LARGEST:
        return APPLICATION_ERROR, {"error": _TOO_LONG.format(reply.length, LARGEST, _text(reply))}
    if reply.status != 200:
        return _refusal(reply, _BAD_RUN)
    return _result(reply)


def _result(answer: Answer) -> Verdict:
    value = _json(answer.body)
    if isinstance(value, dict):
        return (APPLICATION_ERROR, {"error": value["error"]}) if "error" in value else (SUCCESS, value)
    if isinstance(value, list):
        return SUCCESS, value
    return _developer(_with_body(_BAD_RUN, answer))


def _refusal(answer: Answer, otherwise: str) -> Verdict:
    """The container says itself what went wrong, or we say what it sent."""
    value = _json(answer.body)
    if isinstance(value, dict) and "error" in value:
        return _developer(value["error"])
    return _developer(_with_body(otherwise, answer))


def _with_body(sentence: str, answer: Answer) -> str:
    return f"{sentence}: {_text(answer)}" if answer.body else f"{sentence}."


def _exit(reply: Lost, text: str) -> Verdict:
    return _developer(_NO_MEMORY if reply is Lost.MEMORY else text)


def _developer(error: Any) -> Verdict:
    return DEVELOPER_ERROR, {"error": error}


def _json(body: bytes) -> Any:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return None if nests_too_deep(body, value) else value


def _text(answer: Answer) -> str:
    return answer.body.decode("utf-8", "replace")
