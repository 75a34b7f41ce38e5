"""Routes of APIs: which one answers, what its action gets, and what a browser may do."""

from typing import Any

import pytest

from fixtures.engine import ECHO, Answer, Api, Whisk
from fixtures.gateway import apidoc, create, delete, swagger

EXPORTED = [{"key": "web-export", "value": True}]
WHOLE = "def main(args):\n    return {'body': args}\n"


async def export(api: Api, name: str, code: str = ECHO, **annotations: Any) -> None:
    entries = [{"key": key.replace("_", "-"), "value": value} for key, value in annotations.items()]
    await api.make(name, code, annotations=EXPORTED + entries)


async def route(api: Api, doc: dict[str, Any], responsetype: str = "json") -> None:
    answer = await create(api, doc, responsetype)
    assert answer.status == 200, answer.body


def arguments(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    got: dict[str, Any] = answer.json
    got.pop("__ow_headers")
    return got


@pytest.fixture
async def web(whisk: Whisk) -> Api:
    """Nobody, before two exported actions: one answers its arguments, one with them as body."""
    await export(whisk.api, "w")
    await export(whisk.api, "whole", WHOLE)
    return whisk.nobody


async def test_a_route_answers_as_its_action(web: Api, whisk: Whisk) -> None:
    await route(whisk.api, apidoc(verb="POST"))
    answer = await web("POST", "/api/guest/hello/world?a=1&b=2", {"b": 3})

    assert arguments(answer) == {"__ow_method": "post", "__ow_path": "", "a": "1", "b": 3}
    record = await whisk.api.record(answer.activation_id)
    assert (record["namespace"], record["name"]) == ("guest", "w")


async def test_the_url_that_create_tells_is_the_one_that_answers(web: Api, whisk: Whisk) -> None:
    for base in ("/", "/two words", "/deep/er"):
        made = await create(whisk.api, apidoc(base))
        url = made.json["gwApiUrl"].removeprefix(web.address)
        assert (await web("GET", f"{url}/world")).status == 200
        assert (await web("GET", f"{url}/world/")).status == 200


@pytest.mark.parametrize(
    ("responsetype", "result", "media", "body"),
    [
        ("json", {"a": 1}, "application/json", b'{\n  "a": 1\n}'),
        ("http", {"statusCode": 418, "body": "tea"}, "text/html; charset=UTF-8", b"tea"),
        ("html", {"html": "<p>x"}, "text/html; charset=UTF-8", b"<p>x"),
        ("text", {"text": "plain"}, "text/plain; charset=UTF-8", b"plain"),
        ("svg", {"svg": "<svg/>"}, "image/svg+xml", b"<svg/>"),
    ],
)
async def test_the_response_type_says_what_a_result_becomes(
    whisk: Whisk, responsetype: str, result: Any, media: str, body: bytes
) -> None:
    await export(whisk.api, "typed", f"def main(args):\n    return {result!r}\n")
    await route(whisk.api, apidoc(action="typed"), responsetype)
    answer = await whisk.nobody("GET", "/api/guest/hello/world")

    assert answer.status == result.get("statusCode", 200)
    assert (answer.headers["Content-Type"], answer.body) == (media, body)


async def test_an_action_of_a_package_answers(whisk: Whisk) -> None:
    await whisk.api.put("packages/pk", {"parameters": [{"key": "from", "value": "package"}]})
    await export(whisk.api, "pk/w")
    await route(whisk.api, apidoc(action="pk/w"))

    assert (await whisk.nobody("GET", "/api/guest/hello/world")).json["from"] == "package"


async def test_path_parameters_reach_the_action_in_its_path(web: Api, whisk: Whisk) -> None:
    await route(whisk.api, apidoc("/club", "/books/{id}/pages/{page}", action="whole"), "http")
    answer = await web("GET", "/api/guest/club/books/a%20b%2Fc/pages/7?q=1")

    got = arguments(answer)
    assert got == {"__ow_method": "get", "__ow_path": "/club/books/a%20b%2Fc/pages/7", "q": "1"}
    assert (await web("GET", "/api/guest/club/books//pages/7")).status == 404
    assert (await web("GET", "/api/guest/club/books/1/pages")).status == 404


async def test_the_most_specific_route_answers(whisk: Whisk) -> None:
    for who in ("any", "new", "page", "outer", "inner"):
        await export(whisk.api, who, f"def main(args):\n    return {{'body': {who!r}}}\n")
    await route(whisk.api, apidoc("/b", "/{id}", action="any"), "http")
    await route(whisk.api, apidoc("/b", "/{id}", "DELETE", action="any"), "http")
    await route(whisk.api, apidoc("/b", "/new", action="new"), "http")
    await route(whisk.api, apidoc("/b", "/{id}/{page}", action="page"), "http")
    await route(whisk.api, apidoc("/", "/a/b", action="outer"), "http")
    await route(whisk.api, apidoc("/a", "/b", action="inner"), "http")

    async def who(method: str, path: str) -> str:
        return (await whisk.nobody(method, f"/api/guest{path}")).body.decode()

    assert await who("GET", "/b/new") == "new"
    assert await who("GET", "/b/7") == "any"
    assert await who("DELETE", "/b/new") == "any"
    assert await who("GET", "/b/new/7") == "page"
    assert await who("GET", "/a/b") == "inner"


async def test_head_is_answered_by_get(web: Api, whisk: Whisk) -> None:
    await route(whisk.api, apidoc())
    answer = await web("HEAD", "/api/guest/hello/world")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("path", ["guest/hello", "guest/hello/world/more", "guest/", "nobody/hello/world"])
async def test_a_path_without_a_route_is_not_found(web: Api, whisk: Whisk, path: str) -> None:
    await route(whisk.api, apidoc())
    answer = await web("GET", f"/api/{path}")

    assert (answer.status, answer.error) == (404, f"No API has the path '/api/{path}'.")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_verb_without_a_route_is_told_which_ones_there_are(web: Api, whisk: Whisk) -> None:
    await route(whisk.api, apidoc())
    await route(whisk.api, apidoc(verb="PUT"))
    answer = await web("POST", "/api/guest/hello/world")

    assert (answer.status, answer.headers["Allow"]) == (405, "GET, PUT")
    assert answer.error == "'/api/guest/hello/world' does not answer POST, only GET, PUT."


async def test_a_deleted_route_answers_no_more(web: Api, whisk: Whisk) -> None:
    await route(whisk.api, apidoc())
    await route(whisk.api, apidoc(verb="PUT"))
    await delete(whisk.api, basepath="/hello", relpath="/world", operation="PUT")
    assert (await web("PUT", "/api/guest/hello/world")).status == 405
    await delete(whisk.api, basepath="/hello")
    assert (await web("GET", "/api/guest/hello/world")).status == 404


async def test_a_browser_is_told_what_it_may_ask(web: Api, whisk: Whisk) -> None:
    await route(whisk.api, apidoc())
    await route(whisk.api, apidoc(verb="DELETE"))
    answer = await web("OPTIONS", "/api/guest/hello/world", Access_Control_Request_Headers="X-Mine")

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, DELETE, OPTIONS"
    assert answer.headers["Access-Control-Allow-Headers"] == "X-Mine"
    assert whisk.pool.calls == []
    assert (await web("GET", "/api/guest/hello/world")).headers["Access-Control-Allow-Origin"] == "*"


async def test_an_api_can_keep_browsers_out(web: Api, whisk: Whisk) -> None:
    closed = {"x-ibm-configuration": {"cors": {"enabled": False}}}
    await route(whisk.api, {"swagger": swagger(**closed)})
    answer = await web("GET", "/api/guest/books/all")

    assert answer.status == 200
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert (await web("OPTIONS", "/api/guest/books/all")).status == 405


async def test_an_action_with_options_of_its_own_answers_them(whisk: Whisk) -> None:
    code = "def main(args):\n    return {'headers': {'Access-Control-Allow-Methods': 'X'}, 'body': 'mine'}\n"
    await export(whisk.api, "own", code, web_custom_options=True)
    await route(whisk.api, apidoc(action="own", verb="OPTIONS"), "http")
    answer = await whisk.nobody("OPTIONS", "/api/guest/hello/world")

    assert (answer.body, answer.headers["Access-Control-Allow-Methods"]) == (b"mine", "X")


@pytest.mark.parametrize(("needed", "given"), [("s3cret", "s3cret"), (12345, 12345)])
async def test_a_route_that_knows_the_secret_opens_its_action(whisk: Whisk, needed: Any, given: Any) -> None:
    await export(whisk.api, "locked", require_whisk_auth=needed)
    await route(whisk.api, apidoc(path="/open", action="locked", secret=given))
    await route(whisk.api, apidoc(path="/shut", action="locked"))
    await route(whisk.api, apidoc(path="/wrong", action="locked", secret="guess"))

    opened = await whisk.nobody("GET", "/api/guest/hello/open")
    assert opened.status == 200
    assert str(needed).encode() not in opened.body
    assert (await whisk.nobody("GET", "/api/guest/hello/shut")).status == 401
    header = {"X_Require_Whisk_Auth": str(needed)}
    assert (await whisk.nobody("GET", "/api/guest/hello/shut", **header)).status == 200
    assert (await whisk.nobody("GET", "/api/guest/hello/wrong", **header)).status == 401


async def test_a_route_opens_nothing_that_is_not_exported(whisk: Whisk) -> None:
    await whisk.api.make("private")
    await whisk.system.make("private")
    await route(whisk.api, apidoc(path="/mine", action="private"))
    await route(whisk.api, apidoc(path="/theirs", action="private", namespace="whisk.system"))
    await route(whisk.api, apidoc(path="/nothing", action="nothing"))

    for path in ("mine", "theirs", "nothing"):
        answer = await whisk.nobody("GET", f"/api/guest/hello/{path}")
        assert (answer.status, answer.error) == (404, "The requested resource does not exist.")


async def test_calls_through_routes_keep_the_rules_of_web_actions(web: Api, whisk: Whisk) -> None:
    await route(whisk.api, apidoc(verb="POST"))
    answer = await web("POST", "/api/guest/hello/world", {"__ow_user": "somebody"})
    assert (answer.status, answer.error) == (
        400,
        "Request defines parameters that are not allowed (e.g., reserved properties).",
    )
    assert (await web("POST", "/api/guest/hello/world", raw=b" " * ((1 << 20) + 1))).status == 413
    assert arguments(await whisk.api("POST", "/api/guest/hello/world"))["__ow_user"] == "guest"


async def test_the_platforms_own_paths_stay_its_own(web: Api) -> None:
    for path in ("/api/v2/namespaces", "/api", "/api/", "/api/guest"):
        assert (await web("GET", path)).error == "HTTP method not allowed, supported methods: OPTIONS"
