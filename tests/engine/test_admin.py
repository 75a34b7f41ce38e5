"""The operator's API: users, keys and limits, for a key of `whisk.system` only."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

from deepwhisk.engine.entities import Entity
from fixtures.engine import Answer, Api, Whisk, a_whisk
from fixtures.users import create

USERS = "/admin/v1/users"
INVALID = "The supplied authentication is invalid"


async def gone(whisk: Whisk, namespace: str) -> None:
    """Returns when nothing is left of NAMESPACE."""
    while whisk.platform.database.read("SELECT 1 FROM leaving WHERE namespace = ?", (namespace,)):
        await asyncio.sleep(0.01)


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.error


async def test_a_user_has_a_namespace_of_his_name(whisk: Whisk) -> None:
    ada = await create(whisk)
    await ada.make("a")

    assert (await ada("GET", "/api/v1/namespaces")).json == ["ada"]
    assert await ada.result("a", {"x": 1}) == {"x": 1}
    assert [each["namespace"] for each in (await ada("GET", "activations")).json] == ["ada"]
    assert (await whisk.api("GET", "actions")).json == []


async def test_keys_are_64_characters_and_never_shown_again(whisk: Whisk) -> None:
    ada = await create(whisk)
    assert ada.credentials is not None
    name, _, key = ada.credentials.partition(":")
    listed = await whisk.system("GET", USERS)
    one = await whisk.system("GET", f"{USERS}/ada")

    assert (len(name), len(key)) == (36, 64)
    assert listed.json[-1] == {
        "subject": "ada",
        "blocked": False,
        "namespaces": [{"name": "ada", "uuid": name}],
    }
    assert one.json["namespaces"][0]["users"] == ["ada"]
    assert all(key.encode() not in answer.body for answer in (listed, one))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "users"),
        ("PUT", "users/eve"),
        ("DELETE", "users/guest"),
        ("PUT", "limits/guest"),
        ("GET", "x"),
    ],
)
async def test_another_key_than_that_of_the_system_is_refused(whisk: Whisk, method: str, path: str) -> None:
    text = "The supplied authentication is not authorized to access this resource."

    assert refused(await whisk.api(method, f"/admin/v1/{path}", {})) == (403, text)
    assert (await whisk.nobody(method, f"/admin/v1/{path}", {})).status == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("PATCH", "users/guest"), ("GET", "users/guest/key"), ("GET", "a/b/c")],
)
async def test_what_the_operators_api_has_not_is_404(whisk: Whisk, method: str, path: str) -> None:
    assert (await whisk.system(method, f"/admin/v1/{path}")).status == 404


async def test_a_user_can_have_keys_to_several_namespaces_and_share_them(whisk: Whisk) -> None:
    ada = await create(whisk)
    shared, ben = await create(whisk, "ada", namespace="space"), await create(whisk, "ben", namespace="space")
    await shared.make("a")

    assert (await ben("GET", "actions/a")).json["namespace"] == "space"
    assert (await ada("GET", "/api/v1/namespaces/space/actions/a")).status == 403
    assert (await ben("POST", "actions/a?blocking=true")).json["subject"] == "ben"
    holds = (await whisk.system("GET", f"{USERS}/ben")).json["namespaces"][0]
    assert (holds["users"], holds["holds"]["actions"], holds["holds"]["activations"]) == (
        ["ada", "ben"],
        1,
        1,
    )


async def test_a_name_that_is_there_is_a_conflict(whisk: Whisk) -> None:
    await create(whisk)
    answer = await whisk.system("PUT", f"{USERS}/ada")

    assert refused(answer) == (409, "The user 'ada' has a key to the namespace 'ada' already.")


@pytest.mark.parametrize("name", ["_", "%20", "a%2Fb", "x" * 257, ".a"])
async def test_a_name_is_one_of_openwhisks(whisk: Whisk, name: str) -> None:
    assert (await whisk.system("PUT", f"{USERS}/{name}")).status == 400


async def test_a_user_can_bring_a_key(whisk: Whisk) -> None:
    auth = "23bc46b1-71f6-4ed5-8c54-816aa4f8c502:" + "k" * 64
    ada = await create(whisk, auth=auth)
    again = await whisk.system("PUT", f"{USERS}/ben", {"auth": auth})

    assert ada.credentials == auth
    assert (await ada("GET", "/api/v1/namespaces")).json == ["ada"]
    assert again.status == 409


@pytest.mark.parametrize("auth", ["", "x", "u:k", "23bc46b1-71f6-4ed5-8c54-816aa4f8c502:" + "k" * 63])
async def test_a_key_that_is_none_is_refused_and_not_repeated(whisk: Whisk, auth: str) -> None:
    answer = await whisk.system("PUT", f"{USERS}/ada", {"auth": auth})

    assert refused(answer) == (400, "A key is a UUID, a colon and 64 characters; this one is not.")


async def test_a_new_key_ends_the_old_one(whisk: Whisk) -> None:
    old = await create(whisk)
    await old.make("a")
    answer = await whisk.system("POST", f"{USERS}/ada/key")
    new = whisk.api.with_credentials(answer.json["auth"])

    assert answer.json["auth"].partition(":")[0] == str(old.credentials).partition(":")[0]
    assert refused(await old("GET", "actions")) == (401, INVALID)
    assert (await new("GET", "actions/a")).status == 200


async def test_calls_that_run_outlive_their_key(whisk: Whisk) -> None:
    ada = await create(whisk)
    await ada.make("a")
    whisk.pool.open.clear()
    calls = [asyncio.ensure_future(ada("POST", "actions/a?blocking=true")) for _ in range(5)]
    while len(whisk.pool.calls) < 5:
        await asyncio.sleep(0.01)
    key = (await whisk.system("POST", f"{USERS}/ada/key")).json["auth"]
    whisk.pool.open.set()

    assert [(await call).status for call in calls] == [200] * 5
    assert len((await ada.with_credentials(key)("GET", "activations")).json) == 5


async def test_actions_that_ask_for_the_key_get_the_new_one(whisk: Whisk) -> None:
    ada = await create(whisk)
    await ada.make("a", annotations=[{"key": "provide-api-key", "value": True}])
    key = (await whisk.system("POST", f"{USERS}/ada/key")).json["auth"]
    await ada.with_credentials(key)("POST", "actions/a?blocking=true")

    assert whisk.pool.calls[-1][1].api_key == key


async def test_a_key_of_the_first_users_goes_to_their_files(tmp_path: Path) -> None:
    async with a_whisk(tmp_path / "state") as whisk:
        guest = (await whisk.system("POST", f"{USERS}/guest/key")).json["auth"]
        system = (await whisk.system("POST", f"{USERS}/whisk.system/key")).json["auth"]

        assert f"AUTH={guest}\n" in (tmp_path / "state" / "wskprops").read_text()
        assert f"AUTH={system}\n" in (tmp_path / "state" / "wskprops.system").read_text()
        assert (await whisk.system("GET", USERS)).status == 401


async def test_a_blocked_user_is_nobody_until_he_is_unblocked(whisk: Whisk) -> None:
    ada = await create(whisk)
    await ada.make("a", annotations=[{"key": "web-export", "value": True}])
    web = "/api/v1/web/ada/default/a.json"
    blocked = await whisk.system("POST", f"{USERS}/ada", {"blocked": True})

    assert blocked.json["blocked"] is True
    assert refused(await ada("GET", "actions")) == (401, INVALID)
    assert (await whisk.nobody("GET", web)).status == 404
    assert (await whisk.system("POST", f"{USERS}/ada", {"blocked": False})).json["blocked"] is False
    assert (await ada("GET", "actions/a")).status == 200
    assert (await whisk.nobody("GET", web)).status == 200


async def test_blocked_must_be_said(whisk: Whisk) -> None:
    answer = await whisk.system("POST", f"{USERS}/guest", {"blocked": "yes"})

    assert refused(answer) == (400, "'blocked' must be true or false, not 'yes'.")


async def test_the_last_operator_stays(whisk: Whisk) -> None:
    for method, body in (("DELETE", {}), ("POST", {"blocked": True})):
        answer = await whisk.system(method, f"{USERS}/whisk.system", body)
        assert answer.status == 409
        assert "last user of 'whisk.system'" in answer.error
    await create(whisk, "ops", namespace="whisk.system")

    assert (await whisk.system("POST", f"{USERS}/whisk.system", {"blocked": True})).status == 200


async def test_who_was_turned_out_while_his_body_came_is_refused(whisk: Whisk) -> None:
    ada = await create(whisk)
    identity = whisk.platform.identities.of("ada")
    assert identity is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", int(whisk.api.address.rpartition(":")[2]))
    basic = base64.b64encode(str(ada.credentials).encode()).decode()
    head = f"PUT /api/v1/namespaces/_/triggers/t HTTP/1.1\r\nHost: h\r\nAuthorization: Basic {basic}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{".encode())
    await writer.drain()
    await asyncio.sleep(0.05)
    await whisk.system("DELETE", f"{USERS}/ada")
    writer.write(b"}")

    assert b" 401 " in await reader.readline()
    writer.close()
    assert not list(whisk.platform.registry.newest(Entity, "ada"))


async def fill(api: Api) -> None:
    """One of everything."""
    await api.put("packages/p")
    await api.make("p/a")
    await api.make("a", annotations=[{"key": "web-export", "value": True}])
    await api.put("triggers/t")
    await api.put("rules/r", {"trigger": "/_/t", "action": "/_/a"})
    for _ in range(3):
        await api.result("a")


async def test_a_deleted_user_takes_all_of_his_namespace_along(whisk: Whisk) -> None:
    ada = await create(whisk)
    await fill(ada)
    await fill(whisk.api)
    await whisk.system("PUT", "/admin/v1/limits/ada", {"invocationsPerMinute": 9})
    answer = await whisk.system("DELETE", f"{USERS}/ada")
    await gone(whisk, "ada")

    assert answer.json == {"subject": "ada", "removed": ["ada"]}
    assert (await ada("GET", "actions")).status == 401
    ada = await create(whisk)
    for collection in ("actions", "packages", "triggers", "rules", "activations"):
        assert (await ada("GET", collection)).json == []
        assert len((await whisk.api("GET", collection)).json) >= 1
    assert (await ada("GET", "limits")).json["invocationsPerMinute"] == 1_000_000


async def test_calls_of_a_deleted_namespace_are_ended(whisk: Whisk) -> None:
    ada = await create(whisk)
    await ada.make("a")
    whisk.pool.open.clear()
    waiting = asyncio.ensure_future(ada("POST", "actions/a?blocking=true"))
    accepted = await ada("POST", "actions/a")
    while len(whisk.pool.calls) < 2:
        await asyncio.sleep(0.01)
    await whisk.system("DELETE", f"{USERS}/ada")

    assert refused(await waiting) == (401, INVALID)
    assert accepted.status == 202
    assert whisk.platform.database.read("SELECT * FROM accepted") == []
    assert whisk.platform.throttles.in_flight["ada"] == 0


async def test_a_namespace_outlives_one_of_two_users(whisk: Whisk) -> None:
    ada, ben = await create(whisk), await create(whisk, "ben", namespace="ada")
    await fill(ada)
    answer = await whisk.system("DELETE", f"{USERS}/ada")

    assert answer.json["removed"] == []
    assert len((await ben("GET", "actions")).json) == 2
    assert (await whisk.nobody("GET", "/api/v1/web/ada/default/a.json")).status == 200


async def test_one_key_of_several_can_be_taken_away(whisk: Whisk) -> None:
    ada, space = await create(whisk), await create(whisk, "ada", namespace="space")
    await whisk.system("DELETE", f"{USERS}/ada?namespace=space")

    assert (await space("GET", "actions")).status == 401
    assert (await ada("GET", "actions")).status == 200
    assert (await whisk.system("DELETE", f"{USERS}/ada?namespace=space")).status == 404


async def test_a_removal_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with a_whisk(tmp_path / "state") as whisk:
        await fill(await create(whisk))
        database = whisk.platform.database
        database.write_now(
            [("DELETE FROM users WHERE subject = 'ada'", ()), ("INSERT INTO leaving VALUES ('ada')", ())]
        )
    async with a_whisk(tmp_path / "state") as whisk:
        await gone(whisk, "ada")
        ada = await create(whisk)

        assert (await ada("GET", "actions")).json == []
        assert (await ada("GET", "activations")).json == []


async def test_users_keys_blocks_and_limits_outlive_a_restart(tmp_path: Path) -> None:
    async with a_whisk(tmp_path / "state") as whisk:
        ada, ben = await create(whisk), await create(whisk, "ben")
        await whisk.system("POST", f"{USERS}/ben", {"blocked": True})
        await whisk.system("PUT", "/admin/v1/limits/ada", {"firesPerMinute": 7})
    async with a_whisk(tmp_path / "state") as whisk:
        again = [whisk.api.with_credentials(user.credentials) for user in (ada, ben)]

        assert (await again[0]("GET", "limits")).json["firesPerMinute"] == 7
        assert (await again[1]("GET", "limits")).status == 401


async def test_what_an_operator_sends_must_be_an_object(whisk: Whisk) -> None:
    assert (await whisk.system("PUT", f"{USERS}/ada", [])).status == 400
    assert (await whisk.system("PUT", f"{USERS}/ada", raw=b"{")).status == 400
    assert (await whisk.system("PUT", f"{USERS}/ada", {"namespace": 7})).status == 400
    assert len((await whisk.system("GET", USERS)).json) == 2


async def a_foreign_call(whisk: Whisk, caller: Api) -> Any:
    """What a shared action of guest's is run as."""
    await caller("POST", "/api/v1/namespaces/guest/actions/p/a?blocking=true")
    return whisk.pool.calls[-1][0].key


async def test_a_namespace_made_anew_finds_no_container_of_the_old_one(whisk: Whisk) -> None:
    await whisk.api.put("packages/p", {"publish": True})
    await whisk.api.make("p/a")
    first = await a_foreign_call(whisk, await create(whisk))
    assert await a_foreign_call(whisk, await create(whisk, "ben", namespace="ada")) == first
    for user in ("ada", "ben"):
        await whisk.system("DELETE", f"{USERS}/{user}")
    await gone(whisk, "ada")

    assert (await a_foreign_call(whisk, await create(whisk)))[:2] == first[:2]
    assert whisk.pool.calls[-1][0].key != first


async def test_a_name_is_not_given_again_before_all_is_removed(whisk: Whisk) -> None:
    whisk.platform.database.write_now([("INSERT INTO leaving VALUES ('ada')", ())])
    answer = await whisk.system("PUT", f"{USERS}/ada")

    assert answer.status == 409
    assert answer.error == "What the namespace 'ada' held is still being removed; try again in a moment."
