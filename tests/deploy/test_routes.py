"""Routes of the API gateway: made, led elsewhere and taken away with the project that says them."""

import json
from pathlib import Path

import pytest
import requests

from deepwhisk.deploy import Change, Gateway, apply
from deepwhisk.deploy.gateway import annotation, own_routes, read_routes
from deepwhisk.deploy.managed import pairs
from deepwhisk.errors import WhiskError
from deepwhisk.manifest import Api
from fixtures.project import Deployment

TEXT = """
project:
  name: NAME
  packages:
    NAME:
      actions:
        show:
          code: "def main(args):\\n    return {'body': {'path': args['__ow_path']}}\\n"
          runtime: "python:default"
          web: true
        other: {code: "def main(args):\\n    return {'other': 1}\\n", runtime: "python:default", web: true}
      apis:
        Books:
          /NAME:
            "/books/{id}": {show: {method: get, response: http}}
            /all: {other: {method: post, response: json}}
"""
SWAGGER = {
    "swagger": "2.0",
    "info": {"title": "Described", "version": "1.0.0"},
    "basePath": "/NAME-described",
    "paths": {
        "/it": {
            "get": {
                "operationId": "it",
                "x-openwhisk": {
                    "namespace": "_",
                    "package": "NAME",
                    "action": "other",
                    "url": "x/other.json",
                },
            }
        }
    },
}


@pytest.fixture
def routed(deployment: Deployment) -> Deployment:
    deployment.text = TEXT.replace("NAME", deployment.name)
    return deployment


def called(deployment: Deployment, method: str, path: str) -> requests.Response:
    url = f"{deployment.whisk.apihost}/api/guest/{deployment.name}{path}"
    return requests.request(method, url, timeout=60)


def apis(changes: list[str]) -> list[str]:
    return [change for change in changes if " api " in change]


def test_routes_are_made_after_their_actions_answer_and_are_no_change_then(routed: Deployment) -> None:
    made = routed.deploy()
    assert made[-2:] == [f"create api get /{routed.name}/books/{{id}}", f"create api post /{routed.name}/all"]
    assert called(routed, "GET", "/books/7").json() == {"path": f"/{routed.name}/books/7"}
    assert called(routed, "POST", "/all").json() == {"other": 1}
    assert routed.deploy() == []


def test_a_route_that_leads_elsewhere_is_a_change(routed: Deployment) -> None:
    routed.deploy()
    routed.edit("{other: {method: post, response: json}}", "{show: {method: post, response: http}}")
    [change] = [change for change in routed.plan() if change.kind == "api" and change.verb != "keep"]
    assert [(field.name, field.before, field.after) for field in change.fields] == [
        ("action", f"{routed.name}/other", f"{routed.name}/show"),
        ("response", "json", "http"),
    ]
    routed.deploy()
    assert "path" in called(routed, "POST", "/all").json()
    assert routed.deploy() == []


def test_a_route_that_somebody_deleted_is_made_again(routed: Deployment) -> None:
    routed.deploy()
    Gateway(routed.whisk).delete(Api("", f"/{routed.name}", "/all", "post", ""))
    assert routed.deploy() == [f"create api post /{routed.name}/all"]


def test_a_route_that_is_declared_no_longer_goes_and_one_of_others_stays(routed: Deployment) -> None:
    routed.deploy()
    theirs = Api("", f"/{routed.name}", "/theirs", "get", f"{routed.name}/other")
    Gateway(routed.whisk).create(theirs, "guest")
    routed.edit("            /all: {other: {method: post, response: json}}\n", "")
    assert apis(routed.deploy()) == [f"delete api post /{routed.name}/all"]
    assert called(routed, "POST", "/all").status_code == 404
    assert called(routed, "GET", "/theirs").status_code == 200
    assert routed.deploy() == []
    Gateway(routed.whisk).delete(theirs)


def test_a_changed_secret_of_an_action_is_shown_to_its_routes(routed: Deployment) -> None:
    routed.deploy()
    routed.edit(
        "'other': 1}\\n\", runtime", "'other': 1}\\n\", annotations: {require-whisk-auth: hush}, runtime"
    )
    assert apis(routed.deploy()) == [f"update api post /{routed.name}/all"]
    assert called(routed, "POST", "/all").json() == {"other": 1}
    assert routed.deploy() == []


def test_undeploying_takes_the_routes_first(routed: Deployment) -> None:
    routed.deploy()
    gone = routed.undeploy()
    assert sorted(apis(gone)) == sorted(gone[:2])
    assert len(gone) == 5
    assert Gateway(routed.whisk).routes([f"/{routed.name}"]) == ()


def test_a_swagger_document_is_deployed_whole(routed: Deployment) -> None:
    config = routed.folder / "api.json"
    config.write_text(json.dumps(SWAGGER).replace("NAME", routed.name))
    routed.edit(f"name: {routed.name}\n", f"name: {routed.name}\n  config: api.json\n")
    assert f"create api /{routed.name}-described" in routed.deploy()
    url = f"{routed.whisk.apihost}/api/guest/{routed.name}-described/it"
    assert requests.get(url, timeout=60).json() == {"other": 1}
    assert routed.deploy() == []

    config.write_text(config.read_text().replace("Described", "Described anew"))
    assert apis(routed.deploy()) == [f"update api /{routed.name}-described"]
    assert routed.deploy() == []

    routed.edit("  config: api.json\n", "")
    assert apis(routed.deploy()) == [f"delete api get /{routed.name}-described/it"]


def test_an_endpoint_without_a_gateway_is_said(routed: Deployment) -> None:
    class NoGateway(type(routed.whisk)):  # type: ignore[misc]
        def web(self, *_arguments: object, **_query: object) -> None:
            raise WhiskError("The requested resource does not exist.", 404)

    routed.whisk.close()
    routed.whisk = NoGateway(routed.whisk.apihost, routed.whisk.auth)
    with pytest.raises(WhiskError, match="has no API gateway, which the routes of this project need"):
        routed.deploy()


def test_what_an_action_remembers_of_its_routes_is_read_back() -> None:
    route = Api("Books", "/base", "/a path/{id}", "get", "p/a", "http")
    [found] = own_routes("p/a", {"annotations": pairs(annotation([route], "p/a"))})
    assert (found.base, found.path, found.method, found.action) == ("/base", "/a path/{id}", "get", "p/a")


def test_routes_of_a_document_are_those_that_lead_to_actions() -> None:
    backend = {"namespace": "guest", "package": "default", "action": "a.b", "url": "https://h/x/a.b.http"}
    document = {
        "basePath": "/b",
        "paths": {"/p": {"get": {"x-openwhisk": backend}, "parameters": [], "put": {}}},
    }
    assert list(read_routes(document)) == [Api("", "/b", "/p", "get", "/guest/a.b", "http")]


def test_a_failed_route_is_told_with_how_far_it_came(routed: Deployment, tmp_path: Path) -> None:
    changes = routed.plan()
    broken = [
        Change(
            change.verb, change.kind, change.name, body=change.body, api=Api("", "no-slash", "/", "get", "a")
        )
        if change.kind == "api"
        else change
        for change in changes
    ]
    with pytest.raises(WhiskError, match=r"Could not create api .*3 of 5 changes are made"):
        apply(broken, routed.whisk)
    assert len(apis(routed.deploy())) == 2
