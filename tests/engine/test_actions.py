"""Actions: put, get, update, delete, and every way to get a body wrong."""

import base64
from typing import Any

import pytest

from fixtures.engine import ECHO, Api, Whisk

MALFORMED = "The request content was malformed:\n"
EXEC = {"kind": "python:3", "code": ECHO}


def as_map(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {entry["key"]: entry["value"] for entry in entries}


async def test_a_new_action_is_answered_in_full(api: Api) -> None:
    answer = await api(
        "PUT", "actions/a", {"exec": {**EXEC, "main": "f"}, "parameters": [{"key": "p", "value": None}]}
    )

    assert answer.status == 200
    action = answer.json
    assert isinstance(action.pop("updated"), int)
    assert as_map(action.pop("annotations")) == {"provide-api-key": False, "exec": "python:3"}
    assert action == {
        "namespace": "guest",
        "name": "a",
        "version": "0.0.1",
        "publish": False,
        "exec": {"kind": "python:3", "code": ECHO, "binary": False, "main": "f"},
        "parameters": [{"key": "p", "value": None}],
        "limits": {"timeout": 60000, "memory": 256, "logs": 10, "concurrency": 1},
    }


async def test_code_is_left_out_when_it_is_not_wanted(api: Api) -> None:
    await api.make("a")

    assert (await api("GET", "actions/a?code=false")).json["exec"] == {"kind": "python:3", "binary": False}
    assert (await api("GET", "actions/a")).json["exec"]["code"] == ECHO
    answer = await api("GET", "actions/a?code=maybe")
    assert answer.error == "The query parameter 'code' was malformed:\n'maybe' is not a valid Boolean value"


async def test_an_existing_action_is_kept_unless_overwritten(api: Api) -> None:
    await api.make("a")
    answer = await api("PUT", "actions/a", {"exec": EXEC})

    assert (answer.status, answer.error) == (409, "resource already exists")


async def test_an_update_keeps_what_it_leaves_out_and_bumps_the_version(api: Api) -> None:
    await api.make("a", parameters=[{"key": "p", "value": 1}], annotations=[{"key": "x", "value": True}])
    action = await api.put(
        "actions/a", {"annotations": [{"key": "y", "value": 2}], "limits": {"timeout": 1000}}
    )

    assert action["version"] == "0.0.2"
    assert action["exec"]["code"] == ECHO
    assert action["parameters"] == [{"key": "p", "value": 1}]
    assert as_map(action["annotations"]) == {"x": True, "y": 2, "provide-api-key": False, "exec": "python:3"}
    assert action["limits"] == {"timeout": 1000, "memory": 256, "logs": 10, "concurrency": 1}


async def test_annotations_can_be_removed(api: Api) -> None:
    await api.make("a", annotations=[{"key": "x", "value": 1}, {"key": "y", "value": 1}])
    action = await api.put(
        "actions/a", {"delAnnotations": ["x", "nosuch"], "annotations": [{"key": "exec", "value": "lies"}]}
    )

    assert as_map(action["annotations"]) == {"y": 1, "provide-api-key": False, "exec": "python:3"}


@pytest.mark.parametrize(("asked", "stored"), [("1.2.3", "1.2.3"), ("4", "4.0.0"), ("1.0", "1.0.0")])
async def test_a_version_may_be_given(api: Api, asked: str, stored: str) -> None:
    await api.make("a")

    assert (await api.put("actions/a", {"version": asked}))["version"] == stored


@pytest.mark.parametrize(
    ("asked", "kept"),
    [("python:default", "python:3"), (" Python:3.11 ", "python:3.11"), ("python:3", "python:3")],
)
async def test_the_resolved_kind_is_kept(api: Api, asked: str, kept: str) -> None:
    await api.make("a", exec={"kind": asked})
    action = (await api("GET", "actions/a")).json

    assert action["exec"]["kind"] == kept
    assert as_map(action["annotations"])["exec"] == kept


@pytest.mark.parametrize(
    ("code", "binary"),
    [
        (ECHO, False),
        ("main", True),
        ("AAAA", True),
        ("", False),
        (base64.b64encode(b"PK").decode(), True),
        ("AAA", False),
    ],
)
async def test_binary_is_computed_whatever_the_client_says(api: Api, code: str, binary: bool) -> None:
    action = (await api.make("a", code, exec={"binary": not binary})).json

    assert action["exec"]["binary"] is binary


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "exec undefined"),
        ({"exec": "x"}, MALFORMED + "JSON object expected"),
        ({"exec": {"code": ""}}, MALFORMED + "'kind' must be a string defined in 'exec'"),
        ({"exec": {"kind": 3}}, MALFORMED + "'kind' must be a string defined in 'exec'"),
        (
            {"exec": {"kind": "cobol:default", "code": ""}},
            MALFORMED
            + "The specified runtime 'cobol:default' is not supported by this platform. "
            + "Valid values are: 'python:3', 'python:3.11', 'sequence', 'blackbox'.",
        ),
        (
            {"exec": {"kind": "python:3"}},
            MALFORMED
            + "'code' must be a string or attachment object defined in 'exec' for 'python:3' actions",
        ),
        (
            {"exec": {"kind": "python:3", "code": 7}},
            MALFORMED + "Could not deserialize as attachment record: 7",
        ),
        (
            {"exec": {**EXEC, "main": 7}},
            MALFORMED + "if defined, 'main' be a string in 'exec' for 'python:3' actions",
        ),
        (
            {"exec": {"kind": "blackbox"}},
            MALFORMED + "'image' must be a string defined in 'exec' for 'blackbox' actions",
        ),
        ({"exec": {"kind": "blackbox", "image": ""}}, MALFORMED + "could not parse image name"),
        ({"exec": EXEC, "parameters": {}}, MALFORMED + "parameters malformed!"),
        ({"exec": EXEC, "parameters": [{"key": "a"}]}, MALFORMED + "parameters malformed!"),
        ({"exec": EXEC, "annotations": "x"}, MALFORMED + "parameters malformed!"),
        ({"exec": EXEC, "publish": "yes"}, MALFORMED + 'Expected JsBoolean, but got "yes"'),
        ({"exec": EXEC, "version": "x.y"}, MALFORMED + "semantic version malformed"),
        ({"exec": EXEC, "version": "0.0.0"}, MALFORMED + "semantic version malformed"),
        ({"exec": EXEC, "version": 2}, MALFORMED + "semantic version malformed"),
        ([], MALFORMED + "Object expected in field 'exec'"),
        ("x", MALFORMED + "Object expected in field 'exec'"),
        (None, MALFORMED + "Object expected in field 'exec'"),
    ],
)
async def test_a_wrong_body_says_what_is_wrong(api: Api, body: Any, says: str) -> None:
    answer = await api("PUT", "actions/a", body)

    assert (answer.status, answer.error) == (400, says)


