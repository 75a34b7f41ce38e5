"""Sequences: what may be one, what passes between components, what is recorded."""

import time
from typing import Any

import pytest

from fixtures.engine import Api, Whisk

COUNT = "def main(args):\n    return {**args, 'n': args.get('n', 0) + 1}\n"
FAILS = "def main(args):\n    return {'error': 'stop here'}\n"
LIST = "def main(args):\n    return [1, 2, 3]\n"
TAKES_LIST = "def main(args):\n    return {'list': args}\n"


def sequence(*components: str) -> dict[str, Any]:
    return {"exec": {"kind": "sequence", "components": list(components)}}


def notes(record: dict[str, Any]) -> dict[str, Any]:
    return {note["key"]: note["value"] for note in record["annotations"]}


@pytest.fixture
async def counted(api: Api) -> Api:
    await api.make("count", COUNT, limits={"memory": 512})
    return api


async def test_a_sequence_is_stored_with_its_components_as_parameter(counted: Api) -> None:
    body = {**sequence("/_/count", "/guest/count"), "parameters": [{"key": "p", "value": 1}]}
    action = await counted.put("actions/s", body)

    assert action["exec"] == {"kind": "sequence", "components": ["/guest/count", "/guest/count"]}
    assert action["parameters"] == [{"key": "_actions", "value": ["/guest/count", "/guest/count"]}]
    assert (await counted("GET", "actions/s?code=false")).json["exec"] == action["exec"]


@pytest.mark.parametrize(
    ("components", "status", "says"),
    [
        ([], 400, "No component specified for the sequence."),
        (["/_/count", "/_/nosuch"], 400, "Sequence component does not exist."),
        (["/_/nopackage/a"], 404, "The requested resource does not exist."),
        (
            ["/whisk.system/a"],
            403,
            "The supplied authentication is not authorized to access 'whisk.system/a'.",
        ),
        (["/_/count"] * 51, 400, "Too many actions in the sequence."),
        (["/_/s"], 400, "Sequence may not refer to itself."),
        (["/_/nested"], 400, "Sequence may not refer to itself."),
        ("/_/count", 400, "The request content was malformed:\n'components' must be an array"),
        (None, 400, "The request content was malformed:\n'components' must be defined for sequence kind"),
        ([7], 400, "The request content was malformed:\nfully qualified name malformed"),
    ],
)
async def test_wrong_components_are_refused(counted: Api, components: Any, status: int, says: str) -> None:
    await counted.put("actions/s", sequence("/_/count"))
    await counted.put("actions/nested", sequence("/_/s", "/_/count"))
    answer = await counted(
        "PUT", "actions/s?overwrite=true", {"exec": {"kind": "sequence", "components": components}}
    )

    assert (answer.status, answer.error) == (status, says)


async def test_a_cycle_through_a_binding_is_refused(counted: Api) -> None:
    await counted.put("packages/p")
    await counted.put("packages/b", {"binding": {"namespace": "_", "name": "p"}})
    await counted.put("actions/p/s", sequence("/_/count"))
    answer = await counted("PUT", "actions/p/s?overwrite=true", sequence("/_/b/s"))

    assert answer.error == "Sequence may not refer to itself."


async def test_fifty_actions_are_allowed_and_counted_through_nesting(counted: Api) -> None:
    await counted.put("actions/fifty", sequence(*["/_/count"] * 50))
    answer = await counted("PUT", "actions/more", sequence("/_/fifty", "/_/count"))

    assert answer.error == "Too many actions in the sequence."
    assert await counted.result("fifty") == {"n": 50}


async def test_each_result_is_the_next_payload(counted: Api) -> None:
    await counted.make("preset", COUNT, parameters=[{"key": "n", "value": 10}, {"key": "p", "value": "own"}])
    await counted.put("actions/s", sequence("/_/count", "/_/preset"))

    assert await counted.result("s", {"n": 5}) == {"n": 7, "p": "own"}
    assert await counted.result("s", {"error": "given"}) == {"error": "given"}


async def test_arrays_pass_between_components(api: Api) -> None:
    await api.make("list", LIST)
    await api.make("takes", TAKES_LIST, parameters=[{"key": "p", "value": 1}])
    await api.put("actions/s", sequence("/_/list", "/_/takes"))
    await api.put("actions/ends", sequence("/_/takes", "/_/list"))

    assert await api.result("s") == {"list": [1, 2, 3]}
    assert (await api("POST", "actions/ends?blocking=true")).json == [1, 2, 3]


async def test_the_record_names_its_components_in_order(counted: Api) -> None:
    await counted.put("actions/s", {**sequence("/_/count", "/_/count"), "limits": {"timeout": 5000}})
    record = (await counted("POST", "actions/s?blocking=true")).json
    parts = [await counted.record(part) for part in record["logs"]]

    assert [part["response"]["result"] for part in parts] == [{"n": 1}, {"n": 2}]
    assert all(part["cause"] == record["activationId"] for part in parts)
    assert all(notes(part)["causedBy"] == "sequence" for part in parts)
    assert record["duration"] == sum(part["duration"] for part in parts)
    assert "cause" not in record
    limits = {"timeout": 5000, "memory": 512, "logs": 10, "concurrency": 1}
    assert notes(record) == {
        "topmost": True, "path": "guest/s", "kind": "sequence", "waitTime": 0, "limits": limits,
    }  # fmt: skip


