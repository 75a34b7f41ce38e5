"""Each request that the deployer makes is one that stock clients make, with members that they send."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import pytest

from deepwhisk.deploy import Gateway, Order, apply, plan_deployment, plan_removal
from deepwhisk.deploy.export import Chosen, collect
from deepwhisk.manifest import find_origin
from deepwhisk.whisk import Whisk
from fixtures.engine import Engine
from fixtures.project import Deployment

NAME = r"[\w@ .&-]+"
BELOW = r"/api/v1/namespaces/(_|[\w.]+)"
ENTITY = {"name", "namespace", "annotations", "parameters", "publish", "version"}
LISTED = {"limit", "skip"}
GATEWAY = {"accesstoken", "spaceguid"}
PUT = {"overwrite"}

# method, path, members of the query, members of the body; from §1.8, 2, 5, 6, 9 and 11 of the contract.
KNOWN: list[tuple[str, str, set[str], set[str] | None]] = [
    ("GET", "/", set(), None),
    ("GET", "/api/v1/namespaces", set(), None),
    ("GET", f"{BELOW}/limits", set(), None),
    ("GET", f"{BELOW}/(actions|packages|triggers|rules)", LISTED, None),
    ("GET", f"{BELOW}/actions/({NAME}/)?{NAME}", {"code"}, None),
    ("GET", f"{BELOW}/(packages|triggers|rules)/{NAME}", set(), None),
    ("PUT", f"{BELOW}/packages/{NAME}", PUT, ENTITY | {"binding"}),
    ("PUT", f"{BELOW}/actions/({NAME}/)?{NAME}", PUT, ENTITY | {"exec", "limits", "delAnnotations"}),
    ("PUT", f"{BELOW}/triggers/{NAME}", PUT, ENTITY),
    ("PUT", f"{BELOW}/rules/{NAME}", PUT, ENTITY | {"trigger", "action", "status"}),
    ("POST", f"{BELOW}/rules/{NAME}", set(), {"status", "trigger", "action"}),
    ("DELETE", f"{BELOW}/actions/({NAME}/)?{NAME}", set(), None),
    ("DELETE", f"{BELOW}/(packages|triggers|rules)/{NAME}", set(), None),
    ("POST", f"{BELOW}/actions/({NAME}/)?{NAME}", {"blocking", "result"}, None),
    ("GET", f"{BELOW}/activations/[0-9a-f]{{32}}", set(), None),
    (
        "GET",
        "/api/v1/web/whisk.system/apimgmt/getApi.http",
        GATEWAY | {"basepath", "relpath", "operation", "limit", "skip"},
        None,
    ),
    ("POST", "/api/v1/web/whisk.system/apimgmt/createApi.http", GATEWAY | {"responsetype"}, {"apidoc"}),
    (
        "DELETE",
        "/api/v1/web/whisk.system/apimgmt/deleteApi.http",
        GATEWAY | {"basepath", "relpath", "operation"},
        None,
    ),
]
APIDOC = {
    "namespace",
    "gatewayBasePath",
    "gatewayPath",
    "gatewayMethod",
    "id",
    "apiName",
    "action",
    "pathParameters",
    "swagger",
}
BACKEND = {"name", "namespace", "backendMethod", "backendUrl", "authkey", "secureKey"}
LIFECYCLE = {"lifecycleEvent", "triggerName", "authKey"}


class Recorded(Whisk):
    """A client that remembers what it sent."""

    def __init__(self, apihost: str, auth: str) -> None:
        super().__init__(apihost, auth)
        self.sent: list[tuple[str, str, Any, Mapping[str, Any]]] = []

    def send(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> Any:
        self.sent.append((method, unquote(path), body, query or {}))
        return super().send(method, path, body, query)


@pytest.fixture
def recorded(engine: Engine, deployment: Deployment) -> Iterator[Recorded]:
    whisk = Recorded(engine.apihost, engine.auth)
    yield whisk
    whisk.close()


def unknown(method: str, path: str, body: Any, query: Mapping[str, Any]) -> str:
    """What is not in the contract about a request; empty when all is."""
    for verb, pattern, members, allowed in KNOWN:
        if verb == method and re.fullmatch(pattern, path):
            extra = set(query) - members | (set(body or {}) - allowed if allowed is not None else set())
            return f"{method} {path}: {extra}" if extra else ""
    return f"{method} {path}"


def test_every_request_of_a_whole_life_is_in_the_contract(deployment: Deployment, recorded: Recorded) -> None:
    name = deployment.name
    route = (
        f"      apis: {{T: {{/{name}: {{'/p': {{add: {{method: get, response: http}}}}}}}}}}\n    default:"
    )
    bound = f"      dependencies: {{{name}-b: {{location: /_/{name}, inputs: {{a: 1}}}}}}\n      actions:\n"
    deployment.edit("    default:", route)
    deployment.edit("      actions:\n", bound)
    deployment.plan()  # writes the manifest
    order = Order(find_origin(deployment.folder), {})
    apply(plan_deployment(order, recorded), recorded)
    deployment.edit("bucket: b", "bucket: c")
    deployment.edit("memorySize: 256", "memorySize: 300")
    deployment.plan()
    changed = Order(find_origin(deployment.folder), {})
    apply(plan_deployment(changed, recorded), recorded)
    apply(plan_deployment(order, recorded), recorded)
    collect(Chosen(name), recorded, Gateway(recorded))
    apply(plan_removal(order.manifest(), recorded), recorded)

    assert [said for request in recorded.sent if (said := unknown(*request))] == []
    documents = [body["apidoc"] for method, path, body, _ in recorded.sent if path.endswith("createApi.http")]
    assert documents
    assert all(set(one) <= APIDOC and set(one["action"]) <= BACKEND for one in documents)
    feeds = [body for method, path, body, _ in recorded.sent if method == "POST" and path.endswith("/feed")]
    assert {body["lifecycleEvent"] for body in feeds} == {"CREATE", "READ", "UPDATE", "DELETE"}
    assert all(set(body) - LIFECYCLE <= {"bucket"} for body in feeds)
