"""Activations: one by its id, many by name and time, or only their number."""

import asyncio
from typing import Any

import pytest

from fixtures.engine import Api, Whisk

QUERY = "The query parameter '{}' was malformed:\n{}"


@pytest.fixture
async def history(api: Api) -> Api:
    """Five calls of `a` a little apart, the fourth of which fails, and one of `p/x`."""
    await api.make("a")
    await api.put("packages/p")
    await api.make("p/x")
    for number in range(5):
        await api("POST", "actions/a?blocking=true", {"error": 1} if number == 3 else {"k": number})
        await asyncio.sleep(0.003)
    await api("POST", "actions/p/x?blocking=true")
    return api


async def listed(api: Api, query: str) -> Any:
    return (await api("GET", f"activations?{query}")).json


async def test_the_newest_come_first(history: Api) -> None:
    codes = [each["statusCode"] for each in await listed(history, "name=a")]
    starts = [each["start"] for each in await listed(history, "")]

    assert codes == [0, 1, 0, 0, 0]
    assert starts == sorted(starts, reverse=True)
    assert len(starts) == 6


async def test_a_list_item_has_no_result_unless_docs_are_asked_for(history: Api) -> None:
    [item] = await listed(history, "limit=1&name=a")
    [record] = await listed(history, "limit=1&name=a&docs=true")

    assert set(item) == {
        "activationId",
        "namespace",
        "name",
        "version",
        "publish",
        "start",
        "end",
        "duration",
        "statusCode",
        "annotations",
    }
    assert record["response"]["result"] == {"k": 4}
    assert record["logs"] == []


async def test_limit_and_skip_cut_the_list(history: Api) -> None:
    everything = await listed(history, "name=a&limit=0")

    assert await listed(history, "name=a&limit=2&skip=1") == everything[1:3]
    assert await listed(history, "name=a&skip=99") == []


async def test_count_leaves_out_what_is_skipped(history: Api) -> None:
    assert await listed(history, "count=true&name=a&limit=1") == {"activations": 5}
    assert await listed(history, "count=true&name=a&skip=2") == {"activations": 3}
    assert await listed(history, "count=true&skip=99") == {"activations": 0}
    answer = await history("GET", "activations?count=true&docs=true")
    assert answer.error == "The parameter 'docs' is not permitted with 'count'."


async def test_since_and_upto_are_inclusive(history: Api) -> None:
    middle = (await listed(history, "name=a"))[2]["start"]

    assert len(await listed(history, f"name=a&since={middle}")) == 3
    assert len(await listed(history, f"name=a&upto={middle}")) == 3
    assert await listed(history, "upto=1000") == []


async def test_a_name_may_have_a_package(history: Api) -> None:
    assert len(await listed(history, "name=p/x")) == 1
    assert await listed(history, "name=x") == []
    assert len(await listed(history, "name=/a")) == 5
    assert len(await listed(history, "name=")) == 6


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (
            "limit=201",
            QUERY.format("limit", "The value '201' is not in the range of 0 to 200 for activations."),
        ),
        (
            "limit=-1",
            QUERY.format("limit", "The value '-1' is not in the range of 0 to 200 for activations."),
        ),
        ("limit=x", QUERY.format("limit", "The value 'x' is not an integer for activations.")),
        ("limit=", QUERY.format("limit", "The value '' is not an integer for activations.")),
        (
            "skip=-1",
            QUERY.format("skip", "The value '-1' is not greater than or equal to 0 for activations."),
        ),
        ("since=x", QUERY.format("since", "Parameter is not a valid value for epoch seconds: x")),
        ("upto=x", QUERY.format("upto", "Parameter is not a valid value for epoch seconds: x")),
        (
            "upto=9223372036854775808",
            QUERY.format("upto", "Parameter is not a valid value for epoch seconds: 9223372036854775808"),
        ),
        ("docs=x", QUERY.format("docs", "'x' is not a valid Boolean value")),
        ("count=x", QUERY.format("count", "'x' is not a valid Boolean value")),
        (
            "name=a/b/c",
            QUERY.format("name", "Parameter may be a 'simple' name or 'package-name/simple' name: a/b/c"),
        ),
        (
            "name=b*d",
            QUERY.format("name", "Parameter may be a 'simple' name or 'package-name/simple' name: b*d"),
        ),
    ],
)
async def test_a_wrong_query_says_what_is_wrong(api: Api, query: str, says: str) -> None:
    answer = await api("GET", f"activations?{query}")

    assert (answer.status, answer.error) == (400, says)


async def test_one_activation_has_parts(history: Api) -> None:
    [item] = await listed(history, "name=a&limit=1")
    path = f"activations/{item['activationId']}"

    assert (await history("GET", path)).json["activationId"] == item["activationId"]
    assert (await history("GET", f"{path}/")).status == 200
    assert (await history("GET", f"{path}/logs")).json == {"logs": []}
    result = (await history("GET", f"{path}/result")).json
    assert result == {"status": "success", "success": True, "result": {"k": 4}, "size": 8}
    assert (await history("GET", f"{path}/nosuch")).status == 404


async def test_ids_are_checked_and_looked_up_at_home(whisk: Whisk, history: Api) -> None:
    [item] = await listed(history, "limit=1")
    missing = await history("GET", "activations/" + "a" * 32)
    assert (missing.status, missing.error) == (404, "The requested resource does not exist.")
    assert (await history("GET", "activations/abc")).error == "Activation id length is 3 but must be 32."
    assert (await whisk.system("GET", f"activations/{item['activationId']}")).status == 404


async def test_activations_are_only_read(history: Api) -> None:
    [item] = await listed(history, "limit=1")
    for verb in ("POST", "PUT", "DELETE", "HEAD"):
        assert (await history(verb, f"activations/{item['activationId']}", {})).status == 404


USED = {"container": "warm", "memoryPeak": 1 << 20, "cpuTime": 0.25}


async def test_what_a_call_used_is_said_to_whoever_asks(history: Api) -> None:
    [item] = await listed(history, "limit=1&name=a&usage=true")
    [record] = await listed(history, "limit=1&name=a&docs=true&usage=true")
    one = (await history("GET", f"activations/{item['activationId']}?usage=true")).json

    assert item["usage"] == record["usage"] == one["usage"] == USED
    assert record["response"] == one["response"]


async def test_records_are_those_of_openwhisk_for_whoever_does_not_ask(history: Api) -> None:
    [record] = await listed(history, "limit=1&name=a&docs=true")
    one = (await history("GET", f"activations/{record['activationId']}")).json

    assert "usage" not in record
    assert "usage" not in one


async def test_a_sequence_used_what_its_components_say(history: Api) -> None:
    await history.put("actions/s", {"exec": {"kind": "sequence", "components": ["/_/a"]}})
    await history("POST", "actions/s?blocking=true")

    assert "usage" not in (await listed(history, "limit=1&name=s&usage=true"))[0]
    assert (await listed(history, "limit=1&name=a&usage=true"))[0]["usage"] == USED


async def test_the_answer_to_a_call_has_it_in_headers(history: Api) -> None:
    for query in ("blocking=true", "blocking=true&result=true"):
        answer = await history("POST", f"actions/a?{query}")
        assert answer.headers["X-OW-Container"] == "warm"
        assert answer.headers["X-OW-CPU-Time"] == "0.250000"
        assert answer.headers["X-OW-Memory-Peak"] == str(1 << 20)
