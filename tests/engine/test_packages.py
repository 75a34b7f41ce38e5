"""Packages and bindings: parameters on their way down, sharing, and what may be deleted."""

import json
from typing import Any

import pytest

from fixtures.engine import Api, Whisk
from fixtures.users import create

MISSING = "The requested resource does not exist."
BOUND = {"binding": {"namespace": "_", "name": "p"}}


def kv(**values: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def as_map(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {entry["key"]: entry["value"] for entry in entries}


@pytest.fixture
async def packaged(api: Api) -> Api:
    await api.put("packages/p", {"parameters": kv(a="package", b="package", d="package")})
    await api.make("p/act", parameters=kv(b="action", c="action"))
    await api.make("p/feed", annotations=kv(feed=True))
    return api


async def test_a_package_shows_its_actions_and_feeds(packaged: Api) -> None:
    package = (await packaged("GET", "packages/p")).json

    assert (package["binding"], package["publish"]) == ({}, False)
    assert [each["name"] for each in package["actions"]] == ["act"]
    assert [each["name"] for each in package["feeds"]] == ["feed"]
    assert set(package["actions"][0]) == {"name", "version", "annotations"}


async def test_binding_is_false_in_lists_and_an_object_alone(packaged: Api) -> None:
    await packaged.put("packages/b", BOUND)
    listed = {each["name"]: each["binding"] for each in (await packaged("GET", "packages")).json}

    assert listed == {"p": False, "b": {"namespace": "guest", "name": "p"}}
    assert (await packaged("GET", "packages/p")).json["binding"] == {}


async def test_parameters_merge_from_provider_to_binding_to_action_to_payload(packaged: Api) -> None:
    await packaged.put("packages/b", {**BOUND, "parameters": kv(b="binding", d="binding", e="binding")})
    expected = {"a": "package", "b": "action", "c": "action", "d": "binding", "e": "binding"}

    assert await packaged.result("b/act", {"z": 1}) == {**expected, "z": 1}
    assert as_map((await packaged("GET", "actions/b/act")).json["parameters"]) == expected
    assert await packaged.result("p/act", {"c": 1}) == {"a": "package", "b": "action", "c": 1, "d": "package"}


async def test_a_change_of_the_package_is_felt_at_once(packaged: Api) -> None:
    await packaged.result("p/act")
    await packaged.put("packages/p", {"parameters": kv(a="new")})

    assert (await packaged.result("p/act"))["a"] == "new"


async def test_the_record_of_a_call_through_a_binding_tells_both(packaged: Api) -> None:
    await packaged.put("packages/b", BOUND)
    record = (await packaged("POST", "actions/b/act?blocking=true")).json

    assert as_map(record["annotations"])["path"] == "guest/p/act"
    assert as_map(record["annotations"])["binding"] == "guest/b"
    assert (await packaged("GET", "activations?name=b/act&count=true")).json == {"activations": 1}


async def test_an_action_behind_a_binding_is_shown_where_it_is(packaged: Api) -> None:
    await packaged.put("packages/b", BOUND)
    action = (await packaged("GET", "actions/b/act?code=false")).json

    assert (action["namespace"], action["binding"]) == ("guest/p", "guest/b")
    assert [each["namespace"] for each in (await packaged("GET", "actions/b/")).json] == ["guest/p"] * 2


async def test_a_binding_is_marked_by_the_server(packaged: Api) -> None:
    package = await packaged.put("packages/b", {**BOUND, "annotations": kv(mine=1, binding="lie")})

    assert as_map(package["annotations"]) == {"mine": 1, "binding": {"namespace": "guest", "name": "p"}}


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("packages/default", {}, 400, "Package name 'default' is reserved."),
        (
            "packages/x",
            {"binding": {"namespace": "_", "name": "no"}},
            400,
            "Binding references a package that does not exist.",
        ),
        (
            "packages/x",
            {"binding": {"namespace": "_", "name": "b"}},
            400,
            "Cannot bind to another package binding.",
        ),
        (
            "packages/x",
            {"binding": {"namespace": "_", "name": "t"}},
            409,
            "Cannot bind to a resource that is not a package.",
        ),
        (
            "packages/p",
            {"binding": {"namespace": "_", "name": "p"}},
            409,
            "Resource is a package and cannot be converted into a binding.",
        ),
        (
            "packages/x",
            {"binding": {"namespace": "whisk.system", "name": "no"}},
            403,
            "The supplied authentication is not authorized to access 'whisk.system/no'.",
        ),
        (
            "packages/x",
            {"binding": "p"},
            400,
            "The request content was malformed:\nObject expected in field 'namespace'",
        ),
        (
            "packages/x",
            {"binding": {"name": "p"}},
            400,
            "The request content was malformed:\nObject is missing required member 'namespace'",
        ),
        (
            "actions/b/new",
            {"exec": {"kind": "python:3", "code": ""}},
            400,
            "Operation not permitted on package binding.",
        ),
        ("actions/no/new", {"exec": {"kind": "python:3", "code": ""}}, 404, MISSING),
    ],
)
async def test_what_cannot_be_is_refused(packaged: Api, path: str, body: Any, status: int, says: str) -> None:
    await packaged.put("packages/b", BOUND)
    await packaged.put("triggers/t")
    answer = await packaged("PUT", f"{path}?overwrite=true", body)

    assert (answer.status, answer.error) == (status, says)


