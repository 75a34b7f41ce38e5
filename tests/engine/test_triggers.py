"""Triggers: put, and what a fire does."""

import json
from typing import Any

import pytest

from fixtures.engine import ECHO, Api, Whisk


async def joined(api: Api, **members: Any) -> None:
    """A trigger, an action and a rule between them."""
    await api.make("a", ECHO, parameters=[{"key": "ap", "value": "action"}])
    await api.put("triggers/t", members)
    await api.put("rules/r", {"trigger": "/_/t", "action": "/_/a"})


async def test_a_trigger_has_no_rules_until_one_is_attached(api: Api) -> None:
    await joined(api)
    await api.put("triggers/alone")

    assert "rules" not in (await api("GET", "triggers/alone")).json
    trigger = (await api("GET", "triggers/t")).json
    assert trigger["limits"] == {}
    assert trigger["rules"] == {"guest/r": {"action": {"path": "guest", "name": "a"}, "status": "active"}}


async def test_annotations_are_replaced_and_parameters_kept(api: Api) -> None:
    await api.put(
        "triggers/t", {"parameters": [{"key": "p", "value": 1}], "annotations": [{"key": "x", "value": 1}]}
    )
    trigger = await api.put("triggers/t", {"annotations": [{"key": "y", "value": 1}]})

    assert trigger["annotations"] == [{"key": "y", "value": 1}]
    assert trigger["parameters"] == [{"key": "p", "value": 1}]
    assert trigger["version"] == "0.0.2"


@pytest.mark.parametrize("feed", ["b*d/x y/ ", 7, "", None])
async def test_a_feed_is_a_path_of_legal_names(api: Api, feed: Any) -> None:
    answer = await api("PUT", "triggers/t", {"annotations": [{"key": "feed", "value": feed}]})

    assert (answer.status, answer.error) == (400, "Feed name is not valid")
    assert (
        await api("PUT", "triggers/t", {"annotations": [{"key": "feed", "value": "/_/p/feed"}]})
    ).status == 200


async def test_a_fire_without_an_active_rule_is_204_and_leaves_nothing(api: Api) -> None:
    await joined(api)
    await api("POST", "rules/r", {"status": "inactive"})
    answer = await api("POST", "triggers/t", {"p": 1})

    assert (answer.status, answer.body) == (204, b"")
    assert "x-openwhisk-activation-id" not in answer.headers
    assert (await api("GET", "activations?count=true")).json == {"activations": 0}


async def test_a_fire_runs_the_action_with_merged_arguments(whisk: Whisk) -> None:
    api = whisk.api
    await joined(api, parameters=[{"key": "tp", "value": "trigger"}, {"key": "both", "value": "trigger"}])
    answer = await api("POST", "triggers/t", {"p": 1, "both": "payload"}, X_Mine="yes")
    assert (answer.status, answer.json) == (202, {"activationId": answer.activation_id})

    record = await api.record(answer.activation_id)
    line = json.loads(record["logs"][0])
    started = await api.record(line.pop("activationId"))
    assert line == {"statusCode": 0, "success": True, "rule": "guest/r", "action": "guest/a"}
    result = started["response"]["result"]
    headers = result.pop("__ow_headers")
    assert result == {"ap": "action", "tp": "trigger", "both": "payload", "p": 1}
    assert headers["x-mine"] == "yes"
    assert headers["authorization"].startswith("Basic ")
    assert "cause" not in started


async def test_the_record_of_a_fire_does_not_last(api: Api) -> None:
    await joined(api)
    answer = await api("POST", "triggers/t", {"p": 1})
    record = await api.record(answer.activation_id)

    assert record["response"] == {"status": "success", "success": True, "result": {"p": 1}}
    assert (record["annotations"], record["name"]) == ([], "t")
    assert not {"end", "duration"} & set(record)
    listed = (await api("GET", "activations?name=t")).json[0]
    assert not {"end", "duration", "logs", "response"} & set(listed)


async def test_headers_can_be_overridden_by_the_payload(api: Api) -> None:
    await joined(api)
    answer = await api("POST", "triggers/t", {"__ow_headers": "mine"})
    line = json.loads((await api.record(answer.activation_id))["logs"][0])

    assert (await api.record(line["activationId"]))["response"]["result"]["__ow_headers"] == "mine"


async def test_an_inactive_rule_and_a_missing_action_are_logged(api: Api) -> None:
    await joined(api)
    await api.make("gone")
    for rule, action in (("off", "a"), ("lost", "gone")):
        await api.put(f"rules/{rule}", {"trigger": "/_/t", "action": f"/_/{action}"})
    await api("POST", "rules/off", {"status": "inactive"})
    await api("DELETE", "actions/gone")
    record = await api.record((await api("POST", "triggers/t")).activation_id)

    lines = {line["rule"]: line for line in map(json.loads, record["logs"])}
    assert lines["guest/r"]["success"] is True
    assert lines["guest/off"] == {
        "statusCode": 1,
        "success": False,
        "rule": "guest/off",
        "action": "guest/a",
        "error": "Rule 'guest/off' is inactive, action 'guest/a' was not activated.",
    }
    assert lines["guest/lost"]["error"] == "The requested resource does not exist."
    assert lines["guest/lost"]["statusCode"] == 1


async def test_a_fire_of_nothing_is_404(api: Api) -> None:
    assert (await api("POST", "triggers/t")).error == "The requested resource does not exist."


async def test_a_fire_takes_an_object_only(api: Api) -> None:
    await joined(api)
    for raw in (b'"x"', b"[1]"):
        answer = await api("POST", "triggers/t", raw=raw)
        assert answer.error == "The request content was malformed:\nJSON object expected"
    assert (
        await api("POST", "triggers/t", raw=b"a=b", Content_Type="application/x-www-form-urlencoded")
    ).status == 415


async def test_a_rule_may_start_an_action_in_a_package_or_a_sequence(api: Api) -> None:
    await api.put("packages/p", {"parameters": [{"key": "pp", "value": 1}]})
    await api.make("p/a")
    await api.put("actions/s", {"exec": {"kind": "sequence", "components": ["/_/p/a"]}})
    await api.put("triggers/t")
    await api.put("rules/r", {"trigger": "/_/t", "action": "/_/s"})
    record = await api.record((await api("POST", "triggers/t", {"x": 1})).activation_id)
    started = await api.record(json.loads(record["logs"][0])["activationId"])

    assert (started["name"], started["response"]["result"]["pp"], len(started["logs"])) == ("s", 1, 1)