async def test_a_body_must_be_json_that_says_so(api: Api) -> None:
    for content_type in ("application/x-www-form-urlencoded", "text/plain", "application/octet-stream"):
        answer = await api("PUT", "actions/a", {"exec": EXEC}, Content_Type=content_type)
        text = f"The request's Content-Type [{content_type}] is not supported. Expected:\napplication/json"
        assert (answer.status, answer.error) == (415, text)
    answer = await api("PUT", "actions/a", {"exec": EXEC}, Content_Type="application/json; charset=utf-8")
    assert answer.status == 200


async def test_bad_json_and_bad_utf8_are_400(api: Api) -> None:
    for raw in (b"{", b"\xff", b'{"exec": "\xc3"}', b""):
        answer = await api("PUT", "actions/a", raw=raw)
        assert answer.status == 400
        assert answer.error.startswith(MALFORMED)


@pytest.mark.parametrize(
    "image", ["img", "me/img:tag", "reg.example.com:5000/a/b:1", "me/img@sha256:" + "0" * 64, "deepwhisk/x:1"]
)
async def test_any_image_is_taken_and_prepared(whisk: Whisk, image: str) -> None:
    body = {"exec": {"kind": "blackbox", "image": f" {image} ", "code": "  "}}
    answer = await whisk.api("PUT", "actions/own", body)
    assert answer.json["exec"] == {"kind": "blackbox", "image": image, "binary": False}
    assert (whisk.pool.prepared[-1].image, whisk.pool.prepared[-1].code) == (image, "")


@pytest.mark.parametrize(
    "image", ["a b", "me/Img", "/img", "img:", "img:a:b", "me//img", "img@sha256", "https://a/b"]
)
async def test_what_is_no_name_of_an_image_is_refused(api: Api, image: str) -> None:
    answer = await api("PUT", "actions/b", {"exec": {"kind": "blackbox", "image": image}})
    assert (answer.status, answer.error) == (400, MALFORMED + "could not parse image name")


async def test_what_an_action_needs_is_prepared_when_it_is_put(whisk: Whisk) -> None:
    await whisk.api.make("a", limits={"memory": 300, "timeout": 500, "logs": 1, "concurrency": 2})
    executable = whisk.pool.prepared[0]

    assert executable.key[:2] == ("guest", "guest/a")
    assert (executable.memory, executable.timeout, executable.logs, executable.concurrency) == (
        300,
        500,
        1,
        2,
    )
    assert (executable.kind, executable.code) == ("python:3", ECHO)


async def test_any_update_is_another_executable(whisk: Whisk) -> None:
    await whisk.api.make("a")
    await whisk.api("DELETE", "actions/a")
    await whisk.api.make("a")
    await whisk.api.put("actions/a", {"annotations": []})

    assert len({executable.key for executable in whisk.pool.prepared}) == 3


async def test_a_deleted_action_is_answered_and_gone(api: Api) -> None:
    await api.make("a")
    answer = await api("DELETE", "actions/a", {"x": 1})

    assert (answer.status, answer.json["exec"]["code"]) == (200, ECHO)
    for verb in ("GET", "DELETE", "POST"):
        gone = await api(verb, "actions/a")
        assert (gone.status, gone.error) == (404, "The requested resource does not exist.")


async def test_a_name_belongs_to_one_collection(api: Api) -> None:
    await api.put("triggers/t")
    for verb, path in (
        ("GET", "actions/t"),
        ("DELETE", "actions/t"),
        ("POST", "actions/t"),
        ("GET", "packages/t"),
    ):
        answer = await api(verb, path)
        assert (answer.status, answer.error) == (
            409,
            "Resource by this name exists but is not in this collection.",
        )
    answer = await api("PUT", "actions/t?overwrite=true", {"exec": EXEC})
    assert answer.status == 409


async def test_names_are_percent_decoded(api: Api) -> None:
    answer = await api("PUT", "actions/with%20space", {"exec": EXEC})

    assert answer.json["name"] == "with space"
    assert (await api("GET", "actions/p%2Fa")).error == "The name of the entity contains illegal characters."


async def test_parameters_keep_their_last_value_and_init(api: Api) -> None:
    entries = [{"key": "a", "value": 1}, {"key": "a", "value": 2, "init": True, "encryption": "aes"}]
    action = (await api.make("a", parameters=entries)).json

    assert action["parameters"] == [{"key": "a", "value": 2, "init": True, "encryption": "aes"}]
