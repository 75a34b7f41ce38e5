"""The bodies of `/init` and `/run`."""

import time
from typing import Any

from deepwhisk.engine.codec import dumps
from deepwhisk.engine.invocation import Call, Executable


def init_body(executable: Executable, call: Call | None) -> bytes:
    """Without a call, a container is started ahead of one."""
    value: dict[str, Any] = {
        "name": executable.key[1].rpartition("/")[2],
        "main": executable.main or "main",
        "binary": executable.binary,
        "env": _variables(executable, call) | _stringified(executable.init_parameters),
    }
    if executable.code:
        value["code"] = executable.code
    return dumps({"value": value})


def _variables(executable: Executable, call: Call | None) -> dict[str, str]:
    known = {
        "__OW_NAMESPACE": executable.key[0],
        "__OW_ACTION_NAME": f"/{executable.key[1]}",
        "__OW_ACTION_VERSION": executable.version,
        "__OW_DEADLINE": _deadline(executable),
    }
    if call is not None:
        known |= {"__OW_ACTIVATION_ID": call.activation_id, "__OW_TRANSACTION_ID": call.transaction_id}
    api_key = executable.api_key if call is None else call.api_key
    return known | ({"__OW_API_KEY": api_key} if api_key else {})


def _stringified(parameters: dict[str, Any]) -> dict[str, str]:
    return {
        key: value if isinstance(value, str) else dumps(value).decode() for key, value in parameters.items()
    }


def run_body(executable: Executable, call: Call) -> bytes:
    body = {
        "value": call.payload,
        "namespace": executable.key[0],
        "action_name": f"/{executable.key[1]}",
        "action_version": executable.version,
        "activation_id": call.activation_id,
        "transaction_id": call.transaction_id,
        "deadline": _deadline(executable),
    }
    if call.api_key:
        body["api_key"] = call.api_key
    return dumps(body)


def _deadline(executable: Executable) -> str:
    return str(int(time.time() * 1000) + executable.timeout)
