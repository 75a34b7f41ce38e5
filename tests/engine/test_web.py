"""Web actions: the argument object, protection, CORS, and who learns what."""

import base64
import re
from typing import Any

import pytest

from fixtures.engine import ECHO, Answer, Api, Whisk
from fixtures.pool import becomes

EXPORTED = [{"key": "web-export", "value": True}]
RESERVED = "Request defines parameters that are not allowed (e.g., reserved properties)."
MISSING = "The requested resource does not exist."
WEB = "/api/v1/web/guest/default"


async def export(
    api: Api, name: str = "w", code: str = ECHO, *, parameters: Any = (), **annotations: Any
) -> None:
    entries = [{"key": key.replace("_", "-"), "value": value} for key, value in annotations.items()]
    await api.make(name, code, parameters=list(parameters), annotations=EXPORTED + entries)


def arguments(answer: Answer) -> dict[str, Any]:
    """What the action got, without its headers."""
    assert answer.status == 200, answer.body
    got: dict[str, Any] = answer.json
    got.pop("__ow_headers")
    return got


@pytest.fixture
async def web(whisk: Whisk) -> Api:
    """Nobody, before an exported action that answers its arguments."""
    await export(whisk.api, parameters=[{"key": "preset", "value": "P"}], final=True)
    await export(whisk.api, "raw", raw_http=True)
    return whisk.nobody


async def test_the_request_becomes_arguments(web: Api) -> None:
    answer = await web("GET", f"{WEB}/w.json/one/two%20x?a=1&b=x+y&a=2&c", X_One="1")

    assert answer.json["__ow_headers"]["x-one"] == "1"
    assert arguments(answer) == {
        "preset": "P",
        "__ow_method": "get",
        "__ow_path": "/one/two%20x",
        "a": "2",
        "b": "x y",
        "c": "",
    }
    assert len(answer.activation_id) == 32


@pytest.mark.parametrize(("path", "seen"), [("", ""), ("/", "/"), ("//a", "//a")])
async def test_the_rest_of_the_path_is_passed_as_it_came(web: Api, path: str, seen: str) -> None:
    assert (await web("GET", f"{WEB}/w.json{path}")).json["__ow_path"] == seen


@pytest.mark.parametrize(
    ("content_type", "raw", "normal", "plain"),
    [
        ("application/json", b'{"a": 1}', {"a": 1}, base64.b64encode(b'{"a": 1}').decode()),
        ("application/json", b"[1,2]", {"__ow_body": [1, 2]}, base64.b64encode(b"[1,2]").decode()),
        ("application/vnd.api+json", b'{"a":1}', {"a": 1}, '{"a":1}'),
        ("application/x-www-form-urlencoded", b"a=1&b=x+y&a=2", {"a": "2", "b": "x y"}, "a=1&b=x+y&a=2"),
        ("text/html", b"<p>x</p>", {"__ow_body": "<p>x</p>"}, "<p>x</p>"),
        ("application/xml", b"<x/>", {"__ow_body": "<x/>"}, "<x/>"),
        ("text/plain; charset=latin-1", b"\xe4", {"__ow_body": "ä"}, "ä"),
        ("application/octet-stream", b"\xfa\xfb", {"__ow_body": "+vs="}, "+vs="),
        ("image/png", b"\x89PNG", {"__ow_body": "iVBORw=="}, "iVBORw=="),
        ("multipart/form-data; boundary=X", b"--X--", {"__ow_body": "LS1YLS0="}, "LS1YLS0="),
    ],
)
async def test_a_body_is_read_by_its_type(
    web: Api, content_type: str, raw: bytes, normal: Any, plain: str
) -> None:
    common = {"__ow_method": "post", "__ow_path": ""}
    answer = await web("POST", f"{WEB}/w.json", raw=raw, Content_Type=content_type)
    assert arguments(answer) == {"preset": "P", **common, **normal}

    answer = await web("POST", f"{WEB}/raw.json?q=1&q=2", raw=raw, Content_Type=content_type)
    assert arguments(answer) == {**common, "__ow_query": "q=1&q=2", "__ow_body": plain}


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("text/plain; charset=utf-8", "text/plain; charset=UTF-8"),
        ("text/plain;charset=iso-8859-1", "text/plain; charset=ISO-8859-1"),
        ("text/plain; charset=Own", "text/plain; charset=Own"),
        ("application/json; charset=utf-8", "application/json"),
        ("application/x-www-form-urlencoded; charset=utf-8", "application/x-www-form-urlencoded"),
        ("multipart/form-data; boundary=X", "multipart/form-data; boundary=X"),
    ],
)
async def test_an_action_sees_the_type_of_a_body_with_its_character_set(
    web: Api, sent: str, seen: str
) -> None:
    answer = await web("POST", f"{WEB}/w.json", raw=b"7", Content_Type=sent)

    assert answer.json["__ow_headers"]["content-type"] == seen


