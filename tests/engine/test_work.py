"""Odd input and bugs: an answer for everybody, a record for every call."""

import asyncio

import pytest

from deepwhisk.engine.invocation import Call, Executable, Outcome
from fixtures.engine import Api, Whisk


@pytest.mark.parametrize("depth", [100, 300, 900])
async def test_deep_payloads_come_back(api: Api, depth: int) -> None:
    await api.make("a")
    raw = b'{"a":' * depth + b"{}" + b"}" * depth
    answer = await api("POST", "actions/a?blocking=true&result=true", raw=raw)

    assert (answer.status, answer.body) == (200, raw)
    assert (await api("GET", f"activations/{answer.activation_id}/result")).body.count(b'"a":') == depth


async def test_a_payload_too_deep_is_refused(api: Api) -> None:
    await api.make("a")
    answer = await api("POST", "actions/a", raw=b'{"a":' * 5000 + b"1" + b"}" * 5000)

    assert answer.status == 400
    assert "Depth limit exceeded" in answer.error


async def test_large_numbers_and_any_text_come_back(api: Api) -> None:
    await api.make("a")
    payload = {"big": 12345678901234567890, "e": 1e300, "t": 'ü\x00\n"\\漢', "": "empty", "n": None}

    assert await api.result("a", payload) == payload


async def test_bytes_in_headers_and_urls_that_are_no_text_are_replaced(whisk: Whisk) -> None:
    await whisk.api.make("a", annotations=[{"key": "web-export", "value": True}])
    host, port = whisk.api.address.removeprefix("http://").split(":")
    for path in (b"/api/v1/web/guest/default/a.json/\xff?q=\xff%ff", b"/api/v1/namespaces/_/actions/\xff"):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"GET "
            + path
            + b" HTTP/1.1\r\nHost: h\r\nX-Odd: \xff\r\nX-Request-ID: \xfe\r\nConnection: close\r\n\r\n"
        )
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert answer.split(b" ", 2)[1] in (b"200", b"400", b"401")
        assert b"Internal" not in answer


async def test_a_bug_under_a_call_is_a_record(whisk: Whisk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(executable: Executable, call: Call) -> Outcome:
        raise RuntimeError("a bug")

    await whisk.api.make("a")
    monkeypatch.setattr(whisk.pool, "run", broken)
    answer = await whisk.api("POST", "actions/a?blocking=true")
    assert (answer.status, answer.json["response"]["status"]) == (500, "whisk internal error")
    assert answer.json["response"]["result"] == {"error": "There was an internal server error."}

    accepted = await whisk.api("POST", "actions/a")
    await whisk.api.record(accepted.activation_id)
    assert whisk.platform.database.read("SELECT * FROM accepted") == []


async def test_what_was_accepted_is_stored_before_the_answer(whisk: Whisk) -> None:
    await whisk.api.make("a")
    whisk.pool.open.clear()
    first = await whisk.api("POST", "actions/a", {"n": 1})
    second = await whisk.api("POST", "actions/a?blocking=true&timeout=20", {"n": 2})
    stored = [row[0] for row in whisk.platform.database.read("SELECT id FROM accepted ORDER BY rowid")]
    whisk.pool.open.set()

    assert stored == [first.activation_id, second.activation_id]
    for answer in (first, second):
        await whisk.api.record(answer.activation_id)
    assert whisk.platform.database.read("SELECT * FROM accepted") == []


async def test_ids_grow_with_time(api: Api) -> None:
    await api.make("a")
    ids = []
    for _ in range(3):
        ids.append((await api("POST", "actions/a?blocking=true")).activation_id)
        await asyncio.sleep(0.002)

    assert ids == sorted(ids)
