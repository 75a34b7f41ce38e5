"""Adobe's `aio runtime`, a whole `wsk` with deployment of manifests, against a real engine."""

import json
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest
import requests

from fixtures.engine import Engine, wait_until
from fixtures.foreign import Aio

HELLO = """function main(args) {
  console.log('said');
  return { hello: args.name || 'nobody', city: process.env.CITY };
}
"""
FEED = "function main(args) { return { event: args.lifecycleEvent, trigger: args.triggerName }; }\n"
PYTHON = "def main(args):\n    return {'python': args.get('name', 'nobody')}\n"


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"aio-{uuid.uuid4().hex[:8]}"


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    """The code of actions, in the folder where the tool runs."""
    for file, text in (("hello.js", HELLO), ("feed.js", FEED), ("hello.py", PYTHON)):
        (tmp_path / file).write_text(text)
    (tmp_path / "args.json").write_text('{"name": "of a file"}')
    with zipfile.ZipFile(tmp_path / "hello.zip", "w") as archive:
        archive.writestr("package.json", '{"main": "index.js"}')
        archive.writestr("index.js", "exports.main = args => ({ zipped: args });\n")


def records(engine: Engine, action: str) -> Any:
    """The activations of an action, the newest first."""
    asked = {"name": action, "docs": "true"}
    address = f"{engine.apihost}/api/v1/namespaces/_/activations"
    return requests.get(address, asked, auth=tuple(engine.auth.split(":")), timeout=60).json()


def test_the_namespace_and_the_properties_are_shown(aio: Aio, engine: Engine) -> None:
    listed, got, shown, build, *_, other = aio.well(
        "namespace list",
        "namespace get",
        "property get",
        "property get --apibuild --apibuildno",
        "property set --namespace other",
        "property get --namespace",
    )

    assert "guest" in listed.out
    assert [kind for kind in ("packages", "actions", "triggers", "rules") if kind in got.out]
    assert engine.apihost in shown.out
    assert "deepwhisk" in build.out
    assert "other" in other.out


def test_an_action_lives_and_ends(aio: Aio, name: str) -> None:
    with_all = (
        "--param name Ada --env CITY Oslo --annotation why because --memory 256 --timeout 30000 --logsize 5"
    )
    created, updated, copied, got, url, code, listed, counted = aio.well(
        f"action create {name} hello.js --json",
        f"action update {name} hello.js --json {with_all}",
        f"action create {name}-copy --copy {name} --json",
        f"action get {name}",
        f"action get {name} --url",
        f"action get {name} --code",
        "action list --limit 200",
        "action list --count --json",
    )

    assert (created.json["version"], created.json["exec"]["kind"]) == ("0.0.1", "nodejs:20")
    assert updated.json["version"] == "0.0.2"
    assert {each["key"]: each.get("init") for each in updated.json["parameters"]} == {
        "name": None,
        "CITY": True,
    }
    assert updated.json["limits"] == {"timeout": 30000, "memory": 256, "logs": 5, "concurrency": 1}
    assert {"key": "why", "value": "because"} in updated.json["annotations"]
    assert copied.json["parameters"] == updated.json["parameters"]
    assert "nodejs:20" in got.out
    assert url.out.strip().endswith(f"/api/v1/namespaces/guest/actions/{name}")
    assert code.out.strip() == HELLO.strip()
    assert f"{name}-copy" in listed.out
    assert counted.json["actions"] >= 2

    taken, deleted, _, gone = aio(
        f"action create {name} hello.js",
        f"action delete {name} --json",
        f"action delete {name}-copy",
        f"action get {name}",
    )
    assert "resource already exists (409 Conflict)" in str(taken.error)
    assert deleted.json["name"] == name
    assert "the requested resource does not exist. (404 Not Found)" in str(gone.error)


def test_an_action_is_invoked_in_each_way(aio: Aio, name: str) -> None:
    *_, result, whole, of_file, started, sequence, zipped, python = aio.well(
        f"action create {name} hello.js --param name Ada --env CITY Oslo",
        f"action create {name}-zip hello.zip --kind nodejs:default --main main",
        f"action create {name}-py hello.py --kind python:3",
        f"action create {name}-seq --sequence {name},{name}-py",
        f"action invoke {name} --blocking --result",
        f"action invoke {name} -b -p name Grace",
        f"action invoke {name} -r -P args.json",
        f"action invoke {name}",
        f"action invoke {name}-seq -r",
        f"action invoke {name}-zip -r --param x 1",
        f"action invoke {name}-py -r --param name Joan",
    )

    assert result.json == {"hello": "Ada", "city": "Oslo"}
    assert whole.json["response"]["result"]["hello"] == "Grace"
    assert of_file.json["hello"] == "of a file"
    assert list(started.json) == ["activationId"]
    assert sequence.json == {"python": "nobody"}
    assert zipped.json == {"zipped": {"x": "1"}}
    assert python.json == {"python": "Joan"}
    aio.well(*(f"action delete {name}{end}" for end in ("", "-zip", "-py", "-seq")))


