"""`deepwhisk predict`: every kind of answer, and every failure as one sentence."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.machine import run, until

MODELS = {
    "lists": '"""Lists."""\ndef predict(text: str) -> list[str]:\n    return text.split()\n',
    "prints": '"""Prints."""\nimport os\ndef predict(text: str) -> dict[str, str]:\n'
    '    print("talk" * 30000)\n    os.write(1, b"from C")\n    return {"said": text}\n',
    "counts": '"""Counts."""\ndef predict(texts: list[str]) -> dict[str, int]:\n'
    '    return {"n": len(texts)}\n',
    "breaks": '"""Breaks."""\ndef predict(text: str) -> str:\n    raise ValueError("no such text")\n',
    "dies": '"""Dies."""\nimport os\ndef predict(text: str) -> str:\n    os._exit(77)\n',
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("predict") / "p"
    assert run("new", "project", str(folder)).returncode == 0
    for name, source in MODELS.items():
        (folder / "catalog" / name).mkdir()
        (folder / "catalog" / name / "model.py").write_text(source)
    assert run("manifest", cwd=folder).returncode == 0
    return folder


@pytest.fixture(scope="module")
def state(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A machine that serves the project."""
    folder = str(tmp_path_factory.mktemp("state"))
    done = run("up", "--detach", "--port", "0", "--state", folder, cwd=project)
    assert done.returncode == 0, done.stderr
    yield folder
    run("down", "--state", folder)


pytestmark = pytest.mark.xdist_group("predict")


@pytest.mark.parametrize("local", [True, False])
def test_an_answer_that_is_a_list_is_printed(project: Path, state: str, local: bool) -> None:
    where = ["--local"] if local else ["--state", state]
    done = run("predict", "lists", "-i", "text=a b", *where, cwd=project)
    assert json.loads(done.stdout) == ["a", "b"], done.stderr


@pytest.mark.parametrize("local", [True, False])
def test_an_argument_that_is_given_again_makes_a_list(project: Path, state: str, local: bool) -> None:
    where = ["--local"] if local else ["--state", state]
    done = run("predict", "counts", "-i", "texts=a", "-i", "texts=b", *where, cwd=project)
    assert json.loads(done.stdout) == {"n": 2}, done.stderr


def test_what_a_model_prints_is_no_part_of_its_answer(project: Path) -> None:
    done = run("predict", "prints", "-i", "text=a", "--local", cwd=project)
    assert json.loads(done.stdout) == {"said": "a"}
    assert "talk" in done.stderr
    assert "from C" in done.stderr


def test_a_model_that_is_not_deployed_is_said_with_what_to_do(project: Path, state: str) -> None:
    done = run("predict", "nowhere", "-i", "text=a", "--state", state, cwd=project)
    assert done.returncode == 1
    assert "No model nowhere is deployed" in done.stderr
    assert "deepwhisk models" in done.stderr


def test_a_failure_here_is_told_once(project: Path) -> None:
    done = run("predict", "breaks", "-i", "text=a", "--local", cwd=project)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "predict: predict raised ValueError: no such text"


def test_a_model_that_ends_its_process_is_said(project: Path) -> None:
    done = run("predict", "dies", "-i", "text=a", "--local", cwd=project)
    assert done.returncode == 1
    assert "ended with 77" in done.stderr


def test_packages_that_do_not_exist_are_said_by_deploy_and_predict(project: Path, state: str) -> None:
    folder = project / "catalog" / "wants"
    folder.mkdir()
    (folder / "model.py").write_text(MODELS["lists"])
    (folder / "requirements.txt").write_text("this is no requirement\n")

    deployed = run("deploy", "--state", state, cwd=project)
    asked = run("predict", "wants", "-i", "text=a", "--state", state, cwd=project)

    assert deployed.returncode == 1
    assert "is behind the content folders" in deployed.stderr
    told = "Couldn't parse requirement"
    for said in (deployed.stderr, asked.stderr):
        assert told in said
    assert until(lambda: told in run("status", "--state", state).stdout)
    assert "phase environment" in asked.stderr

    again = run("deploy", "--state", state, cwd=project)
    assert "0 to change" in again.stdout
    assert again.returncode == 1, "what was deployed before still cannot be started"
    assert "Couldn't parse requirement" in again.stderr