async def test_a_header_that_an_action_says_travels_a_byte_a_character(whisk: Whisk, web: Api) -> None:
    code = "def main(a):\n    return {'headers': {'x-custom': 'ä€'}, 'body': 'ä'}\n"
    await whisk.api.make("w", code=code, annotations=[{"key": "web-export", "value": True}])
    answer = await web("GET", f"{WEB}/w")

    assert answer.headers["x-custom"].encode("utf-8", "surrogateescape") == b"\xe4?"
    assert answer.body == "ä".encode()


async def test_without_a_body_nothing_is_added(web: Api) -> None:
    assert arguments(await web("POST", f"{WEB}/w.json")) == {
        "preset": "P",
        "__ow_method": "post",
        "__ow_path": "",
    }
    assert (await web("POST", f"{WEB}/raw.json")).json["__ow_body"] == ""


async def test_the_body_beats_the_query(web: Api) -> None:
    assert (await web("POST", f"{WEB}/w.json?a=query", {"a": "body"})).json["a"] == "body"


async def test_bad_json_is_refused_unless_raw(web: Api) -> None:
    answer = await web("POST", f"{WEB}/w.json", raw=b"{bad")
    assert answer.status == 400
    assert answer.error.startswith("The request content was malformed:\nUnexpected character 'b'")
    assert (await web("POST", f"{WEB}/raw.json", raw=b"{bad")).json["__ow_body"] == "e2JhZA=="


@pytest.mark.parametrize("member", ["method", "headers", "path", "user", "query", "body"])
async def test_reserved_members_are_refused(web: Api, member: str) -> None:
    for answer in (
        await web("GET", f"{WEB}/w.json?__ow_{member}=x"),
        await web("POST", f"{WEB}/w.json", {f"__ow_{member}": "x"}),
    ):
        assert (answer.status, answer.error) == (400, RESERVED)
    assert (await web("GET", f"{WEB}/raw.json?__ow_{member}=x")).status == 200


async def test_final_parameters_are_refused(web: Api) -> None:
    for answer in (
        await web("GET", f"{WEB}/w.json?preset=x"),
        await web("POST", f"{WEB}/w.json", {"preset": 1}),
    ):
        assert (answer.status, answer.error) == (400, RESERVED)


async def test_a_body_over_a_mebibyte_is_413(web: Api) -> None:
    raw = b'{"p":"' + b"x" * (1 << 20) + b'"}'
    answer = await web("POST", f"{WEB}/w.json", raw=raw)

    assert (answer.status, answer.error) == (413, f"Request larger than allowed: {len(raw)} > 1048576 bytes.")


@pytest.mark.parametrize(
    "path",
    [
        "guest/default/nosuch.json",
        "guest/nosuch/w.json",
        "nosuch/default/w.json",
        "_/default/w.json",
        "guest/default/private.json",
        "guest/default/text.json",
        "guest/default/w.xyz",
        "guest/default/b*d.json",
        "guest/default/t.json",
    ],
)
async def test_what_is_not_exported_does_not_exist(whisk: Whisk, web: Api, path: str) -> None:
    await whisk.api.make("private")
    await whisk.api.make("text", annotations=[{"key": "web-export", "value": "true"}])
    await whisk.api.put("triggers/t")
    for caller in (web, whisk.api):
        answer = await caller("GET", f"/api/v1/web/{path}")
        assert (answer.status, answer.error) == (404, MISSING)


@pytest.mark.parametrize("path", ["guest/w.json", "guest/default", "guest/default/", ""])
async def test_without_an_action_in_it_a_path_is_the_apis(web: Api, path: str) -> None:
    assert (await web("GET", f"/api/v1/web/{path}")).status == 401


async def test_who_calls_is_told_if_it_is_known(whisk: Whisk, web: Api) -> None:
    assert (await whisk.system("GET", f"{WEB}/w.json")).json["__ow_user"] == "whisk.system"
    for header in ("Basic AAAA", "Bearer x", "Basic !"):
        assert "__ow_user" not in (await web("GET", f"{WEB}/w.json", Authorization=header)).json


