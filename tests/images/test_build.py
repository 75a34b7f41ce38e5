"""Images of models: the same every time, described, in a registry, and run in every way there is."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deepwhisk.images.layers import Image
from deepwhisk.whisk import Whisk
from fixtures.docker import MODEL, DockerHost
from fixtures.engine import start_engine, stop_engine
from fixtures.machine import ROOT, TOOL, run, until
from fixtures.udocker import Mode, UdockerHost

pytestmark = pytest.mark.xdist_group("docker")
TEXT, GERMAN = "Der Hund schläft unter dem Tisch.", "de"
TAG = "workshop"  # other tests have an image of the usual one


@dataclass(frozen=True)
class Workshop:
    """A project with one model, a cache, and a Docker to build with."""

    folder: Path
    docker: DockerHost

    @classmethod
    def open(cls, folder: Path, docker: DockerHost) -> "Workshop":
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "catalog" / MODEL, folder / "catalog" / MODEL, ignore=ignored)
        (folder / "tmp").mkdir()
        return cls(folder, docker)

    @property
    def model(self) -> Path:
        return self.folder / "catalog" / MODEL

    @property
    def environ(self) -> dict[str, str]:
        own = {"DEEPWHISK_CACHE": str(self.folder / "cache"), "TMPDIR": str(self.folder / "tmp")}
        return {"DOCKER_HOST": self.docker.host, "SOURCE_DATE_EPOCH": "", **own}

    def run(self, *options: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        told = ("build", *options, "--network", "host")
        return run(*told, cwd=self.folder, **{**self.environ, **variables})

    def build(self, *options: str, **variables: str) -> dict[str, Any]:
        tag = () if "--tag" in options else ("--tag", TAG)
        done = self.run(MODEL, "--json", *tag, *options, **variables)
        assert done.returncode == 0, done.stderr
        (built,) = json.loads(done.stdout)
        assert list((self.folder / "tmp").iterdir()) == []
        return dict(built)

    def layers(self, image: str) -> list[str]:
        return list(json.loads(self.docker("inspect", "--format", "{{json .RootFS.Layers}}", image)))


@pytest.fixture(scope="module")
def workshop(docker: DockerHost, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    docker.base()
    return Workshop.open(tmp_path_factory.mktemp("workshop"), docker)


@pytest.fixture(scope="module")
def built(workshop: Workshop) -> dict[str, Any]:
    """What was built, and its bill of materials, which the next build replaces."""
    built = workshop.build()
    return {**built, "bill": (workshop.folder / built["sbom"]).read_text()}


def test_an_image_says_what_it_is_and_runs_as_nobody_special(
    workshop: Workshop, built: dict[str, Any]
) -> None:
    (found,) = json.loads(workshop.docker("inspect", built["id"]))
    said = {name.rpartition(".")[2]: value for name, value in found["Config"]["Labels"].items()}

    assert f"deepwhisk/{MODEL}:{TAG}" in found["RepoTags"]
    assert (said["licenses"], said["version"]) == ("Apache-2.0", "0.1.0")
    assert said["source"] == "https://github.com/adbar/py3langid"
    assert said["title"] == "Language identification"
    assert said["authors"].startswith("Marco Lui, Timothy Baldwin")
    assert found["Created"] == said["created"] == "2026-11-22T00:00:00Z"
    assert found["Config"]["User"] == "whisk"


def test_the_bill_of_materials_holds_all_that_is_inside(workshop: Workshop, built: dict[str, Any]) -> None:
    text = built["bill"]
    bill = json.loads(text)
    urls = {each.get("purl", "").partition("@")[0] for each in bill["components"]}
    licenses = {each["name"]: each["licenses"] for each in bill["components"] if "licenses" in each}

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert {"pkg:pypi/py3langid", "pkg:pypi/pydantic", "pkg:deb/debian/libc6"} <= urls
    assert licenses["py3langid"] == [{"license": {"id": "BSD-3-Clause"}}]
    assert bill["metadata"]["component"]["hashes"][0]["content"] == built["id"].removeprefix("sha256:")


def test_the_same_input_is_the_same_image_wherever_and_whenever_all_of_it_is_made(
    workshop: Workshop, built: dict[str, Any], tmp_path: Path
) -> None:
    other = Workshop.open(tmp_path, workshop.docker)
    for path in other.model.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
        os.utime(path, (1, 1))
    again = other.build("--no-cache")

    assert again["id"] == built["id"]
    assert (other.folder / again["sbom"]).read_text() == built["bill"]


def test_changed_code_is_a_changed_layer_and_nothing_else(
    workshop: Workshop, built: dict[str, Any], tmp_path: Path
) -> None:
    other = Workshop.open(tmp_path, workshop.docker)
    with (other.model / "model.py").open("a") as code:
        code.write("# changed\n")
    cache = str(workshop.folder / "cache")
    before = workshop.layers(built["id"])
    after = other.layers(other.build("--tag", "2", DEEPWHISK_CACHE=cache)["id"])

    assert before[:-1] == after[:-1]
    assert before[-1] != after[-1]


def test_somebody_can_say_when_an_image_was_made(workshop: Workshop, built: dict[str, Any]) -> None:
    old = workshop.build("--tag", "old", SOURCE_DATE_EPOCH="86400")
    (found,) = json.loads(workshop.docker("inspect", old["id"]))

    assert found["Created"] == "1970-01-02T00:00:00Z"
    assert workshop.layers(old["id"]) == workshop.layers(built["id"])


def test_a_foundation_that_was_removed_is_made_again(workshop: Workshop, built: dict[str, Any]) -> None:
    kept = [json.loads(path.read_text()) for path in (workshop.folder / "cache" / "images").glob("*.json")]
    foundations = {Image(each["config"], {}).id for each in kept}  # one, under each name that Docker gave it
    workshop.docker("rmi", *foundations)
    again = workshop.build()

    assert again["id"] == built["id"]
    assert len(foundations) == 1
    assert foundations <= set(workshop.docker("images", "--all", "--quiet", "--no-trunc").split())


def test_it_serves_on_a_port(workshop: Workshop, built: dict[str, Any]) -> None:
    docker = workshop.docker
    name = docker("run", "--detach", "-p", "127.0.0.1::5000", built["image"], "serve", "--host", "0.0.0.0")
    try:
        url = f"http://{docker('port', name, '5000')}/v2/models/{MODEL}/predict/"
        answer = until(lambda: posted(url, {"text": TEXT}), 120)
        assert answer is not None, docker("logs", name)
        assert answer.json()["predictions"]["language"] == GERMAN
    finally:
        docker("rm", "--force", name)


def posted(url: str, arguments: dict[str, str]) -> requests.Response | None:
    try:
        return requests.post(url, params=arguments, timeout=120)
    except requests.ConnectionError:
        return None


def test_it_is_a_job(workshop: Workshop, built: dict[str, Any]) -> None:
    said = workshop.docker("run", "--rm", built["image"], "predict", "-i", f"text={TEXT}", "--json")

    assert json.loads(said)["language"] == GERMAN


@pytest.fixture(scope="module")
def in_udocker(udocker: UdockerHost, built: dict[str, Any]) -> str:
    return udocker.take(built["image"])


@pytest.mark.parametrize("mode", ["P1", "P2"])
def test_it_runs_in_udocker(udocker: UdockerHost, in_udocker: str, mode: Mode, tmp_path: Path) -> None:
    with udocker.running(in_udocker, tmp_path, mode) as container:
        assert container.post("/init", {"value": {}}) == (200, {"ok": True})
        status, answer = container.post("/run", {"value": {"text": TEXT}})

    assert (status, answer["language"]) == (200, GERMAN)


@pytest.fixture
def whisk(
    workshop: Workshop, tmp_path: Path, environment_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Whisk]:
    monkeypatch.setenv("DOCKER_HOST", workshop.docker.host)
    engine = start_engine(tmp_path / "state", environment_cache)
    client = Whisk(engine.apihost, engine.auth)
    yield client
    client.close()
    assert stop_engine(engine) == 0


def test_it_is_pushed_and_pulled_again_by_an_engine_that_needs_no_code(
    workshop: Workshop, registry: str, whisk: Whisk
) -> None:
    pushed = workshop.build("--push", f"{registry}/team")
    name = f"{registry}/team/{MODEL}:{TAG}"
    workshop.docker("rmi", "--force", name, pushed["digest"], pushed["image"])
    assert workshop.docker("images", "--quiet", f"{registry}/team/{MODEL}") == ""
    whisk.put("actions", "language", {"exec": {"kind": "blackbox", "image": name}})
    called = whisk.invoke("language", {"text": TEXT}, blocking=False)
    answer = whisk.finished(called["activationId"])["response"]["result"]

    assert answer["language"] == GERMAN
    assert workshop.docker("images", "--quiet", "--no-trunc", name) == pushed["id"]
    assert pushed["pushed"] == name
    assert pushed["digest"].startswith(f"{registry}/team/{MODEL}@sha256:")
    again = workshop.build("--push", f"{registry}/team")
    assert again["digest"] == pushed["digest"]


def test_a_registry_that_does_not_answer_is_told(workshop: Workshop, built: dict[str, Any]) -> None:
    done = workshop.run(MODEL, "--push", "127.0.0.1:1")

    assert done.returncode == 1
    assert f"127.0.0.1:1/{MODEL}:0.1.0 could not be pushed" in done.stderr
    assert "connection refused" in done.stderr


def test_what_an_installation_says_is_told(workshop: Workshop, tmp_path: Path) -> None:
    other = Workshop.open(tmp_path, workshop.docker)
    (other.model / "requirements.txt").write_text("=== no requirement\n")
    done = other.run(MODEL)

    assert done.returncode == 1
    assert f"The model {MODEL} could not be put into an image" in done.stderr
    assert "Invalid requirement" in done.stderr
    assert list((tmp_path / "tmp").iterdir()) == []


def test_one_that_is_interrupted_leaves_nothing(workshop: Workshop, tmp_path: Path) -> None:
    other = Workshop.open(tmp_path, workshop.docker)
    before = installing(other.docker)  # whoever else builds an image here
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/x-1-py3-none-any.whl"
        (other.model / "requirements.txt").write_text(f"x @ {address}\n")
        command = [str(TOOL), "build", MODEL, "--network", "host"]
        told = {**os.environ, **other.environ}
        with subprocess.Popen(command, cwd=tmp_path, env=told, stderr=subprocess.PIPE) as building:
            silent.settimeout(120)
            silent.accept()[0].close()
            running = installing(other.docker) - before
            building.send_signal(signal.SIGINT)
            assert building.wait(60) == 130

    assert running
    assert until(lambda: not installing(other.docker) & running)
    assert list((tmp_path / "tmp").iterdir()) == []


def installing(docker: DockerHost) -> set[str]:
    """The containers of steps that install a model's packages."""
    told = docker("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Command}}").splitlines()
    return {line.split()[0] for line in told if "/environment/requirements.txt" in line}


def test_a_model_that_is_not_there_is_told_with_those_that_are(workshop: Workshop) -> None:
    done = workshop.run("nothing")

    assert done.returncode == 1
    assert f"there are: {MODEL}." in done.stderr


@pytest.mark.parametrize("options", [(), (MODEL, "--all")])
def test_models_are_named_or_all_of_them(workshop: Workshop, options: tuple[str, ...]) -> None:
    done = workshop.run(*options)

    assert done.returncode == 2
    assert f"There are: {MODEL}." in done.stderr
