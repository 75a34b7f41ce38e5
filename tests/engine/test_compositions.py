"""Compositions: what a conductor may ask for, what it is told, what is recorded."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import requests

from deepwhisk.engine.limits import Limits
from fixtures.engine import Api, Engine, Whisk, a_whisk

CONDUCTOR = [{"key": "conductor", "value": True}]
COUNT = "def main(args):\n    return {'n': args.get('n', 0) + 1}\n"
FAILS = "def main(args):\n    return {'error': 'inner'}\n"
PLANNED = """def main(args):
    step, plan = args.pop('$step', 0), args.pop('$plan', None)
    plan = args.pop('plan', []) if plan is None else plan
    if 'error' in args:
        return {'params': {'caught': args['error'], 'step': step}}
    if step >= len(plan):
        return {'params': args}
    return {'action': plan[step], 'params': args, 'state': {'$step': step + 1, '$plan': plan}}
"""


def notes(record: dict[str, Any]) -> dict[str, Any]:
    return {note["key"]: note["value"] for note in record["annotations"]}


async def conductor(api: Api, name: str, code: str, **members: Any) -> None:
    await api.make(name, code, annotations=CONDUCTOR, **members)


def returns(text: str) -> str:
    return f"def main(args):\n    return {text}\n"


@pytest.fixture
async def planned(api: Api) -> Api:
    await api.make("count", COUNT, limits={"memory": 512})
    await api.make("fails", FAILS)
    await api.put("actions/two", {"exec": {"kind": "sequence", "components": ["/_/count", "/_/count"]}})
    await conductor(api, "plan", PLANNED)
    return api


@pytest.mark.parametrize(
    ("payload", "result"),
    [
        ({"n": 3}, {"n": 3}),
        ({"plan": ["/_/count"], "n": 3}, {"n": 4}),
        ({"plan": ["count", "/guest/count", "/_/two"]}, {"n": 4}),
        ({"plan": ["/_/fails", "/_/count"]}, {"caught": "inner", "step": 1}),
        ({"plan": ["/_/count"] * 50}, {"n": 50}),
        ({"plan": ["/_/count"] * 51}, {"caught": "Too many actions in the composition.", "step": 51}),
        (
            {"plan": [7]},
            {"caught": "Failed to parse action name from json value 7 during composition.", "step": 1},
        ),
        (
            {"plan": ["/_/b*d"]},
            {"caught": 'Failed to parse action name from json value "/_/b*d" during composition.', "step": 1},
        ),
        (
            {"plan": [None]},
            {"caught": "Failed to parse action name from json value null during composition.", "step": 1},
        ),
        (
            {"plan": ["/_/nosuch"]},
            {"caught": "Failed to resolve action with name 'guest/nosuch' during composition.", "step": 1},
        ),
        (
            {"plan": ["guest/nosuch/a"]},
            {
                "caught": "Failed entitlement check for action with name 'guest/nosuch/a' "
                "during composition.",
                "step": 1,
            },
        ),
        (
            {"plan": ["nosuch/a"]},
            {
                "caught": "Failed entitlement check for action with name 'guest/nosuch/a' "
                "during composition.",
                "step": 1,
            },
        ),
        (
            {"plan": ["/whisk.system/a"]},
            {
                "caught": "Failed entitlement check for action with name 'whisk.system/a' "
                "during composition.",
                "step": 1,
            },
        ),
    ],
)
async def test_a_conductor_says_what_comes_next_and_hears_what_came_of_it(
    planned: Api, payload: Any, result: Any
) -> None:
    assert await planned.result("plan", payload) == result


@pytest.mark.parametrize(
    ("code", "status", "result"),
    [
        ("{'params': 'text'}", 200, {"value": "text"}),
        ("{'params': [1]}", 200, {"value": [1]}),
        ("{'x': 1}", 200, {"x": 1}),
        ("{'state': {'s': 1}}", 200, {"state": {"s": 1}}),
        ("{}", 200, {}),
        ("{'error': 'own'}", 502, {"error": "own"}),
        ("{'error': 'own', 'action': '/_/count'}", 502, {"error": "own"}),
        ("7", 502, {"error": "The action did not return a dictionary or array."}),
    ],
)
async def test_a_result_without_an_action_is_the_end(api: Api, code: str, status: int, result: Any) -> None:
    await conductor(api, "ends", returns(code))
    answer = await api("POST", "actions/ends?blocking=true&result=true", {"n": 1})

    assert (answer.status, answer.json) == (status, result)


async def test_an_array_of_a_conductor_is_an_error_of_the_engine(api: Api) -> None:
    await conductor(api, "array", returns("[1, 2]"))
    answer = await api("POST", "actions/array?blocking=true&result=true", {})
    newest = (await api("GET", "activations?name=array&docs=true")).json

    assert (answer.status, answer.error) == (500, "There was an internal server error.")
    assert {record["response"]["status"] for record in newest} == {"success", "whisk internal error"}


async def test_parameters_and_state_that_are_no_objects_are_put_into_one(whisk: Whisk) -> None:
    await whisk.api.make("echo")
    code = (
        "def main(args):\n"
        "    if 'state' in args:\n"
        "        return {'params': args}\n"
        "    return {'action': 'echo', 'params': 'bare', 'state': 7}\n"
    )
    await conductor(whisk.api, "boxes", code)

    assert await whisk.api.result("boxes") == {"value": "bare", "state": 7}


async def test_state_wins_over_the_result_and_own_parameters_lie_under_both(api: Api) -> None:
    await api.make("echo", parameters=[{"key": "p", "value": "component's"}])
    code = (
        "def main(args):\n"
        "    if args.get('again'):\n"
        "        return {'params': args}\n"
        "    return {'action': 'echo', 'params': {'n': 1, 's': 1}, 'state': {'again': True, 's': 2}}\n"
    )
    await conductor(api, "c", code, parameters=[{"key": "own", "value": 1}, {"key": "p", "value": "own"}])

    expected = {"n": 1, "s": 2, "p": "component's", "own": 1, "again": True}
    assert await api.result("c") == expected


async def test_an_array_of_a_component_is_its_value(api: Api) -> None:
    await api.make("list", returns("[1, 2]"))
    await conductor(api, "c", "def main(args):\n    return args if args else {'action': 'list'}\n")

    assert await api.result("c") == {"value": [1, 2]}


async def test_a_conductor_that_never_ends_is_called_a_hundred_and_one_times(whisk: Whisk) -> None:
    await conductor(whisk.api, "endless", returns("{'action': '/_/nosuch'}"))
    answer = await whisk.api("POST", "actions/endless?blocking=true&result=true", {})

    assert (answer.status, answer.json) == (502, {"error": "Too many actions in the composition."})
    assert len(whisk.pool.calls) == 101


async def test_compositions_inside_of_one_share_its_counts(whisk: Whisk) -> None:
    await conductor(whisk.api, "endless", returns("{'action': '/_/endless'}"))

    assert await whisk.api.result("endless") == {"error": "Too many actions in the composition."}
    assert len(whisk.pool.calls) == 101


async def test_an_annotation_that_is_false_makes_no_conductor(api: Api) -> None:
    await api.make(
        "plain", returns("{'action': '/_/count'}"), annotations=[{"key": "conductor", "value": False}]
    )

    assert await api.result("plain") == {"action": "/_/count"}


async def test_the_record_names_all_calls_in_order(planned: Api) -> None:
    answer = await planned("POST", "actions/plan?blocking=true", {"plan": ["/_/count", "/_/two"]})
    record = answer.json
    stored = await planned.record(record["activationId"])
    parts = [await planned.record(part) for part in record["logs"]]
    inside = [await planned.record(part) for part in parts[3]["logs"]]

    assert stored == record
    assert [part["name"] for part in parts] == ["plan", "count", "plan", "two", "plan"]
    assert {part["cause"] for part in parts} == {record["activationId"]}
    assert {notes(part)["causedBy"] for part in [*parts, *inside]} == {"sequence"}
    assert [part["cause"] for part in inside] == [parts[3]["activationId"]] * 2
    assert record["duration"] == sum(part["duration"] for part in parts)
    assert "cause" not in record
    assert record["response"] == {"status": "success", "success": True, "result": {"n": 3}}
    limits = {"timeout": 60000, "memory": 512, "logs": 10, "concurrency": 1}
    assert notes(record) == {
        "topmost": True, "path": "guest/plan", "kind": "sequence", "conductor": True, "waitTime": 0,
        "limits": limits,
    }  # fmt: skip


async def test_a_composition_is_one_component_of_a_sequence_and_of_another(planned: Api) -> None:
    components = ["/_/plan", "/_/count"]
    await planned.put("actions/s", {"exec": {"kind": "sequence", "components": components}})
    record = (await planned("POST", "actions/s?blocking=true", {"plan": ["/_/count"]})).json
    composition = await planned.record(record["logs"][0])
    calls = [await planned.record(part) for part in composition["logs"]]

    assert record["response"]["result"] == {"n": 2}
    assert (notes(composition)["topmost"], notes(composition)["causedBy"]) == (False, "sequence")
    assert composition["cause"] == record["activationId"]
    assert [call["name"] for call in calls] == ["plan", "count", "plan"]
    assert await planned.result("plan", {"plan": ["/_/s"]}) == {"n": 1}


async def test_a_conductor_in_a_binding_says_so(planned: Api) -> None:
    await planned.put("packages/p", {"parameters": [{"key": "plan", "value": ["/_/count"]}]})
    await planned.put("packages/b", {"binding": {"namespace": "_", "name": "p"}})
    await conductor(planned, "p/c", PLANNED)
    record = (await planned("POST", "actions/b/c?blocking=true", {"n": 1})).json

    assert record["response"]["result"]["n"] == 2
    assert (notes(record)["binding"], notes(record)["path"]) == ("guest/b", "guest/p/c")


async def test_a_web_action_can_be_a_conductor(planned: Api) -> None:
    exported = [*CONDUCTOR, {"key": "web-export", "value": True}]
    code = "def main(args):\n    return {'body': args['n']} if 'n' in args else {'action': 'count'}\n"
    await planned.make("web", code, annotations=exported)
    answer = await planned("GET", "/api/v1/web/guest/default/web.json")

    assert (answer.status, answer.json) == (200, {"body": 1})


async def test_a_fire_runs_a_composition(planned: Api) -> None:
    await planned.put("triggers/t")
    await planned.put("rules/r", {"trigger": "/_/t", "action": "/_/plan"})
    fired = (await planned("POST", "triggers/t", {"plan": ["/_/count"]})).json["activationId"]
    line = (await planned.record(fired))["logs"][0]
    activation_id = line.split('"activationId":"')[1][:32]

    assert (await planned.record(activation_id))["response"]["result"] == {"n": 1}


@pytest.fixture
async def narrow(tmp_path: Path) -> AsyncIterator[Whisk]:
    async with a_whisk(tmp_path / "state", limits=Limits(sequence_length=2)) as whisk:
        yield whisk


async def test_the_limit_is_that_of_sequences(narrow: Whisk) -> None:
    await narrow.api.make("count", COUNT)
    await conductor(narrow.api, "plan", PLANNED)

    assert await narrow.api.result("plan", {"plan": ["count"] * 2}) == {"n": 2}
    caught = {"caught": "Too many actions in the composition.", "step": 3}
    assert await narrow.api.result("plan", {"plan": ["count"] * 3}) == caught


def test_a_composition_runs_in_containers_and_keeps_their_logs(engine: Engine) -> None:
    def put(name: str, code: str, **members: Any) -> None:
        body = {"exec": {"kind": "python:default", "code": code}, **members}
        assert ask("PUT", f"{name}?overwrite=true", body).ok

    def ask(method: str, path: str, body: Any = None) -> requests.Response:
        url = f"{engine.apihost}/api/v1/namespaces/_/actions/{path}"
        return requests.request(method, url, json=body, auth=tuple(engine.auth.split(":")), timeout=60)

    put("composed_count", COUNT)
    put("composed", "print('ready')\n" + PLANNED, annotations=CONDUCTOR)
    record = ask("POST", "composed?blocking=true", {"plan": ["composed_count"] * 2}).json()
    first = requests.get(
        f"{engine.apihost}/api/v1/namespaces/_/activations/{record['logs'][0]}",
        auth=tuple(engine.auth.split(":")),
        timeout=60,
    ).json()

    assert record["response"]["result"] == {"n": 2}
    assert len(record["logs"]) == 5
    assert [line.split("stdout: ")[1] for line in first["logs"]] == ["ready"]