def test_an_activation_can_be_looked_up(aio: Aio, engine: Engine, name: str) -> None:
    _, whole = aio.well(f"action create {name} hello.js", f"action invoke {name} -b")
    one = whole.json["activationId"]
    wait_until(lambda: records(engine, name))
    got, result, logs, of_action, listed, full, counted = aio.well(
        f"activation get {one}",
        f"activation result {one}",
        f"activation logs {one} --strip",
        f"activation logs --action {name} --limit 2",
        f"activation list {name} --limit 1",
        f"activation list {name} --json --full --since 0 --upto 9999999999999",
        f"activation list {name} --count --json",
    )

    assert got.json["name"] == name
    assert result.json["result"] == {"hello": "nobody"}
    assert logs.out.splitlines()[-1] == "said"
    assert f"guest/{name}:{one}" in of_action.out
    assert one in listed.out
    assert [each["activationId"] for each in full.json] == [one]
    assert counted.json == {"activations": 1}
    aio.well(f"action delete {name}")


def test_web_actions_are_open_or_closed(aio: Aio, engine: Engine, name: str) -> None:
    *_, url = aio.well(
        f"action create {name} hello.js --web true",
        f"action create {name}-raw hello.js --web raw",
        f"action create {name}-key hello.js --web yes --web-secure opener",
        f"action get {name} --url",
    )

    assert requests.get(url.out.strip() + ".json", timeout=60).json() == {"hello": "nobody"}
    closed = f"{engine.apihost}/api/v1/web/guest/default/{name}-key.json"
    assert requests.get(closed, timeout=60).status_code == 401
    opened = requests.get(closed, headers={"X-Require-Whisk-Auth": "opener"}, timeout=60)
    assert opened.json() == {"hello": "nobody"}
    aio.well(*(f"action delete {name}{end}" for end in ("", "-raw", "-key")))


def test_packages_are_shared_bound_and_deleted(aio: Aio, name: str) -> None:
    created, _, bound, _, result, inside, listed, got, *_ = aio.well(
        f"package create {name} --param name Zoe --annotation why because --json",
        f"package update {name} --param name Zed --shared yes",
        f"package bind {name} {name}-bound --param name Bound --json",
        f"action create {name}/hello hello.js",
        f"action invoke {name}-bound/hello -r",
        f"action list {name}",
        "package list --limit 200",
        f"package get {name}",
        f"package delete {name}-bound --json",
        f"action delete {name}/hello",
        f"package delete {name}",
    )

    assert created.json["parameters"] == [{"key": "name", "value": "Zoe"}]
    assert bound.json["binding"] == {"namespace": "guest", "name": name}
    assert result.json == {"hello": "Bound"}
    assert f"{name}/hello" in inside.out
    assert f"{name}-bound" in listed.out
    assert (got.json["publish"], got.json["version"]) == (True, "0.0.2")


def test_triggers_rules_and_feeds_work_together(aio: Aio, engine: Engine, name: str) -> None:
    *_, rule, status, _, off, _, _, fired, fed, listed = aio.well(
        f"action create {name} hello.js",
        f"action create {name}-feed feed.js --annotation feed true",
        f"trigger create {name}-t --param name Tim --annotation why because",
        f"trigger create {name}-fed --feed /guest/{name}-feed --param each day",
        f"rule create {name}-r {name}-t {name} --json",
        f"rule status {name}-r",
        f"rule disable {name}-r",
        f"rule status {name}-r",
        f"rule enable {name}-r",
        f"rule update {name}-r {name}-t {name}",
        f"trigger fire {name}-t --param place here",
        f"trigger get {name}-fed",
        "rule list --limit 200",
    )

    assert rule.json["action"] == {"path": "guest", "name": name}
    assert "inactive" in off.out
    assert "inactive" not in status.out
    assert list(fired.json) == ["activationId"]
    assert f"/guest/{name}-feed" in fed.out
    assert f"{name}-r" in listed.out
    [ran] = wait_until(lambda: records(engine, name))
    assert ran["response"]["result"] == {"hello": "Tim"}
    aio.well(f"rule delete {name}-r", f"trigger delete {name}-t", f"trigger delete {name}-fed")
    aio.well(f"action delete {name}", f"action delete {name}-feed")
    # To be safe, the tool deletes before it creates.
    called = wait_until(lambda: len(found := records(engine, f"{name}-feed")) == 3 and found)
    events = [each["response"]["result"]["event"] for each in reversed(called)]
    assert events == ["DELETE", "CREATE", "DELETE"]


