"""Images through a real engine without Docker, and what is left when it is killed."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from deepwhisk.whisk import Whisk
from fixtures.docker import MODEL
from fixtures.engine import Engine, start_engine, stop_engine
from fixtures.machine import ROOT, until
from fixtures.pool import marked
from fixtures.udocker import UdockerHost
from journeys.test_images import WHERE, packed, put


@pytest.fixture
def engine(
    udocker: UdockerHost, tmp_path: Path, environment_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    monkeypatch.setenv("UDOCKER_DIR", str(udocker.home))
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/socket")
    started = start_engine(tmp_path / "state", environment_cache, 0, "--udocker-mode", "P2")
    yield started
    stop_engine(started)


@pytest.fixture
def whisk(engine: Engine) -> Iterator[Whisk]:
    client = Whisk(engine.apihost, engine.auth)
    yield client
    client.close()


def test_without_docker_images_run_in_udocker_and_reach_the_engine(
    engine: Engine, whisk: Whisk, environment_cache: Path, udocker_model_image: str
) -> None:
    folder = environment_cache / "udocker" / "containers"
    put(whisk, "where", driver="udocker", code=WHERE)
    put(
        whisk,
        "model",
        "blackbox",
        driver="udocker",
        image=udocker_model_image,
        code=packed(ROOT / "catalog" / MODEL),
    )

    assert whisk.invoke("where", {"x": 1}, result=True) == {"x": 1, "boxed": False, "ping": "pong"}
    said = whisk.invoke("model", {"text": "Der Hund schläft unter dem Tisch."}, result=True)
    assert said["language"] == "de"
    assert marked(str(folder))

    engine.process.send_signal(signal.SIGKILL)
    assert until(lambda: not marked(str(folder)))
