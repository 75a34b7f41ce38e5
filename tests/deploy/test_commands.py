"""The commands `deploy`, `undeploy` and `export`, as a person calls them."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deepwhisk.whisk import Whisk
from fixtures.engine import Engine, wait_until
from fixtures.machine import TOOL, run
from fixtures.project import Deployment

# As a shell starts a command: one in the background ignores Ctrl-C.
FOREGROUND = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
os.execv(sys.argv[1], sys.argv[1:])
"""
Tool = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def tool(engine: Engine, deployment: Deployment) -> Tool:
    """Runs a command in the project's folder, on the engine."""
    deployment.plan()

    def call(*words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        target = ("--apihost", engine.apihost, "--auth", engine.auth, "--state", f"{deployment.folder}/state")
        return run(*words, *target, cwd=deployment.folder, **environ)

    return call


def test_a_project_comes_out_again_and_goes_by_its_name(
    tool: Tool, deployment: Deployment, tmp_path: Path
) -> None:
    shown = tool("deploy", "--preview", "--json")
    assert json.loads(shown.stdout)["applied"] is False
    assert {change["made"] for change in json.loads(shown.stdout)["changes"]} == {False}

    made = tool("deploy", "--managed", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["applied"] is True
    assert len(json.loads(made.stdout)["changes"]) == 8

    out = tool("export", "--projectname", deployment.name, "-o", "out")
    assert out.returncode == 0, out.stderr
    again = tool("deploy", "-p", "out", "--dry-run")
    assert "0 to change, 8 as they should be." in again.stdout
    assert "is not empty" in tool("export", "--packages", deployment.name, "-o", "out").stderr

    (tmp_path / "empty").mkdir()
    gone = tool("undeploy", "--projectname", deployment.name, "--json")
    assert len(json.loads(gone.stdout)["changes"]) == 8
    assert tool("export", "--projectname", deployment.name).returncode == 1


def test_inputs_of_the_command_line_win(tool: Tool, deployment: Deployment) -> None:
    (deployment.folder / "inputs.json").write_text('{"a": 40}')
    done = tool("deploy", "-P", "inputs.json", "--param", "bucket", "other")
    assert done.returncode == 0, done.stderr
    assert deployment.heard[-1]["bucket"] == "other"
    assert deployment.whisk.invoke(f"{deployment.name}/add", {"b": 2}, result=True) == {"sum": 42}


def test_what_was_made_before_a_failure_is_told(tool: Tool, deployment: Deployment) -> None:
    deployment.edit("inputs: {bucket: b}", "inputs: {bucket: b, refuse: CREATE}")
    deployment.plan()
    failed = tool("deploy", "--json")
    assert failed.returncode == 1
    assert "6 of 8 changes are made; deploy again to make the others." in failed.stderr
    told = json.loads(failed.stdout)
    assert (told["applied"], sum(change["made"] for change in told["changes"])) == (False, 6)


def test_a_deployment_that_is_interrupted_says_how_far_it_came(
    tool: Tool, deployment: Deployment, engine: Engine
) -> None:
    deployment.edit("inputs: {bucket: b}", "inputs: {bucket: b, slow: CREATE}")
    deployment.plan()
    target = ("--apihost", engine.apihost, "--auth", engine.auth, "--state", f"{deployment.folder}/state")
    process = subprocess.Popen(
        [sys.executable, "-c", FOREGROUND, str(TOOL), "deploy", *target],
        cwd=deployment.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until((deployment.folder / "journal").exists)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    deployment.gate.touch()

    assert process.returncode == 130
    assert "6 of 8 changes are made; deploy again to make the others." in said
    assert tool("deploy").returncode == 0
    assert {change.verb for change in deployment.plan()} == {"keep"}


def test_another_namespace_than_the_keys_is_refused(tool: Tool) -> None:
    done = tool("deploy", "--namespace", "elsewhere")
    assert done.returncode == 2
    assert "The key is of the namespace guest, not of elsewhere" in done.stderr
    assert tool("deploy", "-n", "guest", "--dry-run").returncode == 0


class TestAddressOfAManifest:
    """Law: a key of wskprops is shown to no address that a manifest alone has named."""

    @pytest.fixture
    def props(self, engine: Engine, deployment: Deployment) -> Path:
        deployment.edit("project:\n", f"project:\n  apiHost: {engine.apihost}\n")
        deployment.plan()
        return deployment.folder / "props"

    def test_it_is_where_a_project_goes(self, props: Path, engine: Engine, deployment: Deployment) -> None:
        props.write_text(f"APIHOST={engine.apihost}\nAUTH={engine.auth}\n")
        done = run("deploy", "--dry-run", "--config", str(props), cwd=deployment.folder)
        assert done.returncode == 0, done.stderr

    def test_it_is_not_shown_the_key_of_another(
        self, props: Path, engine: Engine, deployment: Deployment
    ) -> None:
        props.write_text(f"APIHOST=https://elsewhere\nAUTH={engine.auth}\n")
        done = run("deploy", "--dry-run", "--config", str(props), cwd=deployment.folder)
        assert done.returncode == 2
        assert "the key that is known is that of https://elsewhere" in done.stderr
        named = run(
            "deploy", "--dry-run", "--config", str(props), "--auth", engine.auth, cwd=deployment.folder
        )
        assert named.returncode == 0, named.stderr


def test_secrets_stay_out_of_the_manifest_where_one_asks(tool: Tool, deployment: Deployment) -> None:
    deployment.edit("inputs: {a: 1}", "inputs: {a: 1, apiToken: hush-hush}")
    deployment.deploy()
    named = tool("export", "--projectname", deployment.name, "-o", "open")
    assert "holds what looks like secrets" in named.stderr
    hidden = tool("export", "--projectname", deployment.name, "-o", "hidden", "--secrets-from-env", "--json")
    assert "hush-hush" not in hidden.stdout + hidden.stderr
    [name] = json.loads(hidden.stdout)["environment"]
    assert tool("deploy", "-p", "hidden", "--json", **{name: "hush-hush"}).stdout.count("verb") == 0


def test_a_client_of_nobody_is_told(deployment: Deployment, engine: Engine) -> None:
    deployment.whisk = Whisk(engine.apihost, engine.auth)
    done = run("export", "--project", "a", "--packages", "b", cwd=deployment.folder)
    assert done.returncode == 2
    assert "not both" in done.stderr
