"""Invoking: waiting or not, statuses, parameters, what the container gets."""

import asyncio
import re
from typing import Any

import pytest

from fixtures.engine import ECHO, Answer, Api, Whisk

FAILS = "def main(args):\n    return {'error': args.get('with'), 'other': 1}\n"


async def test_a_blocking_call_answers_its_record(api: Api) -> None:
    await api.make("a")
    answer = await api("POST", "actions/a?blocking=true", {"x": 1})

    record = answer.json
    assert answer.status == 200
    assert record["activationId"] == answer.activation_id
    assert record["response"] == {"status": "success", "success": True, "result": {"x": 1}, "size": 8}
    assert (record["namespace"], record["name"], record["subject"]) == ("guest", "a", "guest")
    assert record["duration"] == record["end"] - record["start"]
    assert re.fullmatch(r"queue;dur=\d+\.\d, run;dur=\d+\.\d", answer.headers["Server-Timing"])
    notes = {note["key"]: note["value"] for note in record["annotations"]}
    limits = {"timeout": 60000, "memory": 256, "logs": 10, "concurrency": 1}
    assert notes == {"path": "guest/a", "waitTime": 0, "kind": "python:3", "timeout": False, "limits": limits}


async def test_only_the_result_when_asked(api: Api) -> None:
    await api.make("a")
    for flags in ("blocking=true&result=true", "blocking=yes&result=1", "blocking=TRUE&result=on"):
        answer = await api("POST", f"actions/a?{flags}", {"x": 1})
        assert (answer.status, answer.json) == (200, {"x": 1})


async def test_without_waiting_the_answer_is_an_id(api: Api) -> None:
    await api.make("a")
    for path in ("actions/a", "actions/a?blocking=false&result=true", "actions/a?timeout=100"):
        answer = await api("POST", path, {"x": 2})
        assert (answer.status, answer.json) == (202, {"activationId": answer.activation_id})
        assert (await api.record(answer.activation_id))["response"]["result"] == {"x": 2}


async def test_when_the_wait_is_over_the_call_goes_on(whisk: Whisk) -> None:
    await whisk.api.make("a")
    whisk.pool.open.clear()
    answer = await whisk.api("POST", "actions/a?blocking=true&timeout=50", {"x": 3})
    assert (answer.status, answer.json) == (202, {"activationId": answer.activation_id})
    assert (await whisk.api("GET", f"activations/{answer.activation_id}")).status == 404

    whisk.pool.open.set()
    assert (await whisk.api.record(answer.activation_id))["response"]["result"] == {"x": 3}
    assert whisk.platform.database.read("SELECT * FROM accepted") == []


@pytest.mark.parametrize("value", ["0", "-1", "60001", "x"])
async def test_a_wait_is_at_most_a_minute(api: Api, value: str) -> None:
    await api.make("a")
    answer = await api("POST", f"actions/a?blocking=true&timeout={value}")

    says = "Timeout must be number of milliseconds up to 60000."
    assert answer.error == f"The query parameter 'timeout' was malformed:\n{says}"


async def test_an_application_error_is_502_and_keeps_only_the_error(api: Api) -> None:
    await api.make("a", FAILS)
    for value in ("boom", {"deep": 1}, None, False, ""):
        answer = await api("POST", "actions/a?blocking=true", {"with": value})
        assert answer.status == 502
        response = answer.json["response"]
        assert (response["status"], response["success"]) == ("application error", False)
        assert response["result"] == {"error": value}
        assert (await api("POST", "actions/a?blocking=true&result=true", {"with": value})).json == {
            "error": value
        }


async def test_a_developer_error_is_502(api: Api) -> None:
    await api.make("a", "def main(args):\n    return 'text'\n")
    answer = await api("POST", "actions/a?blocking=true")

    assert (answer.status, answer.json["response"]["status"]) == (502, "action developer error")


@pytest.mark.parametrize("query", ["blocking=true", "blocking=true&result=true"])
async def test_an_array_is_answered_bare(api: Api, query: str) -> None:
    await api.make("a", "def main(args):\n    return [1, 'two', None]\n")

    assert (await api("POST", f"actions/a?{query}")).json == [1, "two", None]


