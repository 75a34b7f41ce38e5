"""Limits of a namespace: what is set goes before the file, and the file before the engine's own."""

import asyncio
from pathlib import Path

import pytest

from deepwhisk.engine import Limits, Policy
from fixtures.engine import ECHO, Api, Whisk, a_whisk
from fixtures.users import create

LIMITS = "/admin/v1/limits"
POLICY = Policy(Limits.openwhisk(), {"ada": {"invocationsPerMinute": 5, "maxActionMemory": 256}})


async def limit(whisk: Whisk, namespace: str, **said: object) -> None:
    answer = await whisk.system("PUT", f"{LIMITS}/{namespace}", said)
    assert answer.status == 200, answer.body


async def test_what_is_set_goes_before_the_file_and_that_before_the_engine(tmp_path: Path) -> None:
    async with a_whisk(tmp_path / "state", policy=POLICY) as whisk:
        ada = await create(whisk)
        await limit(whisk, "ada", maxActionMemory=300, firesPerMinute=2)
        shown = (await ada("GET", "limits")).json
        asked = (await whisk.system("GET", f"{LIMITS}/ada")).json
        others = (await whisk.api("GET", "limits")).json

    assert (shown["invocationsPerMinute"], shown["maxActionMemory"], shown["firesPerMinute"]) == (5, 300, 2)
    assert asked == {
        "namespace": "ada",
        "limits": shown,
        "set": {"maxActionMemory": 300, "firesPerMinute": 2},
        "file": {"invocationsPerMinute": 5, "maxActionMemory": 256},
    }
    assert (others["invocationsPerMinute"], others["maxActionMemory"]) == (100_000, 512)


async def test_null_takes_one_back_and_delete_all(whisk: Whisk) -> None:
    await limit(whisk, "guest", firesPerMinute=2, maxActionLogs=3)
    await limit(whisk, "guest", firesPerMinute=None)
    assert (await whisk.system("GET", f"{LIMITS}/guest")).json["set"] == {"maxActionLogs": 3}

    assert (await whisk.system("DELETE", f"{LIMITS}/guest")).json["set"] == {}
    assert (await whisk.api("GET", "limits")).json["maxActionLogs"] == 100


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"firesPerMinute": -1}, "firesPerMinute must be a whole number from 0 to 1000000000, not -1."),
        ({"sequenceLength": 3}, "there is no limit 'sequenceLength'; there are: allowedKinds, "),
        ({"minActionLogs": 200}, "minActionLogs is 200, and maxActionLogs no more than 100."),
    ],
)
async def test_what_cannot_be_set_is_refused_and_nothing_changes(
    whisk: Whisk, said: dict[str, int], says: str
) -> None:
    answer = await whisk.system("PUT", f"{LIMITS}/guest", {"maxActionLogs": 100, **said})

    assert (answer.status, answer.error.startswith(says)) == (400, True), answer.error
    assert (await whisk.system("GET", f"{LIMITS}/guest")).json["set"] == {}


async def test_a_namespace_that_is_not_there_has_no_limits(whisk: Whisk) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = await whisk.system(method, f"{LIMITS}/ada", {})
        assert (answer.status, answer.error) == (404, "There is no namespace 'ada'.")


async def test_each_namespace_has_its_own_rates(whisk: Whisk) -> None:
    ada = await create(whisk)
    for api in (ada, whisk.api):
        await api.make("a", annotations=[{"key": "web-export", "value": True}])
        await api.put("triggers/t")
        await api.put("rules/r", {"trigger": "/_/t", "action": "/_/a"})
    await limit(whisk, "ada", invocationsPerMinute=0, firesPerMinute=0)
    text = "Too many requests in the last minute (count: 1, allowed: 0)."

    for path in ("actions/a?blocking=true", "triggers/t"):
        answer = await ada("POST", path)
        assert (answer.status, answer.error) == (429, text)
        assert (await whisk.api("POST", path)).status in (200, 202)
    web = await whisk.nobody("GET", "/api/v1/web/ada/default/a.json")
    counted = text.replace("count: 1", "count: 2")
    assert (web.status, web.error in (text, counted)) == (429, True)  # a minute may have turned meanwhile
    assert (await whisk.nobody("GET", "/api/v1/web/guest/default/a.json")).status == 200


async def test_a_caller_of_a_web_action_spends_what_is_its_owners(whisk: Whisk) -> None:
    ada = await create(whisk)
    await whisk.api.make("a", annotations=[{"key": "web-export", "value": True}])
    await limit(whisk, "ada", invocationsPerMinute=0)

    assert (await ada("GET", "/api/v1/web/guest/default/a.json")).status == 200


