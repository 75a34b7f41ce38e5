"""`wsk api`: what the stock clients send to manage APIs, and what they are answered."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from deepwhisk.engine.apicalls import Asked
from deepwhisk.engine.apicalls import create as create_api
from deepwhisk.engine.apipaths import Unfit
from fixtures.engine import Api, Whisk, a_whisk
from fixtures.gateway import APIMGMT, apidoc, create, delete, swagger


async def listed(api: Api, **query: Any) -> list[dict[str, Any]]:
    answer = await api("GET", f"{APIMGMT}/getApi.http?{urlencode(query)}")
    assert answer.status == 200, answer.body
    apis: list[dict[str, Any]] = answer.json["apis"]
    return apis


async def documents(api: Api, **query: Any) -> dict[str, list[str]]:
    """The verbs and paths below each base path."""
    return {
        each["value"]["apidoc"]["basePath"]: [
            f"{verb} {path}" for path, item in each["value"]["apidoc"]["paths"].items() for verb in item
        ]
        for each in await listed(api, **query)
    }


@pytest.mark.parametrize("ext", [".http", ""])
async def test_an_api_is_created_as_clients_want_it_described(api: Api, ext: str) -> None:
    answer = await create(api, apidoc(action="pk/w", apiName="Hello"), ext=ext)

    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    url = f"{api.address}/api/v1/web/guest/pk/w.json"
    assert answer.json == {
        "namespace": "guest",
        "gwApiActivated": True,
        "tenantId": "guest",
        "gwApiUrl": f"{api.address}/api/guest/hello",
        "apidoc": {
            "swagger": "2.0",
            "info": {"title": "Hello", "version": "1.0.0"},
            "basePath": "/hello",
            "paths": {
                "/world": {
                    "get": {
                        "operationId": "getWorld",
                        "x-openwhisk": {"url": url, "namespace": "guest", "package": "pk", "action": "w"},
                        "responses": {"default": {"description": "Default response"}},
                    }
                }
            },
            "x-ibm-configuration": {
                "assembly": {
                    "execute": [
                        {
                            "operation-switch": {
                                "case": [
                                    {
                                        "operations": ["getWorld"],
                                        "execute": [{"invoke": {"target-url": url, "verb": "keep"}}],
                                    }
                                ]
                            }
                        }
                    ]
                },
                "cors": {"enabled": True},
            },
        },
    }
    assert await listed(api) == [{"id": "API:guest:/hello", "key": "API:guest:/hello", "value": answer.json}]


async def test_more_operations_join_the_api_of_their_base_path(api: Api) -> None:
    await create(api, apidoc(apiName="First"))
    await create(api, apidoc(verb="post", apiName="Later"))
    await create(api, apidoc("First", "/other", "PUT"))
    answer = await create(api, apidoc("/hello/", "/world", "GET", "another"))

    assert answer.json["apidoc"]["info"]["title"] == "First"
    assert await documents(api) == {"/hello": ["post /world", "get /world", "put /other"]}
    assert answer.json["apidoc"]["paths"]["/world"]["get"]["x-openwhisk"]["action"] == "another"
    cases = answer.json["apidoc"]["x-ibm-configuration"]["assembly"]["execute"][0]["operation-switch"]["case"]
    assert sorted(case["operations"][0] for case in cases) == ["getWorld", "postWorld", "putOther"]


async def test_paths_that_look_alike_have_operations_of_their_own(api: Api) -> None:
    await create(api, apidoc(path="/a-b", secret="one"))
    answer = await create(api, apidoc(path="/a/b", secret="two"))

    paths = answer.json["apidoc"]["paths"]
    assert [item["get"]["operationId"] for item in paths.values()] == ["getAB", "getAB2"]


@pytest.mark.parametrize(
    ("name", "namespace", "reached"),
    [
        ("w", "_", "guest/default/w"),
        ("pk/w", "guest", "guest/pk/w"),
        ("w", "whisk.system", "whisk.system/default/w"),
        ("/whisk.system/utils/echo", "guest", "whisk.system/utils/echo"),
        ("/_/w", "_", "guest/default/w"),
    ],
)
async def test_the_action_is_found_by_its_name_alone(
    api: Api, name: str, namespace: str, reached: str
) -> None:
    answer = await create(api, apidoc(action=name, namespace=namespace))

    found = answer.json["apidoc"]["paths"]["/world"]["get"]["x-openwhisk"]
    assert f"{found['namespace']}/{found['package']}/{found['action']}" == reached
    assert b"elsewhere" not in answer.body
    assert b"uuid:key" not in answer.body


@pytest.mark.parametrize("text", [True, False])
async def test_a_document_is_imported_and_exported(api: Api, text: bool) -> None:
    await create(api, apidoc("/books", "/old"))
    sent = swagger()
    answer = await create(api, {"namespace": "_", "swagger": json.dumps(sent) if text else sent})

    exported = answer.json["apidoc"]
    assert exported["info"] == sent["info"]
    operation = exported["paths"]["/all"]["get"]
    assert (operation["summary"], operation["operationId"]) == ("every book", "getAll")
    assert operation["x-openwhisk"]["url"] == f"{api.address}/api/v1/web/guest/default/w.json"
    assert await documents(api) == {"/books": ["get /all"]}

    again = await create(api, {"namespace": "_", "swagger": exported})
    assert again.json == answer.json


async def test_an_operation_may_name_its_action_by_address(api: Api) -> None:
    target = "https://elsewhere.example/api/v1/web/_/pk/w.text"
    switch = {"case": [{"operations": ["all"], "execute": [{"invoke": {"target-url": target}}]}]}
    doc = swagger(
        paths={"/all": {"get": {"operationId": "all"}}},
        **{"x-ibm-configuration": {"assembly": {"execute": [{"operation-switch": switch}]}}},
    )
    answer = await create(api, {"swagger": doc})

    operation = answer.json["apidoc"]["paths"]["/all"]["get"]
    assert operation["x-openwhisk"]["url"] == f"{api.address}/api/v1/web/guest/pk/w.text"
    assert b"elsewhere" not in answer.body


async def test_lists_are_filtered_and_cut(api: Api) -> None:
    await create(api, apidoc("/b", "/x", apiName="Bee"))
    await create(api, apidoc("/b", "/y", "POST"))
    await create(api, apidoc("/a", "/x", "POST"))
    await create(api, apidoc("/c", "/z"))

    everything = {"/a": ["post /x"], "/b": ["get /x", "post /y"], "/c": ["get /z"]}
    assert await documents(api) == await documents(api, limit=0) == everything
    assert await documents(api, basepath="/b") == {"/b": everything["/b"]}
    assert (
        await documents(api, basepath="Bee")
        == await documents(api, apiname="Bee")
        == {"/b": everything["/b"]}
    )
    assert await documents(api, relpath="/x") == {"/a": ["post /x"], "/b": ["get /x"]}
    assert await documents(api, operation="POST") == {"/a": ["post /x"], "/b": ["post /y"]}
    assert await documents(api, basepath="/b", relpath="/x", operation="post") == {}
    assert list(await documents(api, limit=1, skip=1)) == ["/b"]
    assert await documents(api, basepath="/nothing") == {}


async def test_a_verb_a_path_and_a_whole_api_are_deleted(api: Api) -> None:
    for path, verb in (("/x", "GET"), ("/x", "POST"), ("/y", "GET"), ("/z", "GET")):
        await create(api, apidoc("/b", path, verb, apiName="Bee"))

    assert (await delete(api, basepath="/b", relpath="/x", operation="GET")).json == {}
    assert await documents(api) == {"/b": ["post /x", "get /y", "get /z"]}
    assert (await delete(api, basepath="Bee", relpath="/y", force="true")).status == 200
    assert await documents(api) == {"/b": ["post /x", "get /z"]}
    assert (await delete(api, basepath="/b", relpath="/x", operation="post")).status == 200
    assert (await delete(api, basepath="/b", relpath="/z")).status == 200
    assert await documents(api) == {}

    await create(api, apidoc("/b"))
    assert (await delete(api, basepath="/b")).status == 200
    assert await documents(api) == {}


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"basepath": "/b"}, "API deletion failure: API '/b' does not exist."),
        ({"basepath": "Bee"}, "API deletion failure: API 'Bee' does not exist."),
        (
            {"basepath": "/hello", "relpath": "/x"},
            "API deletion failure: path '/x' does not exist in the API",
        ),
        (
            {"basepath": "/hello", "relpath": "/world", "operation": "PUT"},
            "API deletion failure: path '/world' with operation 'put' does not exist in the API",
        ),
        ({}, "API deletion failure: basepath is required."),
        (
            {"basepath": "/hello", "operation": "GET"},
            "API deletion failure: When specifying an operation, the path is required.",
        ),
    ],
)
async def test_what_is_not_there_cannot_be_deleted(api: Api, query: dict[str, str], text: str) -> None:
    await create(api, apidoc())
    answer = await delete(api, **query)

    assert (answer.status, answer.json) == (502, {"error": text})
    assert await documents(api) == {"/hello": ["get /world"]}


async def test_a_name_that_several_apis_have_does_not_say_which(api: Api) -> None:
    await create(api, apidoc("/a", apiName="Twin"))
    await create(api, apidoc("/b", apiName="Twin"))
    answer = await delete(api, basepath="Twin")

    assert answer.status == 502
    assert "2 APIs have the name 'Twin': say which by its path, of /a, /b." in answer.json["error"]


@pytest.mark.parametrize(
    ("doc", "text"),
    [
        (None, "apidoc is required."),
        ("{bad", "apidoc field cannot be parsed. Ensure it is valid JSON."),
        ([1], "apidoc field should be a JSON object or a JSON string."),
        ({"namespace": "_"}, "apidoc is missing the gatewayBasePath field"),
        (apidoc(base="nosuch"), "API 'nosuch' does not exist."),
        (apidoc(base="/a/{b}"), "The base path (/a/{b}) cannot have parameters."),
        (apidoc(path="rel"), "'rel' must begin with '/'."),
        (apidoc(path="/a?b"), "'/a?b' is no path: it holds '?' or '#'."),
        (apidoc(path="/a{b}"), "In '/a{b}' a parameter must stand alone between slashes"),
        (apidoc(path="/a/{b}"), "The action must use a response type of '.http' in order to receive"),
        (apidoc(verb="FETCH"), "'FETCH' is not a valid API verb. Valid values are: GET, PUT, POST"),
        (apidoc(action="a/b/c/d"), "'a/b/c/d' is not the name of an action."),
        (apidoc(action="../w"), "'../w' is not the name of an action."),
        (apidoc(pathParameters={}) | {"pathParameters": "x"}, "'pathParameters' must be an array."),
        (apidoc() | {"action": 7}, "action field should be a JSON object or a JSON string."),
        ({"swagger": "{bad"}, "swagger field cannot be parsed. Ensure it is valid JSON."),
        (
            {"swagger": swagger(), "gatewayBasePath": "/x"},
            "swagger and gatewayBasePath are mutually exclusive",
        ),
        ({"swagger": {"info": {}, "paths": {}}}, "swagger is missing the basePath field."),
        ({"swagger": swagger(paths=[1])}, "'paths' of swagger must be an object."),
        ({"swagger": swagger(base="books")}, "'books' must begin with '/'."),
        (
            {"swagger": swagger(paths={"/x": {"get": {"x-openwhisk": {}}}})},
            "names no action: it needs 'x-openwhisk'",
        ),
        ({"swagger": swagger(paths={"/x": 1})}, "'/x' must be an object."),
        ({"swagger": swagger(security=[{"key": []}])}, "'security', which this gateway does not enforce"),
        ({"swagger": swagger(**{"x-ibm-configuration": []})}, "'x-ibm-configuration' must be an object."),
    ],
)
async def test_what_cannot_be_an_api_is_refused_with_a_reason(api: Api, doc: Any, text: str) -> None:
    answer = await create(api, doc)

    assert answer.status == 502
    assert list(answer.json) == ["error"]
    assert answer.json["error"].startswith(f"API creation failure: {text}") or text in answer.json["error"]
    assert await listed(api) == []


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (
            {"x-openwhisk": {"action": "w", "url": "https://h/api/v1/web/_/default/w.json"}},
            "The action must use a response type of '.http' in order to receive the path parameters.",
        ),
        (
            {"x-openwhisk": {"action": "w", "url": "https://h/api/v1/web/_/default/w.http"}},
            "The parameter 'id' defined in path '/books/{id}' does not match any of the parameters defined",
        ),
    ],
)
async def test_an_imported_path_with_parameters_declares_them(
    api: Api, operation: dict[str, Any], text: str
) -> None:
    answer = await create(api, {"swagger": swagger(paths={"/books/{id}": {"get": operation}})})

    assert answer.status == 502
    assert text in answer.json["error"]


async def test_an_imported_target_must_be_told_the_path(api: Api) -> None:
    target = "https://h/api/v1/web/_/default/w.http"
    switch = {"case": [{"operations": ["one"], "execute": [{"invoke": {"target-url": target}}]}]}
    operation = {"operationId": "one", "parameters": [{"name": "id", "in": "path"}]}
    doc = swagger(
        paths={"/books/{id}": {"get": operation}},
        **{"x-ibm-configuration": {"assembly": {"execute": [{"operation-switch": switch}]}}},
    )
    answer = await create(api, {"swagger": doc})

    assert "The target-url for operationId 'one' must end in '$(request.path)'" in answer.json["error"]


@pytest.mark.parametrize(("key", "value"), [("limit", "201"), ("limit", "x"), ("skip", "-1")])
async def test_a_list_is_not_cut_at_nonsense(api: Api, key: str, value: str) -> None:
    answer = await api("GET", f"{APIMGMT}/getApi.http?{key}={value}")
    assert answer.status == 502
    assert f"'{key}' must be a whole number" in answer.json["error"]


async def test_what_is_declared_of_a_parameter_is_kept_and_the_rest_made(api: Api) -> None:
    declared = [{"name": "id", "in": "path", "type": "integer"}, {"name": []}, "nothing"]
    doc = apidoc(path="/books/{id}/{page}", pathParameters=declared)
    operation = (await create(api, doc, "http")).json["apidoc"]["paths"]["/books/{id}/{page}"]["get"]

    assert operation["parameters"][0] == declared[0]
    assert operation["parameters"][1]["name"] == "page"
    assert operation["parameters"][1]["required"] is True
    assert [each["name"] for each in operation["parameters"]] == ["id", "page"]


async def test_a_filter_is_text(api: Api) -> None:
    answer = await api("DELETE", f"{APIMGMT}/deleteApi", {"basepath": 7})
    assert answer.json == {"error": "API deletion failure: 'basepath' must be a string."}


async def test_a_namespace_that_is_called_as_a_version_has_no_apis(whisk: Whisk) -> None:
    asked = Asked(whisk.platform.apis, "v1", whisk.api.address, {"apidoc": apidoc()})
    with pytest.raises(Unfit, match="'v1' can have no API: /api/v1 is the platform's own"):
        create_api(asked)


async def test_an_unknown_response_type_is_refused(api: Api) -> None:
    answer = await create(api, apidoc(), "xml")
    assert "'xml' is no response type: it is one of html, http, json, svg, text." in answer.json["error"]


async def test_nobody_manages_apis_without_a_key(whisk: Whisk) -> None:
    for method, call in (("POST", "createApi"), ("GET", "getApi"), ("DELETE", "deleteApi")):
        for caller in (whisk.nobody, whisk.api.with_credentials("who:what")):
            answer = await caller(method, f"{APIMGMT}/{call}.http")
            assert answer.status == 401
            assert answer.error.startswith("Authentication is possible but has failed")


async def test_a_namespace_sees_and_changes_its_own_apis_only(whisk: Whisk) -> None:
    await create(whisk.api, apidoc())

    assert await listed(whisk.system) == []
    assert (await delete(whisk.system, basepath="/hello")).status == 502
    made = await create(whisk.system, apidoc() | {"namespace": "guest"})
    assert made.json["namespace"] == "whisk.system"
    assert await documents(whisk.api) == {"/hello": ["get /world"]}


async def test_the_space_is_the_callers(whisk: Whisk) -> None:
    other = str(whisk.system.credentials)[:36]
    for method, call in (("POST", "createApi"), ("GET", "getApi"), ("DELETE", "deleteApi")):
        answer = await whisk.api(method, f"{APIMGMT}/{call}.http?spaceguid={other}&basepath=/x")
        assert (answer.status, answer.error.startswith("The 'spaceguid' is not that of 'guest'")) == (
            403,
            True,
        )
    assert (await whisk.api("GET", f"{APIMGMT}/getApi.http?spaceguid=%C3%A4")).status == 403


async def test_calls_answer_their_own_verb(api: Api) -> None:
    answer = await api("POST", f"{APIMGMT}/getApi.http")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, OPTIONS")
    assert (await api("OPTIONS", f"{APIMGMT}/getApi.http")).status == 200
    assert (await api("GET", f"{APIMGMT}/nosuch.http")).status == 404


async def test_a_namespace_has_so_many_operations_and_no_more(api: Api) -> None:
    await create(api, apidoc())
    one = {"x-openwhisk": {"action": "w"}}
    paths = {f"/{number}": {"get": one} for number in range(2000)}
    answer = await create(api, {"swagger": swagger(paths=paths)})
    assert "2001 operations are more than the 2000 a namespace may have." in answer.json["error"]

    paths.popitem()
    assert (await create(api, {"swagger": swagger(paths=paths)})).status == 200
    assert (await create(api, apidoc("/more"))).status == 502
    assert (await create(api, apidoc())).status == 200


async def test_too_large_a_document_is_refused(api: Api) -> None:
    answer = await api("POST", f"{APIMGMT}/createApi.http", raw=b'{"apidoc":"' + b"x" * (1 << 20) + b'"}')
    assert answer.status == 413


async def test_apis_survive_the_engine(tmp_path: Path) -> None:
    async with a_whisk(tmp_path / "state") as first:
        await create(first.api, apidoc())
        await create(first.api, apidoc("/gone"))
        await delete(first.api, basepath="/gone")
    async with a_whisk(tmp_path / "state") as second:
        [found] = await listed(second.api)
        assert found["value"]["gwApiUrl"] == f"{second.api.address}/api/guest/hello"
        operation = found["value"]["apidoc"]["paths"]["/world"]["get"]
        assert operation["x-openwhisk"]["url"].startswith(second.api.address)


async def test_what_the_javascript_client_was_not_given_is_not_asked_for(api: Api) -> None:
    await create(api, apidoc())
    unsaid = dict.fromkeys(("relpath", "operation", "limit", "skip"), "undefined")

    assert await documents(api, basepath="undefined", **unsaid) == {"/hello": ["get /world"]}
    assert (await delete(api, basepath="/hello", relpath="undefined", operation="undefined")).status == 200
    assert await documents(api) == {}


async def test_operations_that_lead_nowhere_are_kept_and_listed(whisk: Whisk) -> None:
    verbs = ("put", "delete", "get", "head", "options", "patch", "post")
    doc = swagger(base="/bare", paths={"/": {verb: {"operationId": ""} for verb in verbs}})
    made = await create(whisk.api, {"swagger": doc})

    assert made.status == 200
    [found] = await listed(whisk.api)
    assert set(found["value"]["apidoc"]["paths"]["/"]) == set(verbs)
    assert (await whisk.nobody("GET", "/api/guest/bare/")).status == 404
