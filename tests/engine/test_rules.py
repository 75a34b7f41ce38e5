"""Rules: between a trigger and an action, active or not."""

from typing import Any

import pytest

from fixtures.engine import Api

MALFORMED = "The request content was malformed:\n"
RULE = {"trigger": "/_/t", "action": "/_/a"}


@pytest.fixture
async def ready(api: Api) -> Api:
    await api.make("a")
    await api.put("triggers/t")
    await api.put("triggers/u")
    return api


async def status(api: Api, rule: str = "r") -> str:
    return str((await api("GET", f"rules/{rule}")).json["status"])


async def test_a_new_rule_is_active(ready: Api) -> None:
    rule = await ready.put("rules/r", {"name": "r", "status": "", **RULE})

    assert rule["status"] == "active"
    assert (rule["trigger"], rule["action"]) == (
        {"path": "guest", "name": "t"},
        {"path": "guest", "name": "a"},
    )
    assert "status" not in (await ready("GET", "rules")).json[0]


async def test_the_parts_may_be_objects(ready: Api) -> None:
    parts = {"trigger": {"path": "guest", "name": "t"}, "action": {"path": "_", "name": "a"}}

    assert (await ready.put("rules/r", parts))["action"] == {"path": "guest", "name": "a"}


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({"trigger": "/_/t"}, 400, "rule requires a valid trigger and a valid action"),
        ({"action": "/_/a"}, 400, "rule requires a valid trigger and a valid action"),
        ({**RULE, "trigger": "/_/no"}, 400, "trigger /guest/no does not exist"),
        ({**RULE, "action": "/_/no"}, 400, "action /guest/no does not exist"),
        ({**RULE, "action": "/_/no/a"}, 404, "The requested resource does not exist."),
        ({**RULE, "trigger": "/_/a"}, 400, "/guest/a is not a trigger"),
        ({**RULE, "action": "/_/t"}, 400, "/guest/t is not an action"),
        ({**RULE, "trigger": "/x/t"}, 403, "The supplied authentication is not authorized to access 'x/t'."),
        ({**RULE, "action": "/x/a"}, 403, "The supplied authentication is not authorized to access 'x/a'."),
    ],
)
async def test_wrong_parts_are_refused(ready: Api, body: Any, code: int, says: str) -> None:
    answer = await ready("PUT", "rules/r", body)

    assert (answer.status, answer.error) == (code, says)


async def test_a_bare_name_is_refused(ready: Api) -> None:
    answer = await ready("PUT", "rules/r", {"trigger": "t", "action": "a"})

    assert answer.error.startswith(MALFORMED + "requirement failed: The fully qualified name")


async def test_the_state_is_set_with_a_text_answer(ready: Api) -> None:
    await ready.put("rules/r", RULE)
    for state in ("inactive", "inactive", "active", "active"):
        answer = await ready("POST", "rules/r", {"status": state, "trigger": None, "action": None})
        assert (answer.status, answer.body) == (200, b"OK")
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert await status(ready) == state
        assert (await ready("GET", "triggers/t")).json["rules"]["guest/r"]["status"] == state


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"status": "x"}, "requirement failed: x is not a recognized rule state"),
        ({"status": "ACTIVE"}, "requirement failed: ACTIVE is not a recognized rule state"),
        ({"status": 1}, "requirement failed: 1 is not a recognized rule state"),
        ({}, "key not found: status"),
    ],
)
async def test_another_state_is_refused(ready: Api, body: Any, says: str) -> None:
    await ready.put("rules/r", RULE)

    assert (await ready("POST", "rules/r", body)).error == MALFORMED + says


async def test_an_update_keeps_the_state_and_may_move_the_rule(ready: Api) -> None:
    await ready.put("rules/r", {**RULE, "annotations": [{"key": "x", "value": 1}]})
    await ready("POST", "rules/r", {"status": "inactive"})
    rule = await ready.put("rules/r", {"trigger": "/_/u", "annotations": [{"key": "y", "value": 1}]})

    assert (rule["status"], rule["version"], rule["trigger"]["name"]) == ("inactive", "0.0.2", "u")
    assert rule["annotations"] == [{"key": "y", "value": 1}]
    assert (await ready("GET", "triggers/t")).json["rules"] == {}
    assert (await ready("GET", "triggers/u")).json["rules"]["guest/r"]["status"] == "inactive"


async def test_an_active_rule_can_be_deleted(ready: Api) -> None:
    await ready.put("rules/r", RULE)
    answer = await ready("DELETE", "rules/r")

    assert (answer.status, answer.json["status"]) == (200, "inactive")
    assert (await ready("GET", "triggers/t")).json["rules"] == {}


async def test_deleting_the_trigger_leaves_an_inactive_rule(ready: Api) -> None:
    await ready.put("rules/r", RULE)
    await ready("DELETE", "triggers/t")

    assert await status(ready) == "inactive"
    assert (await ready("POST", "rules/r", {"status": "inactive"})).status == 200
    answer = await ready("POST", "rules/r", {"status": "active"})
    assert (answer.status, answer.error) == (404, "Only rules with existing triggers can be activated")
    assert (await ready("DELETE", "rules/r")).status == 200


async def test_a_rule_can_be_activated_on_a_trigger_that_came_back(ready: Api) -> None:
    await ready.put("rules/r", RULE)
    await ready("DELETE", "triggers/t")
    await ready.put("triggers/t")
    assert await status(ready) == "inactive"
    await ready("POST", "rules/r", {"status": "active"})

    assert await status(ready) == "active"
    assert (await ready("POST", "triggers/t")).status == 202


async def test_deleting_the_action_leaves_an_active_rule(ready: Api) -> None:
    await ready.put("rules/r", RULE)
    await ready("DELETE", "actions/a")

    assert await status(ready) == "active"
