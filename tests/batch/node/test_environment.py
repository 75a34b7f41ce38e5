"""The environment that a node makes: that of the tool, under the same name, or that of an image."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deepwhisk.batch.node.bundle import runtime_zip
from deepwhisk.batch.node.script import job_script
from deepwhisk.environments import Environments, digest_of
from deepwhisk_runtime.batch import environment
from fixtures.attempts import Attempts

MODEL = """
    from pathlib import Path
    class Model:
        def load(self, weights: Path | None = None):
            self.weights = weights
        def predict(self, x: int = 1) -> int:
            return x
        def train(self, out: Path):
            import tiny
            (out / "x").write_text("x")
            return {"tiny": tiny.__name__, "weights": (self.weights / "weights.txt").read_text()}
"""
BUILD = """
# /// script
# dependencies = []
# ///
import pathlib, sys
pathlib.Path(sys.argv[1], "weights.txt").write_text("made")
"""


def wheel(folder: Path) -> str:
    """The URL of a distribution with one module."""
    path = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return path.as_uri()


def test_the_program_of_a_node_begins_with_nothing_but_python(tmp_path: Path) -> None:
    program = tmp_path / "runtime.zip"
    program.write_bytes(runtime_zip()[0])
    begin = f"import sys; sys.path.insert(0, {str(program)!r}); import deepwhisk_runtime.batch.__main__"
    subprocess.run([sys.executable, "-I", "-S", "-c", begin], check=True, timeout=60)


def test_packages_and_weights_are_made_and_found_again_by_the_tool(
    attempts: Attempts, tmp_path: Path
) -> None:
    requirements = f"tiny @ {wheel(tmp_path)}  # a comment\n"
    attempt = attempts(MODEL, files_beside={"requirements.txt": requirements, "build.py": BUILD})

    result = attempt.run()
    assert result["output"] == {"tiny": "tiny", "weights": "made"}, attempt.said
    assert "tiny" in json.loads(attempt.read("environment"))["packages"]
    told: list[str] = []
    made = Environments(attempt.cache).prepare(requirements, BUILD, told.append)
    assert told == []
    assert made.python.exists()


def test_names_are_those_of_the_tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(runtime_zip()[0])) as archive:
        (tmp_path / "own.txt").write_bytes(archive.read("deepwhisk_runtime/requirements.txt"))
    monkeypatch.setattr(environment, "OWN_REQUIREMENTS", tmp_path / "own.txt")

    for requirements in ("", "b\na  # why\n", "a @ https://x/y#egg=a # why\n"):
        assert environment.digest_of(requirements) == digest_of(requirements)


def test_packages_that_cannot_be_had_are_said(attempts: Attempts) -> None:
    attempt = attempts(MODEL, files_beside={"requirements.txt": "gone @ file:///gone.whl\n"})

    result = attempt.run()
    assert (result["state"], result["phase"]) == ("error", "environment")
    assert "requirements.txt cannot be installed" in result["message"]
    assert "gone.whl" in result["message"]


def test_inside_of_the_models_image_its_environment_is_used(attempts: Attempts, tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "weights.txt").write_text("of the image")
    attempt = attempts(MODEL.replace("import tiny", "import json as tiny"), files_beside={"build.py": BUILD})
    attempt.variables |= {"DEEPWHISK_MODEL": "/catalog/tiny", "DEEPWHISK_WEIGHTS": str(weights)}

    assert attempt.run()["output"] == {"tiny": "json", "weights": "of the image"}


def test_the_program_is_the_same_each_time_and_the_script_is_about_nobody() -> None:
    content, digest = runtime_zip()
    assert (content, digest) == runtime_zip()
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert "deepwhisk_runtime/requirements.txt" in names
    assert not [name for name in names if "__pycache__" in name]
    assert job_script() == job_script()
    assert "http" not in job_script().replace("import urllib", "").replace("urllib", "")