async def test_logs_are_in_the_record_and_not_in_the_answer(api: Api) -> None:
    await api.make("a", "logs = ['one', 'two']\n" + ECHO)
    answer = await api("POST", "actions/a?blocking=true")

    assert answer.json["logs"] == []
    assert (await api("GET", f"activations/{answer.activation_id}/logs")).json == {"logs": ["one", "two"]}


@pytest.mark.parametrize(
    ("raw", "status"), [(b"", 200), (b"[1]", 400), (b"7", 400), (b"null", 400), (b"{x", 400)]
)
async def test_a_payload_is_an_object_or_nothing(api: Api, raw: bytes, status: int) -> None:
    await api.make("a")
    answer = await api("POST", "actions/a?blocking=true&result=true", raw=raw)

    assert answer.status == status
    if status == 400 and raw != b"{x":
        assert answer.error == "The request content was malformed:\nJSON object expected"


async def test_a_form_is_refused(api: Api) -> None:
    await api.make("a")
    answer = await api("POST", "actions/a", raw=b"a=b", Content_Type="application/x-www-form-urlencoded")

    assert answer.status == 415


async def test_parameters_go_under_the_payload(api: Api) -> None:
    await api.make("a", parameters=[{"key": "p", "value": "action"}, {"key": "q", "value": None}])

    assert await api.result("a", {"p": "payload"}) == {"p": "payload", "q": None}
    assert await api.result("a") == {"p": "action", "q": None}


async def test_init_parameters_leave_the_payload(whisk: Whisk) -> None:
    await whisk.api.make("a", parameters=[{"key": "I", "value": "v", "init": True}, {"key": "p", "value": 1}])

    assert await whisk.api.result("a", {"I": "sent", "x": 2}) == {"p": 1, "x": 2}
    assert whisk.pool.calls[0][0].init_parameters == {"I": "v"}


async def test_final_parameters_cannot_be_overridden(api: Api) -> None:
    parameters = [{"key": "a", "value": 1}, {"key": "b", "value": None}]
    await api.make("a", parameters=parameters, annotations=[{"key": "final", "value": True}])
    answer = await api("POST", "actions/a?blocking=true", {"a": 2})

    assert answer.status == 400
    assert answer.error == "Request defines parameters that are not allowed (e.g., reserved properties)."
    assert await api.result("a", {"b": 2}) == {"a": 1, "b": 2}
    await api.make("a", parameters=parameters, annotations=[{"key": "final", "value": "true"}])
    assert await api.result("a", {"a": 2}) == {"a": 2, "b": None}


@pytest.mark.parametrize(
    ("annotation", "given"), [(True, True), (False, False), ("", False), (1, True), (0, False)]
)
async def test_the_key_goes_only_to_who_asks_for_it(whisk: Whisk, annotation: Any, given: bool) -> None:
    await whisk.api.make("a", annotations=[{"key": "provide-api-key", "value": annotation}])
    await whisk.api.result("a")

    assert whisk.pool.calls[0][1].api_key == (whisk.api.credentials if given else None)


async def test_the_transaction_id_reaches_the_container(whisk: Whisk) -> None:
    await whisk.api.make("a")
    answer = await whisk.api("POST", "actions/a?blocking=true", X_Request_ID="mine")

    assert whisk.pool.calls[0][1].transaction_id == "mine" == answer.headers["X-Request-ID"]
    assert whisk.pool.calls[0][1].activation_id == answer.activation_id


async def test_many_calls_at_once_each_get_their_own_answer(api: Api) -> None:
    await api.make("a")

    async def call(number: int) -> Answer:
        return await api("POST", "actions/a?blocking=true&result=true", {"n": number})

    answers = await asyncio.gather(*(call(number) for number in range(50)))
    assert [answer.json["n"] for answer in answers] == list(range(50))
    assert len({answer.activation_id for answer in answers}) == 50