async def test_a_package_with_contents_is_deleted_by_force_only(packaged: Api) -> None:
    answer = await packaged("DELETE", "packages/p")
    text = "Package not empty (contains 2 entities). Set force param or delete package contents."
    assert (answer.status, answer.error) == (409, text)
    await packaged("DELETE", "actions/p/feed")
    assert "(contains 1 entity)" in (await packaged("DELETE", "packages/p?force=false")).error

    assert (await packaged("DELETE", "packages/p?force=true")).status == 200
    assert (await packaged("GET", "actions/p/act")).error == MISSING


async def test_a_missing_package_is_named(api: Api) -> None:
    assert (await api("GET", "packages/p")).error == "The requested resource 'guest/p' does not exist."
    assert (await api("DELETE", "packages/p")).error == MISSING


async def test_packages_know_no_post(api: Api) -> None:
    for path in ("packages/p", "packages/refresh"):
        answer = await api("POST", path, {})
        assert (answer.status, answer.error) == (404, "The requested resource could not be found.")


async def test_a_shared_package_is_readable_and_invokable(whisk: Whisk) -> None:
    await whisk.system.put("packages/sh", {"publish": True, "parameters": kv(s="shared")})
    await whisk.system.make("sh/act")
    base = "/api/v1/namespaces/whisk.system"

    assert [each["name"] for each in (await whisk.api("GET", f"{base}/packages")).json] == ["sh"]
    assert [each["name"] for each in (await whisk.api("GET", f"{base}/actions/sh/")).json] == ["act"]
    record = (await whisk.api("POST", f"{base}/actions/sh/act?blocking=true", {"own": 1})).json
    assert (record["namespace"], as_map(record["annotations"])["path"]) == ("guest", "whisk.system/sh/act")
    assert record["response"]["result"] == {"s": "shared", "own": 1}
    for verb, path in (("DELETE", "packages/sh"), ("PUT", "actions/sh/mine"), ("DELETE", "actions/sh/act")):
        assert (await whisk.api(verb, f"{base}/{path}", {})).status == 403


async def test_what_is_shared_can_be_taken_back(whisk: Whisk) -> None:
    ada, ben = await create(whisk), await create(whisk, "ben")
    await ada.put("packages/sh", {"publish": True})
    await ada.make("sh/act")
    await ben.put("packages/b", {"binding": {"namespace": "ada", "name": "sh"}})
    sequence = {"exec": {"kind": "sequence", "components": ["/ada/sh/act", "/_/b/act"]}}
    await ben.put("actions/s", sequence)
    assert await ben.result("s", {"x": 1}) == {"x": 1}
    await ada.put("packages/sh", {"publish": False})

    denied = "The supplied authentication is not authorized to access"
    assert (await ben("GET", "/api/v1/namespaces/ada/packages")).json == []
    for path, resource in (("actions/b/act", "ben/b"), ("/api/v1/namespaces/ada/actions/sh/act", "ada/sh")):
        answer = await ben("POST", path)
        assert (answer.status, answer.error) == (403, f"{denied} '{resource}'.")
    called = await ben("POST", "actions/s?blocking=true&result=true")
    assert (called.status, called.error) == (403, f"{denied} 'ada/sh'.")
    refused = await ben("PUT", "actions/s?overwrite=true", sequence)
    assert (refused.status, refused.error) == (403, f"{denied} 'ada/sh'.")
    assert await ada.result("sh/act", {"x": 1}) == {"x": 1}


async def test_a_rule_may_call_what_is_shared_and_no_more(whisk: Whisk) -> None:
    ada, ben = await create(whisk), await create(whisk, "ben")
    await ada.put("packages/sh", {"publish": True})
    await ada.make("sh/act")
    await ada.make("own")
    await ada.put("triggers/t")
    await ben.put("triggers/t")
    await ben.put("rules/r", {"trigger": "/_/t", "action": "/ada/sh/act"})
    fire = await ben("POST", "triggers/t", {"x": 1})
    line = json.loads((await ben.record(fire.activation_id))["logs"][0])
    record = await ben.record(line["activationId"])

    assert (record["namespace"], record["response"]["result"]["x"]) == ("ben", 1)
    for trigger, action, resource in (("/_/t", "/ada/own", "ada/own"), ("/ada/t", "/ada/sh/act", "ada/t")):
        answer = await ben("PUT", "rules/q", {"trigger": trigger, "action": action})
        text = f"The supplied authentication is not authorized to access '{resource}'."
        assert (answer.status, answer.error) == (403, text)


async def test_a_private_package_is_closed_to_others(whisk: Whisk) -> None:
    await whisk.system.put("packages/pv")
    await whisk.system.make("pv/act")
    base = "/api/v1/namespaces/whisk.system"

    assert (await whisk.api("GET", f"{base}/packages")).json == []
    for verb, path in (
        ("GET", "packages/pv"),
        ("GET", "actions/pv/act"),
        ("POST", "actions/pv/act"),
        ("GET", "actions/pv/"),
    ):
        answer = await whisk.api(verb, f"{base}/{path}")
        text = "The supplied authentication is not authorized to access 'whisk.system/pv'."
        assert (answer.status, answer.error) == (403, text)


async def test_a_binding_whose_package_has_gone_can_only_be_deleted(whisk: Whisk) -> None:
    await whisk.system.put("packages/sh", {"publish": True})
    await whisk.system.make("sh/act")
    await whisk.api.put("packages/b", {"binding": {"namespace": "whisk.system", "name": "sh"}})
    assert await whisk.api.result("b/act", {"x": 1}) == {"x": 1}
    await whisk.system("DELETE", "packages/sh?force=true")

    for verb, path in (("GET", "packages/b"), ("POST", "actions/b/act")):
        answer = await whisk.api(verb, path)
        assert answer.error == "The supplied authentication is not authorized to access 'guest/b'."
    assert (await whisk.api("DELETE", "packages/b")).status == 200
