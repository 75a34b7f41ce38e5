"""The bodies of `/init` and `/run`."""

import time
from dataclasses import replace

import orjson

from deepwhisk.engine.bodies import init_body, run_body
from fixtures.pool import call, executable

ACTION = executable("code", key=("other", "guest/pkg/a", "7"), version="0.0.3", timeout=5000)


def test_init_carries_the_code_and_what_it_runs_for() -> None:
    asked, before = replace(call(), api_key="uuid:key"), int(time.time() * 1000)
    value = orjson.loads(init_body(ACTION, asked))["value"]
    deadline, after = int(value["env"].pop("__OW_DEADLINE")), int(time.time() * 1000)

    assert value == {
        "name": "a",
        "main": "main",
        "code": "code",
        "binary": False,
        "env": {
            "__OW_NAMESPACE": "other",
            "__OW_ACTION_NAME": "/guest/pkg/a",
            "__OW_ACTION_VERSION": "0.0.3",
            "__OW_ACTIVATION_ID": asked.activation_id,
            "__OW_TRANSACTION_ID": "tid",
            "__OW_API_KEY": "uuid:key",
        },
    }
    assert before + 5000 <= deadline <= after + 5000


def test_without_code_there_is_no_code_member() -> None:
    value = orjson.loads(init_body(replace(ACTION, code="", main="run"), None))["value"]

    assert "code" not in value
    assert value["main"] == "run"
    assert "__OW_ACTIVATION_ID" not in value["env"]


def test_who_begins_ahead_of_a_call_has_the_key_that_calls_would_bring() -> None:
    ahead = orjson.loads(init_body(replace(ACTION, api_key="uuid:key"), None))["value"]["env"]
    called = orjson.loads(init_body(replace(ACTION, api_key="uuid:key"), replace(call(), api_key=None)))

    assert ahead["__OW_API_KEY"] == "uuid:key"
    assert "__OW_API_KEY" not in called["value"]["env"]


def test_parameters_of_init_are_texts_and_come_last() -> None:
    parameters = {"text": "as it is", "number": 1.5, "list": [1, None], "__OW_NAMESPACE": "mine"}
    env = orjson.loads(init_body(replace(ACTION, init_parameters=parameters), None))["value"]["env"]

    assert (env["text"], env["number"], env["list"]) == ("as it is", "1.5", "[1,null]")
    assert env["__OW_NAMESPACE"] == "mine"


def test_run_carries_the_payload_and_who_asked() -> None:
    asked = replace(call(x=1), api_key=None)
    body = orjson.loads(run_body(ACTION, asked))
    deadline = body.pop("deadline")

    assert body == {
        "value": {"x": 1},
        "namespace": "other",
        "action_name": "/guest/pkg/a",
        "action_version": "0.0.3",
        "activation_id": asked.activation_id,
        "transaction_id": "tid",
    }
    assert isinstance(deadline, str)


def test_a_list_is_a_payload_and_a_key_is_sent_when_it_is_given() -> None:
    asked = replace(call(), payload=[1, 2], api_key="uuid:key")
    body = orjson.loads(run_body(ACTION, asked))

    assert (body["value"], body["api_key"]) == ([1, 2], "uuid:key")
