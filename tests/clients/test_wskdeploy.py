"""The stock `wskdeploy`, where PATH has one, on projects that are here."""

import json
import shutil
import uuid
from pathlib import Path
from typing import Any

import pytest
import requests

from fixtures.engine import Engine
from fixtures.foreign import Binary, Done

pytestmark = pytest.mark.go_binary
PROJECTS = Path(__file__).parent.parent / "data" / "wskdeploy"
SYNCED = """
project:
  name: NAME
  packages:
    NAME:
      actions:
        hello: {function: hello.py}
        OTHER: {function: hello.py}
"""


def asked(engine: Engine, path: str) -> Any:
    address = f"{engine.apihost}/api/v1/namespaces/_/{path}"
    answer = requests.get(address, auth=tuple(engine.auth.split(":")), timeout=60)
    return answer.json() if answer.ok else answer.status_code


def run(tool: Binary, *words: str) -> Done:
    done = tool(*words)
    assert done.code == 0, done
    return done


@pytest.mark.parametrize("project", ["p1", "p3", "p4", "p6"])
def test_a_project_is_deployed_twice_and_undeployed(wskdeploy: Binary, engine: Engine, project: str) -> None:
    shutil.copytree(PROJECTS / project, wskdeploy.folder / project)
    manifest = str(wskdeploy.folder / project / "manifest.yaml")
    before = asked(engine, "actions?count=true")

    run(wskdeploy, "-m", manifest, "--preview")
    assert asked(engine, "actions?count=true") == before
    for _ in range(2):
        assert "Success: Deployment completed successfully." in run(wskdeploy, "-m", manifest).out
    assert asked(engine, "actions?count=true")["actions"] > before["actions"]
    undeployed = run(wskdeploy, "undeploy", "-m", manifest)
    assert "Success: Undeployment completed successfully." in undeployed.out
    assert asked(engine, "actions?count=true") == before


def test_what_is_deployed_is_what_the_manifest_says(wskdeploy: Binary, engine: Engine) -> None:
    shutil.copytree(PROJECTS / "p1", wskdeploy.folder / "p1")
    manifest = str(wskdeploy.folder / "p1" / "manifest.yaml")
    run(wskdeploy, "-m", manifest)

    hello = asked(engine, "actions/wd-p1/hello")
    assert hello["limits"] == {"timeout": 30000, "memory": 128, "logs": 5, "concurrency": 1}
    assert hello["exec"]["kind"].startswith("python:")
    assert {"key": "note", "value": "hello"} in hello["annotations"]
    assert asked(engine, "packages/wd-p1")["publish"] is True
    assert asked(engine, "rules/wd-r1")["status"] == "active"
    assert asked(engine, "actions/wd-p1/lines")["exec"]["components"] == [
        "/guest/wd-p1/split",
        "/guest/wd-p1/sort",
    ]
    run(wskdeploy, "undeploy", "-m", manifest)
    assert asked(engine, "packages/wd-p1") == 404


def test_a_managed_project_is_synced_exported_and_undeployed_by_its_name(
    wskdeploy: Binary, engine: Engine
) -> None:
    name = f"wd-{uuid.uuid4().hex[:8]}"
    manifest = wskdeploy.folder / "manifest.yaml"
    (wskdeploy.folder / "hello.py").write_text("def main(args):\n    return args\n")
    for other in ("first", "second"):
        manifest.write_text(SYNCED.replace("NAME", name).replace("OTHER", other))
        run(wskdeploy, "sync", "-m", str(manifest))

    held = {each["name"] for each in asked(engine, f"packages/{name}")["actions"]}
    assert held == {"hello", "second"}
    run(wskdeploy, "export", "--projectname", name, "-m", str(wskdeploy.folder / "exported.yaml"))
    assert name in (wskdeploy.folder / "exported.yaml").read_text()
    run(wskdeploy, "undeploy", "--projectname", name)
    assert asked(engine, f"packages/{name}") == 404


def test_wrong_credentials_fail(wskdeploy: Binary) -> None:
    (wskdeploy.folder / "hello.py").write_text("def main(args):\n    return args\n")
    manifest = wskdeploy.folder / "manifest.yaml"
    manifest.write_text(
        json.dumps({"packages": {"wd-refused": {"actions": {"a": {"function": "hello.py"}}}}})
    )

    wrong = "23bc46b1-71f6-4ed5-8c54-816aa4f8c502:" + "x" * 64
    assert wskdeploy("-m", str(manifest), "--auth", wrong).code != 0