async def test_the_activation_belongs_to_the_owner(whisk: Whisk, web: Api) -> None:
    answer = await whisk.system("GET", f"{WEB}/w.json")

    assert (await whisk.api.record(answer.activation_id))["namespace"] == "guest"


@pytest.mark.parametrize(
    ("secret", "header", "status"),
    [
        ("s3cret", None, 401),
        ("s3cret", "nope", 401),
        ("s3cret", "s3cret", 200),
        (12345, "12345", 200),
        (12345, "12346", 401),
        (False, None, 200),
        ([1], "[1]", 401),
        (True, "True", 401),
        (True, None, 401),
    ],
)
async def test_a_secret_protects(whisk: Whisk, secret: Any, header: str | None, status: int) -> None:
    await export(whisk.api, require_whisk_auth=secret)
    headers = {} if header is None else {"X_Require_Whisk_Auth": header}
    answer = await whisk.nobody("GET", f"{WEB}/w.json", **headers)

    assert answer.status == status
    if status == 401:
        assert answer.error == "Authentication is possible but has failed or not yet been provided."


async def test_true_wants_a_user_of_the_platform(whisk: Whisk) -> None:
    await export(whisk.api, require_whisk_auth=True)

    assert (await whisk.system("GET", f"{WEB}/w.json")).status == 200


async def test_options_are_answered_for_the_action(whisk: Whisk) -> None:
    await export(whisk.api, require_whisk_auth="s3cret")
    answer = await whisk.nobody("OPTIONS", f"{WEB}/w", Access_Control_Request_Headers="X-A, X-B")

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Methods"] == "OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH"
    assert answer.headers["Access-Control-Allow-Headers"] == "X-A, X-B"
    assert whisk.pool.calls == []


async def test_custom_options_reach_the_action_without_its_secret(whisk: Whisk) -> None:
    code = "def main(args):\n    return {'body': args['__ow_method'], 'headers': {'X-Mine': 'yes'}}\n"
    await export(whisk.api, code=code, require_whisk_auth="s3cret", web_custom_options=True)
    answer = await whisk.nobody("OPTIONS", f"{WEB}/w")

    assert (answer.status, answer.body, answer.headers["X-Mine"]) == (200, b"options", "yes")
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert (await whisk.nobody("GET", f"{WEB}/w")).status == 401


async def test_every_answer_allows_other_origins(whisk: Whisk, web: Api) -> None:
    for path in ("w.json", "w.html"):
        assert (await web("GET", f"{WEB}/{path}")).headers["Access-Control-Allow-Origin"] == "*"


async def test_an_action_that_fails_does_not_say_why(whisk: Whisk) -> None:
    await export(whisk.api, code="def main(args):\n    return 'secret'\n")
    answer = await whisk.nobody("GET", f"{WEB}/w.json")

    assert (answer.status, answer.error) == (400, "There was an error processing your request.")
    assert answer.activation_id


async def test_an_application_error_is_rendered(whisk: Whisk) -> None:
    error = "{'statusCode': 418, 'body': 'teapot', 'headers': {'X-A': '1'}}"
    await export(whisk.api, code=f"def main(args):\n    return {{'error': {error}}}\n")

    as_http = await whisk.nobody("GET", f"{WEB}/w")
    assert (as_http.status, as_http.body, as_http.headers["X-A"]) == (418, b"teapot", "1")
    as_json = await whisk.nobody("GET", f"{WEB}/w.json")
    assert (as_json.status, as_json.json["statusCode"]) == (200, 418)


async def test_an_array_is_500(whisk: Whisk) -> None:
    await export(whisk.api, code="def main(args):\n    return [1]\n")
    answer = await whisk.nobody("GET", f"{WEB}/w.json")

    assert (answer.status, answer.body) == (500, b"There was an internal server error.")


async def test_when_the_wait_is_over_the_answer_is_202(whisk: Whisk) -> None:
    whisk.platform.limits = type(whisk.platform.limits)(max_wait=50)
    await export(whisk.api)
    whisk.pool.open.clear()
    answer = await whisk.nobody("GET", f"{WEB}/w.json")

    assert (answer.status, answer.error) == (202, "Response not yet ready.")
    whisk.pool.open.set()
    assert (await whisk.api.record(answer.activation_id))["response"]["success"] is True