async def test_an_inner_sequence_shows_as_one_component(counted: Api) -> None:
    await counted.put("actions/inner", sequence("/_/count", "/_/count"))
    await counted.put("actions/outer", sequence("/_/inner", "/_/count"))
    record = (await counted("POST", "actions/outer?blocking=true")).json
    inner = await counted.record(record["logs"][0])
    innermost = await counted.record(inner["logs"][1])

    assert record["response"]["result"] == {"n": 3}
    assert len(record["logs"]) == 2
    assert (inner["cause"], notes(inner)["topmost"], notes(inner)["causedBy"]) == (
        record["activationId"],
        False,
        "sequence",
    )
    assert innermost["cause"] == inner["activationId"]


async def test_an_error_ends_the_sequence(counted: Api) -> None:
    await counted.make("fails", FAILS)
    await counted.put("actions/s", sequence("/_/count", "/_/fails", "/_/count"))
    answer = await counted("POST", "actions/s?blocking=true")

    assert answer.status == 502
    assert answer.json["response"]["result"] == {"error": "stop here"}
    assert len(answer.json["logs"]) == 2
    assert (await counted("GET", "activations?name=count&count=true")).json == {"activations": 1}


async def test_a_component_that_has_gone_is_an_application_error(counted: Api) -> None:
    await counted.put("actions/s", sequence("/_/count"))
    await counted("DELETE", "actions/count")
    answer = await counted("POST", "actions/s?blocking=true")

    assert (answer.status, answer.json["response"]["status"]) == (502, "application error")
    assert answer.json["response"]["result"] == {"error": "Sequence component does not exist."}
    assert answer.json["logs"] == []


async def test_a_cycle_made_behind_its_back_ends(counted: Api) -> None:
    await counted.put("packages/p")
    await counted.put("packages/q")
    await counted.put("packages/b", {"binding": {"namespace": "_", "name": "p"}})
    await counted.make("p/s", COUNT)
    await counted.put("actions/q/s", sequence("/_/count", "/_/b/s"))
    await counted.put("packages/b", {"binding": {"namespace": "_", "name": "q"}})
    answer = await counted("POST", "actions/q/s?blocking=true&result=true")

    assert (answer.status, answer.json) == (502, {"error": "Too many actions in the sequence."})


async def test_later_components_are_started_ahead_once(whisk: Whisk) -> None:
    await whisk.api.make("one", COUNT)
    await whisk.api.make("two", COUNT)
    await whisk.api.put("actions/s", sequence("/_/one", "/_/two"))
    for _ in range(3):
        await whisk.api.result("s")

    assert [executable.key[1] for executable in whisk.pool.prewarmed] == ["guest/two"]


async def test_a_sequence_that_is_not_waited_for_is_recorded(counted: Api) -> None:
    await counted.put("actions/s", sequence("/_/count", "/_/count"))
    answer = await counted("POST", "actions/s")

    assert (await counted.record(answer.activation_id))["response"]["result"] == {"n": 2}


async def test_a_sequence_becomes_code_and_back(counted: Api) -> None:
    await counted.put("actions/s", sequence("/_/count"))
    action = await counted.put("actions/s", {"exec": {"kind": "python:3", "code": COUNT}})
    assert (action["parameters"], action["exec"]["code"]) == ([], COUNT)

    action = await counted.put("actions/s", sequence("/_/count"))
    assert action["parameters"] == [{"key": "_actions", "value": ["/guest/count"]}]


async def test_annotations_can_change_while_a_component_is_missing(counted: Api) -> None:
    await counted.put("actions/s", sequence("/_/count"))
    await counted("DELETE", "actions/count")

    assert (await counted.put("actions/s", {"annotations": [{"key": "z", "value": 1}]}))["version"] == "0.0.2"


async def test_time_in_the_record_is_now(counted: Api) -> None:
    await counted.put("actions/s", sequence("/_/count"))
    record = (await counted("POST", "actions/s?blocking=true")).json

    assert abs(record["start"] - time.time() * 1000) < 60_000
    assert record["end"] >= record["start"]


async def test_rights_are_asked_again_when_a_sequence_is_invoked(whisk: Whisk) -> None:
    await whisk.system.put("packages/shared", {"publish": True})
    await whisk.system.make("shared/a")
    await whisk.api.put("packages/own")
    await whisk.api.make("own/a")
    for name, component in (("s", "/whisk.system/shared/a"), ("t", "/_/own/a")):
        await whisk.api.put(f"actions/{name}", sequence(component))
        assert (await whisk.api("POST", f"actions/{name}?blocking=true")).status == 200

    await whisk.system.put("packages/shared", {"publish": False})
    await whisk.api("DELETE", "packages/own?force=true")
    closed, gone = [await whisk.api("POST", f"actions/{name}?blocking=true") for name in ("s", "t")]

    says = "The supplied authentication is not authorized to access 'whisk.system/shared'."
    assert (closed.status, closed.error) == (403, says)
    assert (gone.status, gone.error) == (404, "The requested resource does not exist.")
