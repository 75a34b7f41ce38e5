"""What every request has in common, and what is outside of the namespaces."""

import asyncio
import base64
from urllib.parse import urlsplit

import pytest

from fixtures.engine import Api, Whisk

NO_ROUTE = "The requested resource could not be found."


async def test_the_root_says_limits_and_runtimes_as_plain_json(whisk: Whisk) -> None:
    answer = await whisk.nobody("GET", "/", Content_Type="application/json; charset=UTF-8")

    assert answer.headers["Content-Type"] == "application/json"
    assert [each["kind"] for each in answer.json["runtimes"]["python"]] == ["python:3", "python:3.11"]
    assert [each["default"] for each in answer.json["runtimes"]["python"]] == [True, False]
    limits = answer.json["limits"]
    assert limits["min_action_memory"] == 128 << 20
    assert limits["max_action_duration"] == limits["default_max_action_duration"] == 3_600_000
    assert answer.json["api_paths"] == ["/api/v1"]


async def test_the_api_says_its_version(whisk: Whisk) -> None:
    for path in ("/api/v1", "/api/v1/"):
        about = (await whisk.nobody("GET", path)).json
        assert (about["api_version"], about["api_version_path"]) == ("1.0.0", "v1")
        assert about["build"].startswith("20")


async def test_the_api_documents_itself(whisk: Whisk) -> None:
    document = (await whisk.nobody("GET", "/api/v1/api-docs")).json

    assert document["swagger"] == "2.0"
    assert set(document["paths"]["/namespaces/{namespace}/actions/{name}"]) == {
        "get",
        "put",
        "post",
        "delete",
    }


async def test_health_can_be_asked_by_anybody(whisk: Whisk) -> None:
    assert (await whisk.nobody("GET", "/ping")).body == b"pong"
    assert (await whisk.nobody("GET", "/environments")).json == [
        {"digest": "0", "state": "ready", "phase": ""}
    ]
    assert (await whisk.nobody("GET", "/invokers/healthy/count")).json == 1
    assert (await whisk.nobody("GET", "/invokers/ready")).json == {"healthy": "1/1"}


async def test_what_is_unknown_outside_of_the_api_is_405(whisk: Whisk) -> None:
    for verb, path in (
        ("GET", "/nosuch"),
        ("POST", "/nosuch"),
        ("GET", "/api/v2/namespaces"),
        ("GET", "/api/v1x"),
    ):
        answer = await whisk.nobody(verb, path)
        assert (answer.status, answer.headers["Allow"]) == (405, "OPTIONS")
        assert answer.error == "HTTP method not allowed, supported methods: OPTIONS"
    answer = await whisk.nobody("POST", "/", {})
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, OPTIONS")


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/api/v1/nosuch"),
        ("GET", "nosuch"),
        ("POST", "/api/v1/namespaces"),
        ("GET", "/api/v1/namespaces/_"),
        ("PUT", "actions"),
        ("POST", "actions"),
        ("DELETE", "actions"),
        ("HEAD", "actions"),
        ("PATCH", "actions/a"),
        ("HEAD", "triggers/t"),
        ("GET", "/actions"),
        ("PUT", "actions/a/"),
        ("GET", "actions/a/b/c"),
        ("PUT", "rules"),
        ("GET", "/api/v1/namespaces/_//actions"),
        ("POST", "packages/p"),
        ("GET", "triggers/t/x"),
        ("POST", "/api/v1"),
    ],
)
async def test_a_verb_a_resource_does_not_know_is_404(api: Api, verb: str, path: str) -> None:
    path = "/api/v1/namespaces/_/actions/a/b/c" if path == "/actions" else path
    answer = await api(verb, path, {} if verb in ("PUT", "POST", "PATCH") else "")

    assert answer.status == 404
    assert verb == "HEAD" or answer.error == NO_ROUTE


async def test_options_need_no_credentials(whisk: Whisk) -> None:
    for path in ("/api/v1/namespaces", "/api/v1/namespaces/_/actions/x", "/api/v1/namespaces/_/nosuch"):
        answer = await whisk.nobody("OPTIONS", path)
        assert (answer.status, answer.body) == (200, b"OK")
        assert answer.headers["Access-Control-Allow-Methods"] == "GET, DELETE, POST, PUT, HEAD"