async def test_who_waits_for_an_environment_longer_than_anybody_may_is_told_so(whisk: Whisk) -> None:
    whisk.platform.limits = type(whisk.platform.limits)(max_wait=50)
    await export(whisk.api)
    whisk.pool.open.clear()
    whisk.pool.making = "Downloading torch (700 MB)"
    answer = await whisk.nobody("GET", f"{WEB}/w.json")

    assert (answer.status, answer.headers["Retry-After"]) == (503, "15")
    assert answer.error == (
        "The environment of the action is being made: Downloading torch (700 MB). "
        "The action was not called; ask again."
    )
    assert re.fullmatch(r"queue;dur=\d+\.\d, environment;dur=\d+\.\d", answer.headers["Server-Timing"])
    await becomes(lambda: whisk.platform.throttles.in_flight["guest"], 0)

    whisk.platform.limits = type(whisk.platform.limits)()
    whisk.pool.open.set()
    assert (await whisk.nobody("GET", f"{WEB}/w.json")).status == 200
    assert (await whisk.api("GET", "activations?limit=0&count=true")).json == {"activations": 1}


@pytest.mark.parametrize("code", [ECHO, "def main(args):\n    return 1\n"])
async def test_an_answer_says_what_took_how_long(whisk: Whisk, code: str) -> None:
    await export(whisk.api, code=code)
    answer = await whisk.nobody("GET", f"{WEB}/w.json")

    assert re.fullmatch(r"queue;dur=\d+\.\d, run;dur=\d+\.\d", answer.headers["Server-Timing"])


async def test_what_an_action_says_of_its_own_times_stays(whisk: Whisk) -> None:
    told = "{'headers': {'Server-Timing': 'decode;dur=3'}, 'body': 'x'}"
    await export(whisk.api, code=f"def main(args):\n    return {told}\n")
    answer = await whisk.nobody("GET", f"{WEB}/w.http")

    assert answer.headers.getall("Server-Timing")[0] == "decode;dur=3"  # type: ignore[attr-defined]


async def test_sequences_packages_and_bindings_work_alike(whisk: Whisk) -> None:
    await whisk.api.put("packages/p", {"parameters": [{"key": "pp", "value": "package"}]})
    await whisk.api.put("packages/b", {"binding": {"namespace": "_", "name": "p"}})
    await export(whisk.api, "p/w")
    body = {"exec": {"kind": "sequence", "components": ["/_/p/w"]}, "annotations": EXPORTED}
    await whisk.api.put("actions/s", body)

    for path in ("p/w", "b/w", "default/s"):
        got = (await whisk.nobody("GET", f"/api/v1/web/guest/{path}.json?a=1")).json
        assert (got["pp"], got["a"]) == ("package", "1")


async def test_head_has_no_body_and_other_verbs_pass(web: Api) -> None:
    assert (await web("HEAD", f"{WEB}/w.json")).body == b""
    for verb in ("PUT", "DELETE", "PATCH"):
        assert (await web(verb, f"{WEB}/w.json", {"a": 1})).json["__ow_method"] == verb.lower()


async def test_errors_are_pretty_and_carry_the_transaction(web: Api) -> None:
    answer = await web("GET", f"{WEB}/nosuch.json", X_Request_ID="mine")

    assert answer.json == {"error": MISSING, "code": "mine"}
    assert b'{\n  "error"' in answer.body
    assert answer.headers["Content-Type"] == "application/json"


async def test_what_a_client_does_not_accept_is_not_sent(whisk: Whisk, web: Api) -> None:
    code = "def main(a):\n    return {'body': 'x', 'statusCode': int(a.get('status', 200))}\n"
    await whisk.api.make("w", code=code, annotations=[{"key": "web-export", "value": True}])
    answer = await web("GET", f"{WEB}/w.http", Accept="application/json")

    says = "Resource representation is only available with these types:\ntext/html; charset=UTF-8"
    assert (answer.status, answer.error) == (406, says)
    assert (await web("GET", f"{WEB}/w.json", Accept="text/html")).status == 406
    for path, accept in (("w.json", "application/json"), ("w", "text/html"), ("w", "text/*;q=0.5")):
        assert (await web("GET", f"{WEB}/{path}", Accept=accept)).status == 200
    assert (await web("GET", f"{WEB}/w?status=418", Accept="application/json")).status == 418
