"""Images through a real engine that runs everything in Docker, and what is left when it is killed."""

import base64
import io
import os
import signal
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deepwhisk.errors import WhiskError
from deepwhisk.whisk import Whisk
from fixtures.docker import MODEL, DockerHost
from fixtures.engine import Engine, start_engine, stop_engine
from fixtures.machine import ROOT, until

WHERE = """
import os, urllib.request
def main(args):
    pong = urllib.request.urlopen(os.environ['__OW_API_HOST'] + '/ping').read().decode()
    return {**args, 'boxed': '127.0.0.1' not in os.environ['__OW_API_HOST'], 'ping': pong}
"""


@pytest.fixture(scope="module")
def engine(
    docker: DockerHost, tmp_path_factory: pytest.TempPathFactory, environment_cache: Path
) -> Iterator[Engine]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", docker.host)
        started = start_engine(
            tmp_path_factory.mktemp("images") / "state", environment_cache, 0, "--driver", "docker"
        )
    yield started
    assert stop_engine(started) == 0
    assert docker.containers(str(started.state)) == set()


@pytest.fixture
def whisk(engine: Engine) -> Iterator[Whisk]:
    client = Whisk(engine.apihost, engine.auth)
    yield client
    client.close()


def put(whisk: Whisk, name: str, kind: str = "python:3", driver: str | None = None, **members: Any) -> None:
    annotations = [{"key": "container-driver", "value": driver}] if driver else []
    body = {"exec": {"kind": kind, **members}, "annotations": annotations}
    whisk.put("actions", name, body, overwrite=True)


def packed(folder: Path) -> str:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                archive.write(file, file.relative_to(folder))
    return base64.b64encode(held.getvalue()).decode()


def test_a_kind_runs_in_our_image_and_reaches_the_engine(whisk: Whisk) -> None:
    put(whisk, "where", code=WHERE)

    assert whisk.invoke("where", {"x": 1}, result=True) == {"x": 1, "boxed": True, "ping": "pong"}


def test_a_model_runs_in_an_image_that_holds_its_packages(whisk: Whisk, model_image: str) -> None:
    put(whisk, "model", "blackbox", image=model_image, code=packed(ROOT / "catalog" / MODEL))

    assert (
        whisk.invoke("model", {"text": "Der Hund schläft unter dem Tisch."}, result=True)["language"] == "de"
    )


def test_a_sequence_crosses_drivers_and_images(whisk: Whisk, perl: str) -> None:
    put(whisk, "where", code=WHERE)
    put(whisk, "foreign", "blackbox", image=perl)
    put(whisk, "process", code=WHERE, driver="process")
    put(whisk, "all", "sequence", components=["/_/where", "/_/foreign", "/_/process"])

    result = whisk.invoke("all", {"x": 1}, result=True)

    assert result["perl"]["value"] == {"x": 1, "boxed": True, "ping": "pong"}
    assert (result["boxed"], result["ping"]) == (False, "pong")


def test_an_image_that_is_nowhere_is_taken_and_told_when_it_is_called(whisk: Whisk) -> None:
    put(whisk, "nowhere", "blackbox", image="127.0.0.1:1/no/such:1")
    with pytest.raises(WhiskError) as told:
        whisk.invoke("nowhere")

    assert told.value.status == 502
    assert isinstance(told.value.body, dict)
    response = told.value.body["response"]
    assert response["status"] == "action developer error"
    assert response["result"] == {"error": "Failed to pull container image '127.0.0.1:1/no/such:1'."}


def test_containers_of_a_killed_engine_are_gone_when_it_has_started_again(
    docker: DockerHost, tmp_path: Path, environment_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    state = tmp_path / "state"
    first = start_engine(state, environment_cache, 0, "--driver", "docker")
    with_first = Whisk(first.apihost, first.auth)
    put(with_first, "where", code=WHERE)
    with_first.invoke("where", {}, result=True)
    with_first.close()
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.communicate()
    left = docker.containers(str(state))

    second = start_engine(state, environment_cache, 0, "--driver", "docker")
    gone = until(lambda: not docker.containers(str(state)))
    with_second = Whisk(second.apihost, second.auth)
    answer = with_second.invoke("where", {}, result=True)
    with_second.close()

    assert (len(left), gone) == (1, True)
    assert answer["boxed"]
    assert stop_engine(second) == 0
    assert docker.containers(str(state)) == set()
