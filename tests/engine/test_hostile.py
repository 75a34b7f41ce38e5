"""Requests that nobody means well with are refused in a sentence, and the engine goes on."""

import asyncio
from typing import Any

import pytest

from deepwhisk.engine.limits import Limits
from fixtures.engine import Api, Whisk, a_whisk

WEB = [{"key": "web-export", "value": True}]
FAR = 9223372036854775807


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize("query", [f"since={FAR}", f"upto={FAR}", f"upto=-{FAR}", "skip=2147483647"])
async def test_the_largest_times_and_numbers_find_nothing_or_everything(api: Api, query: str) -> None:
    await api.make("a")
    for collection in ("activations", "actions"):
        answer = await api("GET", f"{collection}?{query}")

        assert (answer.status, type(answer.json)) == (200, list)


@pytest.mark.parametrize("query", [f"since={FAR}0", f"upto=-{FAR}0", f"skip={FAR}", f"limit={FAR}0"])
async def test_larger_times_and_numbers_are_none(api: Api, query: str) -> None:
    answer = await api("GET", f"activations?{query}")

    assert answer.status == 400
    assert query.partition("=")[2] in answer.error


async def test_a_version_of_thousands_of_digits_is_refused(api: Api) -> None:
    answer = await api("PUT", "packages/p", {"version": "9" * 5000})

    assert (answer.status, answer.error) == (
        400,
        "The request content was malformed:\nsemantic version malformed",
    )


@pytest.mark.parametrize("depth", [911, 1000])
async def test_json_too_deep_to_be_written_again_is_refused_wherever_it_comes(api: Api, depth: int) -> None:
    await api.make("a", annotations=WEB)
    payload = b'{"a":%b}' % nested(depth)
    parameter = b'{"parameters":[{"key":"a","value":%b}]}' % nested(depth)

    for answer in (
        await api("POST", "actions/a", raw=payload),
        await api("POST", "actions/a?blocking=true", raw=payload),
        await api("POST", "/api/v1/web/guest/default/a.json", raw=payload),
        await api("PUT", "packages/p", raw=parameter),
        await api("PUT", "triggers/t", raw=parameter),
    ):
        assert (answer.status, "nested deeper than 910 levels" in answer.json["error"]) == (400, True)


async def test_what_is_as_deep_as_it_may_be_survives_a_restart(tmp_path: Any) -> None:
    async with a_whisk(tmp_path / "state") as whisk:
        value = b'{"parameters":[{"key":"a","value":%b}]}' % nested(900)
        assert (await whisk.api("PUT", "packages/p", raw=value)).status == 200
        assert (await whisk.api("GET", "packages/p")).status == 200
    async with a_whisk(tmp_path / "state") as whisk:
        assert nested(900) in (await whisk.api("GET", "packages/p")).body


async def test_brackets_in_texts_and_beside_each_other_are_not_depth(api: Api) -> None:
    await api.make("a")
    payload = {"text": "[" * 5000, "lists": [[]] * 5000}

    assert await api.result("a", payload) == payload


@pytest.mark.parametrize("name", ["unicode_escape", "utf-7", "idna", "punycode", "undefined", "hex", "ä"])
async def test_text_in_a_character_set_that_python_alone_knows_becomes_text(api: Api, name: str) -> None:
    await api.make("a", annotations=WEB)
    sent = {"raw": b"\\ud800 +2AA- \xff", "Content_Type": f"text/plain; charset={name}"}

    answer = await api("POST", "/api/v1/web/guest/default/a.json", **sent)

    assert (answer.status, type(answer.json["__ow_body"])) == (200, str)


async def test_a_web_action_cannot_break_its_answer(api: Api) -> None:
    headers = "{'x-a': 'a\\x01', 'x-b': 'b\\x7f', 'x-c': 'c\\td', 'x-d': 'e\\r\\nset-cookie: f'}"
    await api.make("a", f"def main(args): return {{'headers': {headers}, 'body': 'whole'}}", annotations=WEB)
    await api.make("b", "def main(args): return {'statusCode': '9' * 5000, 'body': ''}", annotations=WEB)

    answer = await api("GET", "/api/v1/web/guest/default/a.http")

    assert (answer.status, answer.body, answer.cookies) == (200, b"whole", [])
    assert [name for name in answer.headers if name.lower() in ("x-a", "x-b", "x-c", "x-d")] == ["x-c"]
    assert (await api("GET", "/api/v1/web/guest/default/b.http")).status == 400


async def test_a_body_that_says_it_is_too_large_is_refused_unread(whisk: Whisk) -> None:
    await whisk.api.make("a", annotations=WEB)
    host, port = whisk.api.address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /api/v1/web/guest/default/a.json HTTP/1.1\r\nHost: h\r\nContent-Length: 40000000\r\n\r\n"
    )

    assert b" 413 " in await reader.readline()
    writer.close()


async def test_sequences_that_stand_for_more_actions_than_anybody_can_count_are_refused_at_once(
    api: Api,
) -> None:
    await api.make("a")
    for number in range(9):
        await api.put(f"actions/s{number}", sequence("a"))
    for number in range(8, 0, -1):  # each is small when it is put, and together they are 50 ** 8
        await api.put(f"actions/s{number}", sequence(*[f"s{number - 1}"] * 50))

    answer = await api("PUT", "actions/all", sequence("s8"))

    assert (answer.status, answer.error) == (400, "Too many actions in the sequence.")


def sequence(*names: str) -> dict[str, Any]:
    return {"exec": {"kind": "sequence", "components": [f"/_/{name}" for name in names]}}


async def test_fires_add_no_calls_beyond_those_a_namespace_may_have_at_a_time(tmp_path: Any) -> None:
    async with a_whisk(tmp_path / "state", limits=Limits(concurrent_invocations=3)) as whisk:
        api = whisk.api
        await api.make("a")
        await api.put("triggers/t")
        await api.put("rules/r", {"trigger": "/_/t", "action": "/_/a"})
        whisk.pool.open.clear()
        fired = []
        for _ in range(5):
            fired.append((await api("POST", "triggers/t", {})).json["activationId"])
            await asyncio.sleep(0.01)
        logs = [(await api.record(each))["logs"][0] for each in fired]
        whisk.pool.open.set()

    assert ["Too many concurrent requests in flight" in line for line in logs] == [False] * 3 + [True] * 2


async def test_a_full_disk_is_no_promise_and_the_engine_goes_on_when_it_is_freed(whisk: Whisk) -> None:
    api, database = whisk.api, whisk.platform.database
    await api.make("a")
    await api.put("triggers/t")
    await api.put("rules/r", {"trigger": "/_/t", "action": "/_/a"})
    await api("POST", "actions/a?blocking=true", {})
    pages = database.read("PRAGMA page_count")[0][0]
    large = {"x": "y" * 500_000}

    database.write_now([(f"PRAGMA max_page_count={pages}", ())])
    refused = [
        await api("POST", "actions/a", large),
        await api("POST", "actions/a?blocking=true", large),
        await api("POST", "triggers/t", large),
        await api("PUT", "actions/b", {"exec": {"kind": "python:3", "code": "#" * 500_000}}),
    ]
    database.write_now([("PRAGMA max_page_count=1000000", ())])

    assert [answer.status for answer in refused] == [500] * 4
    assert (await api("GET", "actions/b")).status == 404
    assert (await api("POST", "actions/a?blocking=true", large)).status == 200
    assert (await api("POST", "triggers/t", large)).status == 202
    assert whisk.platform.throttles.in_flight["guest"] <= 1
