"""Lists of entities: shapes, order, limits, counts."""

import pytest

from fixtures.engine import Api


@pytest.fixture
async def listed(api: Api) -> Api:
    await api.put("packages/p")
    for name in ("m0", "m1", "m2"):
        await api.make(f"p/{name}")
    await api.make("own")
    return api


async def names(api: Api, path: str) -> list[str]:
    return [entity["name"] for entity in (await api("GET", path)).json]


async def test_the_last_changed_comes_first(listed: Api) -> None:
    assert await names(listed, "actions") == ["own", "m2", "m1", "m0"]
    await listed.put("actions/p/m0", {"publish": True})
    assert await names(listed, "actions") == ["m0", "own", "m2", "m1"]


async def test_an_action_in_a_list_says_less(listed: Api) -> None:
    first = (await listed("GET", "actions/p/?limit=1")).json[0]

    assert first.pop("updated") > 0
    assert {note["key"] for note in first.pop("annotations")} == {"provide-api-key", "exec"}
    assert first == {
        "namespace": "guest/p",
        "name": "m2",
        "version": "0.0.1",
        "publish": False,
        "exec": {"binary": False},
        "limits": {"timeout": 60000, "memory": 256, "logs": 10, "concurrency": 1},
    }


async def test_a_trailing_slash_lists_a_package(listed: Api) -> None:
    assert await names(listed, "actions/p/") == ["m2", "m1", "m0"]
    assert await names(listed, "actions/p/?limit=0&skip=1") == ["m1", "m0"]
    assert (await listed("GET", "actions/p")).status == 409
    assert (await listed("GET", "actions/nosuch/")).error == "The requested resource does not exist."
    assert len(await names(listed, "actions/")) == 4


async def test_count_leaves_out_what_is_skipped(listed: Api) -> None:
    assert (await listed("GET", "actions?count=true&limit=1")).json == {"actions": 4}
    assert (await listed("GET", "actions/p/?count=true&skip=2")).json == {"actions": 1}
    assert (await listed("GET", "packages?count=yes&skip=9")).json == {"packages": 0}


async def test_thirty_by_default_and_two_hundred_for_zero(api: Api) -> None:
    for number in range(205):
        await api.put(f"triggers/t{number}")

    assert len(await names(api, "triggers")) == 30
    assert len(await names(api, "triggers?limit=0")) == 200
    assert len(await names(api, "triggers?limit=200&skip=100")) == 105
    assert len(await names(api, "triggers?limit=1&limit=2")) == 1


@pytest.mark.parametrize("collection", ["actions", "packages", "triggers", "rules"])
async def test_limits_name_their_collection(api: Api, collection: str) -> None:
    for query, says in (
        ("limit=201", f"The value '201' is not in the range of 0 to 200 for {collection}."),
        ("limit=x", f"The value 'x' is not an integer for {collection}."),
        ("limit=1_0", f"The value '1_0' is not an integer for {collection}."),
        ("limit=%201", f"The value ' 1' is not an integer for {collection}."),
        ("skip=2147483648", f"The value '2147483648' is not an integer for {collection}."),
        ("skip=-1", f"The value '-1' is not greater than or equal to 0 for {collection}."),
    ):
        key = query.partition("=")[0]
        answer = await api("GET", f"{collection}?{query}")
        assert (answer.status, answer.error) == (400, f"The query parameter '{key}' was malformed:\n{says}")


async def test_what_a_list_does_not_know_is_ignored(listed: Api) -> None:
    assert await names(listed, "actions?docs=true&since=99999999999999&limit=1") == ["own"]