def test_a_route_lives_and_ends(aio: Aio, name: str) -> None:
    created, *_, listed, got = aio.well(
        f"action create {name} hello.js --web true",
        f"api create /{name} /rel get {name} --apiname {name} --response-type json",
        f"api create /{name} /rel post {name} --apiname {name} --response-type http",
        "api list --json",
        f"api get /{name}",
    )[1:]

    url = created.out.strip()
    assert requests.get(url, params={"name": "Ada"}, timeout=60).json() == {"hello": "Ada"}
    assert f"/{name}" in listed.out
    assert got.json["info"]["title"] == name
    assert set(got.json["paths"]["/rel"]) == {"get", "post"}
    _, left, _, gone, _ = aio.well(
        f"api delete /{name} /rel post",
        f"api get /{name}",
        f"api delete {name}",
        "api list",
        f"action delete {name}",
    )
    assert set(left.json["paths"]["/rel"]) == {"get"}
    assert f"/{name}" not in gone.out


MANIFEST = """
project:
  name: NAME
  packages:
    NAME:
      version: 1.0
      license: Apache-2.0
      actions:
        hi:
          function: hello.js
          runtime: nodejs:20
          limits: {timeout: 30000, memorySize: 256, logSize: 5}
          inputs:
            name: $WHO
            n: {type: integer, value: 3}
          annotations: {why: because}
        web:
          function: hello.js
          web: true
        zipped:
          function: hello.zip
          runtime: nodejs:20
      sequences:
        twice: {actions: "hi, zipped", web: "yes"}
      triggers:
        NAME-t:
          inputs: {name: Tim}
      rules:
        NAME-r: {trigger: NAME-t, action: hi}
      apis:
        NAME:
          NAME:
            rel:
              web: {method: GET, response: json}
"""
DEPLOYMENT = """
project:
  name: NAME
  packages:
    NAME:
      actions:
        hi:
          inputs: {name: Deployed}
"""


def test_a_project_is_deployed_and_undeployed(aio: Aio, engine: Engine, name: str) -> None:
    (aio.folder / "manifest.yaml").write_text(MANIFEST.replace("NAME", name))
    (aio.folder / "deployment.yaml").write_text(DEPLOYMENT.replace("NAME", name))

    deployed, got, twice, fired, rule = aio.well(
        "deploy -m manifest.yaml -d deployment.yaml",
        f"action get {name}/hi",
        f"action invoke {name}/twice -r",
        f"trigger fire {name}-t",
        f"rule get {name}-r",
    )
    assert "Deployment completed successfully" in deployed.out
    shown = json.loads(got.out.partition("\n")[2])
    assert shown["limits"] == {"timeout": 30000, "memory": 256, "logs": 5, "concurrency": 1}
    assert {each["key"]: each["value"] for each in shown["parameters"]} == {"name": "Deployed", "n": 3}
    assert twice.json == {"zipped": {"hello": "Deployed"}}
    assert list(fired.json) == ["activationId"]
    assert rule.json["status"] == "active"
    routed = requests.get(f"{engine.apihost}/api/guest/{name}/rel", params={"name": "Ada"}, timeout=60)
    assert routed.json() == {"hello": "Ada"}

    undeployed, gone = aio("deploy undeploy -m manifest.yaml", f"package get {name}")
    assert "Undeployment completed successfully" in undeployed.out
    assert "(404 Not Found)" in str(gone.error)


def test_a_managed_project_follows_its_manifest(aio: Aio, name: str) -> None:
    (aio.folder / "manifest.yaml").write_text(MANIFEST.replace("NAME", name))
    synced, exported = aio.well(
        "deploy sync -m manifest.yaml",
        f"deploy export --projectname {name} -m exported.yaml",
    )

    assert "Deployment completed successfully" in synced.out
    assert exported.out == ""
    assert f"{name}-t" in (aio.folder / "exported.yaml").read_text()
    assert (aio.folder / name / "hi.js").read_text() == HELLO

    again, _, undeployed, gone = aio(
        "deploy sync -m manifest.yaml",
        f"api delete /{name}",
        f"deploy undeploy --projectname {name}",
        f"package get {name}",
    )
    assert "Deployment completed successfully" in again.out
    assert "Undeployment completed successfully" in undeployed.out
    assert "(404 Not Found)" in str(gone.error)
