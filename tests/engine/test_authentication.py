"""Who may ask, and what the two ways to fail say."""

import base64

import pytest

from fixtures.engine import Api, Whisk

MISSING = "The resource requires authentication, which was not supplied with the request"
INVALID = "The supplied authentication is invalid"


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("path", ["/api/v1/namespaces", "/api/v1/namespaces/_/actions/a", "/api/v1/nosuch"])
async def test_without_credentials_any_resource_is_401(whisk: Whisk, path: str) -> None:
    answer = await whisk.nobody("GET", path)

    assert (answer.status, answer.error) == (401, MISSING)
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="OpenWhisk secure realm",charset=UTF-8'


@pytest.mark.parametrize("header", ["Basic !!!!", "Basic abc def", "Basic a=b=c", "", "\u00e4"])
async def test_what_no_credentials_look_like_was_not_supplied(whisk: Whisk, header: str) -> None:
    answer = await whisk.nobody("GET", "/api/v1/namespaces", Authorization=header)

    assert (answer.status, answer.error) == (401, MISSING)


@pytest.mark.parametrize("header", ["Bearer abc", "Basic", "Basic ", "Basic abc", 'Digest a="b c", d=e', "x"])
async def test_credentials_of_another_scheme_are_refused(whisk: Whisk, header: str) -> None:
    answer = await whisk.nobody("GET", "/api/v1/namespaces", Authorization=header)

    assert (answer.status, answer.error) == (401, INVALID)


@pytest.mark.parametrize("change", [lambda key: key[:-1], lambda key: key + "x", lambda key: key[::-1]])
async def test_a_key_of_63_or_65_characters_or_a_wrong_one_is_refused(whisk: Whisk, change: object) -> None:
    assert callable(change)
    assert whisk.api.credentials is not None
    uuid, _, key = whisk.api.credentials.partition(":")
    answer = await whisk.api.with_credentials(f"{uuid}:{change(key)}")("GET", "/api/v1/namespaces")

    assert (answer.status, answer.error) == (401, INVALID)
    assert "WWW-Authenticate" in answer.headers


async def test_an_unknown_user_and_a_missing_colon_are_refused(whisk: Whisk) -> None:
    for text in ("nobody:" + "x" * 64, "nobody:" + "-" * 64, "nocolon"):
        answer = await whisk.nobody("GET", "/api/v1/namespaces", Authorization=basic(text))
        assert (answer.status, answer.error) == (401, INVALID)


async def test_the_scheme_may_be_lower_case(whisk: Whisk) -> None:
    assert whisk.api.credentials is not None
    header = basic(whisk.api.credentials).replace("Basic", "basic")
    answer = await whisk.nobody("GET", "/api/v1/namespaces", Authorization=header)

    assert answer.json == ["guest"]


async def test_the_keys_are_random_and_64_characters(whisk: Whisk) -> None:
    keys = {api.credentials for api in (whisk.api, whisk.system)}

    assert len(keys) == 2
    assert all(key is not None and len(key.partition(":")[2]) == 64 for key in keys)


async def test_a_namespace_lists_itself(whisk: Whisk) -> None:
    assert (await whisk.api("GET", "/api/v1/namespaces")).json == ["guest"]
    assert (await whisk.api("GET", "/api/v1/namespaces/")).json == ["guest"]
    assert (await whisk.system("GET", "/api/v1/namespaces?x=y")).json == ["whisk.system"]


@pytest.mark.parametrize(
    ("method", "path", "resource"),
    [
        ("GET", "actions", "guest"),
        ("GET", "actions/a", "guest/a"),
        ("PUT", "actions/a", "guest/a"),
        ("DELETE", "actions/a", "guest/a"),
        ("POST", "actions/a", "guest/a"),
        ("GET", "actions/p/a", "guest/p"),
        ("PUT", "actions/p/a", "guest/p/a"),
        ("GET", "packages/p", "guest/p"),
        ("GET", "triggers", "guest"),
        ("POST", "triggers/t", "guest/t"),
        ("GET", "rules/r", "guest/r"),
        ("GET", "activations", "guest"),
        ("GET", "activations/" + "a" * 32, "guest/" + "a" * 32),
        ("GET", "limits", "guest"),
    ],
)
async def test_another_namespace_is_closed(whisk: Whisk, method: str, path: str, resource: str) -> None:
    await whisk.api.make("a")
    body = {"exec": {"kind": "python:3", "code": ""}}
    answer = await whisk.system(method, f"/api/v1/namespaces/guest/{path}", body)

    assert answer.status == 403
    assert answer.error == f"The supplied authentication is not authorized to access '{resource}'."


async def test_the_underscore_is_resolved_in_answers(api: Api) -> None:
    await api.make("a")

    assert (await api("GET", "actions/a")).json["namespace"] == "guest"
    assert (await api("GET", "/api/v1/namespaces/guest/actions/a")).json["namespace"] == "guest"
