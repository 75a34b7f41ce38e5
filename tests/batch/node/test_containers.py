"""Containers on a node: what a site asks for is what a model runs in, or the run says what is missing."""

import os
import signal
from pathlib import Path
from shutil import which

import pytest

from deepwhisk.engine.containers.udocker_program import find
from deepwhisk_runtime.batch import containers
from fixtures.attempts import Attempt, Attempts
from fixtures.docker import PYTHON_IMAGE, DockerHost
from fixtures.machine import until
from fixtures.udocker import UdockerHost

LOOKS = """
    import os, time
    from pathlib import Path
    class Model:
        def predict(self, x: int = 1) -> int:
            return x
        def train(self, out: Path, secret: str = "", wait: float = 0):
            try:
                Path("/usr/owned").write_text("x")
                wrote = True
            except OSError:
                wrote = False
            yield {
                "pids": len([each for each in os.listdir("/proc") if each.isdigit()]),
                "secret": os.path.exists(secret),
                "wrote": wrote,
                "runtime": os.path.exists("/opt/deepwhisk/deepwhisk_runtime"),
            }
            time.sleep(wait)
            (out / "x").write_text("x")
"""


def contained(attempts: Attempts, kind: str, image: str | None = None, **arguments: object) -> Attempt:
    return attempts(LOOKS, arguments, container={"with": kind, "image": image})


@pytest.mark.skipif(not which("bwrap"), reason="needs bubblewrap: apt-get install bubblewrap")
def test_bubblewrap_shows_a_model_only_what_it_needs(attempts: Attempts, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    attempt = contained(attempts, "bubblewrap", secret=str(secret))

    result = attempt.run()
    assert result["state"] == "done", attempt.said
    output = result["output"]
    assert (output["secret"], output["wrote"]) == (False, False)
    assert output["pids"] < 5
    assert attempt.read("artifact")


def test_docker_runs_the_models_image_and_leaves_no_container(attempts: Attempts, docker: DockerHost) -> None:
    attempt = contained(attempts, "docker", PYTHON_IMAGE, wait=1000)
    attempt.variables["DOCKER_HOST"] = docker.host
    process = attempt.start()
    assert until(lambda: attempt.metrics, 120), attempt.said

    assert attempt.metrics[0]["runtime"] is True
    assert attempt.job["uuid"] in docker("ps", "--format", "{{.Names}}")
    os.kill(process.pid, signal.SIGKILL)
    assert until(lambda: attempt.job["uuid"] not in docker("ps", "--all", "--format", "{{.Names}}"), 60)


def test_udocker_runs_the_models_image(attempts: Attempts, udocker: UdockerHost) -> None:
    attempt = contained(attempts, "udocker", PYTHON_IMAGE)
    found = find(udocker.environ)
    attempt.variables |= found.environment(udocker.folder / "tools")
    attempt.variables["PATH"] = f"{Path(found.program).parent}:{os.environ['PATH']}"

    result = attempt.run()
    assert result["state"] == "done", attempt.said + attempt.log
    assert attempt.metrics[0]["runtime"] is True


def test_what_udocker_writes_for_itself_goes_with_the_job(tmp_path: Path) -> None:
    wanted = containers.Wanted("name", "image", tmp_path, [], {}, gpus=False)
    told = dict(word.split("=", 1) for word in containers.udocker(wanted).command[1:3])

    assert told == {"UDOCKER_TMP": str(tmp_path), "PROOT_TMP_DIR": str(tmp_path)}


def test_what_is_not_there_is_said(attempts: Attempts) -> None:
    attempt = contained(attempts, "apptainer", "deepwhisk/tiny:1.0")
    attempt.variables["PATH"] = "/usr/bin:/bin"

    result = attempt.run()
    assert (result["state"], result["phase"]) == ("error", "environment")
    assert "apptainer is not on PATH" in result["message"]


def test_any_sort_is_none_where_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert containers.chosen("any", "image") is None
    assert containers.lack("docker", None) == "the model has no image"
    assert "is not known" in str(containers.lack("podman", "image"))


def test_no_container_gets_a_variable_that_it_does_not_need(tmp_path: Path) -> None:
    variables = {"AWS_SECRET_ACCESS_KEY": "x", "PYTHONPATH": "/runtime", "HOME": "/root"}
    wanted = containers.Wanted("name", "image", tmp_path, [Path("/runtime")], variables, gpus=True)

    for wrap in containers.OF_IMAGES.values():
        words = " ".join(wrap(wanted).command)
        assert "PYTHONPATH=/runtime" in words
        assert "AWS" not in words
        assert "image" in words