async def test_a_fire_is_accepted_where_its_actions_are_over_the_limit(whisk: Whisk) -> None:
    await whisk.api.make("a")
    await whisk.api.put("triggers/t")
    await whisk.api.put("rules/r", {"trigger": "/_/t", "action": "/_/a"})
    await limit(whisk, "guest", invocationsPerMinute=0)
    fire = await whisk.api("POST", "triggers/t")
    record = await whisk.api.record(fire.activation_id)

    assert fire.status == 202
    assert "Too many requests in the last minute (count: 1, allowed: 0)." in record["logs"][0]


async def test_each_namespace_has_its_own_calls_in_flight(whisk: Whisk) -> None:
    ada = await create(whisk)
    for api in (ada, whisk.api):
        await api.make("a")
    await limit(whisk, "ada", concurrentInvocations=1)
    whisk.pool.open.clear()
    first = asyncio.ensure_future(ada("POST", "actions/a?blocking=true"))
    while not whisk.pool.calls:
        await asyncio.sleep(0.01)
    second = await ada("POST", "actions/a?blocking=true")
    other = await whisk.api("POST", "actions/a")
    whisk.pool.open.set()

    assert second.error == "Too many concurrent requests in flight (count: 2, allowed: 1)."
    assert (other.status, (await first).status) == (202, 200)


async def test_an_action_keeps_to_the_limits_of_its_namespace(whisk: Whisk) -> None:
    ada = await create(whisk)
    await limit(whisk, "ada", maxActionMemory=256, maxActionTimeout=1000, maxActionInstances=2)
    answers = [
        await api("PUT", "actions/a", {"exec": {"kind": "python:3", "code": ECHO}, "limits": {"memory": 300}})
        for api in (ada, whisk.api)
    ]
    text = "requirement failed: memory size 300 MB exceeds allowed threshold of 256 MB"

    assert [answer.status for answer in answers] == [400, 200]
    assert answers[0].error == text


async def test_an_action_that_asks_for_nothing_gets_what_fits(whisk: Whisk) -> None:
    ada = await create(whisk)
    await limit(whisk, "ada", maxActionMemory=128, maxActionTimeout=1000, maxActionLogs=1)

    shown = (await ada.make("a")).json["limits"]
    assert shown == {"timeout": 1000, "memory": 128, "logs": 1, "concurrency": 1}


async def test_kinds_can_be_kept_to_some(whisk: Whisk) -> None:
    await whisk.api.make("a")
    await limit(whisk, "guest", allowedKinds=["sequence"])
    refused = await whisk.api("PUT", "actions/b", {"exec": {"kind": "python:default", "code": ECHO}})
    sequence = {"exec": {"kind": "sequence", "components": ["/_/a"]}}
    text = "The supplied authentication is not authorized to access actions of kind 'python:3'."

    assert (refused.status, refused.error) == (403, text)
    assert (await whisk.api("PUT", "actions/s", sequence)).status == 200
    assert (await whisk.api("GET", "limits")).json["allowedKinds"] == ["sequence"]


async def test_activations_need_not_be_stored(whisk: Whisk) -> None:
    await whisk.api.make("a")
    await whisk.api.put("triggers/t")
    await whisk.api.put("rules/r", {"trigger": "/_/t", "action": "/_/a"})
    await limit(whisk, "guest", storeActivations=False)
    called = await whisk.api("POST", "actions/a?blocking=true", {"x": 1})
    await whisk.api("POST", "triggers/t")
    while whisk.platform.running:
        await asyncio.sleep(0.01)

    assert called.json["response"]["result"] == {"x": 1}
    assert (await whisk.api("GET", "activations")).json == []
    assert (await whisk.api("GET", "limits")).json["storeActivations"] is False


async def put_large(api: Api, size: int) -> int:
    body = {"exec": {"kind": "python:3", "code": ECHO}, "parameters": [{"key": "p", "value": "x" * size}]}
    return (await api("PUT", "actions/a?overwrite=true", body)).status


async def test_sizes_of_parameters_and_payloads_are_the_namespaces(whisk: Whisk) -> None:
    await limit(whisk, "guest", maxParameterSize="1 KB", maxPayloadSize=2 << 20)

    assert (await put_large(whisk.api, 2000), await put_large(whisk.api, 900)) == (413, 200)
    shown = (await whisk.api("GET", "limits")).json
    assert (shown["maxParameterSize"], shown["maxPayloadSize"]) == ("1024 B", "2097152 B")
    assert (await whisk.api("POST", "actions/a?blocking=true", {"x": "y" * (3 << 19)})).status == 200
    assert (await whisk.api("POST", "actions/a?blocking=true", {"x": "y" * (2 << 20)})).status == 413
