"""An image that holds a model is that model: as an action without code, and on the command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.program import RUNTIME, Program

MODEL = '''
"""Counts letters."""
from pathlib import Path

class Model:
    def predict(self, text: str) -> dict[str, int]:
        return {"letters": len(text)}
'''
CODE = "def main(args):\n    return {'code': True}"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "model.py").write_text(MODEL)
    return folder


def test_an_action_without_code_is_the_model(model: Path, tmp_path: Path) -> None:
    with Program(tmp_path, DEEPWHISK_MODEL=str(model)) as container:
        assert container.post("/init", {"value": {"name": "a", "code": ""}}) == (200, {"ok": True})
        assert container.run({"text": "four"}) == (200, {"letters": 4})


def test_code_that_is_sent_goes_before_the_model(model: Path, tmp_path: Path) -> None:
    with Program(tmp_path, DEEPWHISK_MODEL=str(model)) as container:
        assert container.init(CODE) == (200, {"ok": True})
        assert container.run({}) == (200, {"code": True})


def test_what_an_action_writes_beside_its_model_does_not_stay(model: Path, tmp_path: Path) -> None:
    with Program(tmp_path, DEEPWHISK_MODEL=str(model)) as container:
        container.post("/init", {})
    assert [path.name for path in model.iterdir()] == ["model.py"]


def test_a_prediction_needs_no_folder(model: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "deepwhisk_runtime", "predict", "-i", "text=four", "--json"],
        env=os.environ | {"PYTHONPATH": str(RUNTIME), "DEEPWHISK_MODEL": str(model)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == '{"letters":4}\n'