async def test_options_outside_of_the_api_say_what_may_be_done_there(whisk: Whisk) -> None:
    answer = await whisk.nobody("OPTIONS", "/")

    assert (answer.status, answer.body) == (200, b"OK")
    assert answer.headers["Access-Control-Allow-Methods"] == "OPTIONS, GET, POST"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_trace_is_405(api: Api) -> None:
    answer = await api("TRACE", "actions/a")

    assert (answer.status, answer.headers["Allow"]) == (405, "PUT, GET, DELETE, POST, HEAD, OPTIONS, PATCH")


async def test_answers_allow_other_origins(api: Api) -> None:
    for answer in (
        await api("GET", "actions"),
        await api("GET", "actions/nosuch"),
        await api("DELETE", "packages/x"),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


async def test_a_transaction_id_is_echoed_or_made(api: Api) -> None:
    mine = await api("GET", "actions/nosuch", X_Request_ID="mytid12345")
    assert mine.headers["X-Request-ID"] == mine.json["code"] == "mytid12345"

    made = [(await api("GET", "actions/nosuch", **{"X_Request_ID": "sid_x"})).json["code"] for _ in range(2)]
    assert all(len(code) == 32 and code.isalnum() for code in made)
    assert made[0] != made[1]


async def test_only_json_is_offered(api: Api) -> None:
    await api.make("a")
    answer = await api("GET", "actions/a", Accept="text/html")

    assert answer.status == 406
    assert answer.error == "Resource representation is only available with these types:\napplication/json"
    assert (await api("GET", "actions/nosuch", Accept="text/html")).status == 404
    for accept in ("application/json", "*/*", "text/html, */*;q=0.1", "application/*", "json", ""):
        assert (await api("GET", "actions/a", Accept=accept)).status == 200
    for accept in ("application/vnd.api+json", "*/*;q=0", "application/json;q=0, */*", "text/*;level=1"):
        assert (await api("GET", "actions/a", Accept=accept)).status == 406


async def test_a_state_is_set_whatever_is_accepted(api: Api) -> None:
    await api.make("a")
    await api.put("triggers/t")
    await api.put("rules/r", {"trigger": "/_/t", "action": "/_/a"})

    answer = await api("POST", "rules/r", {"status": "inactive"}, Accept="application/json")
    assert (answer.status, answer.body) == (200, b"OK")


async def test_a_bug_in_the_engine_is_500_and_the_next_request_works(
    whisk: Whisk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(whisk.platform, "registry", None)
        answer = await whisk.api("GET", "actions", X_Request_ID="mine")
    assert (answer.status, answer.json) == (
        500,
        {"error": "There was an internal server error.", "code": "mine"},
    )
    assert "mine" in caplog.text
    assert (await whisk.api("GET", "actions")).json == []


async def test_an_api_that_only_knows_two_values_of_a_flag_says_so(api: Api) -> None:
    answer = await api("PUT", "actions/a?overwrite=perhaps", {})

    assert (
        answer.error
        == "The query parameter 'overwrite' was malformed:\n'perhaps' is not a valid Boolean value"
    )


async def test_logs_are_forwarded_nowhere(whisk: Whisk) -> None:
    path = "/runtime/namespaces/guest/logForwarding"

    asked = await whisk.api("GET", path)
    assert (asked.status, asked.json) == (200, {})
    assert (await whisk.nobody("GET", path)).status == 401
    assert (await whisk.system("GET", path)).status == 403
    assert (await whisk.api("PUT", path, {})).status == 405


async def test_a_request_may_name_the_whole_address(whisk: Whisk) -> None:
    await whisk.api.make("a")
    address = urlsplit(whisk.api.address)
    credentials = base64.b64encode(str(whisk.api.credentials).encode()).decode()
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(
        f"GET https://a.org/api/v1/namespaces/_/actions/a?code=false HTTP/1.1\r\nHost: a.org\r\n"
        f"Authorization: Basic {credentials}\r\nConnection: close\r\n\r\n".encode()
    )
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b'"name":"a"' in answer
