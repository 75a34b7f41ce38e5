"""A model without OpenWhisk: `serve` and `predict` of the real program."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from runtime.program import RUNTIME

SOURCE = '''"""Counts."""
from pathlib import Path
class Model:
    def predict(self, file: Path, more: list[Path] = [], times: int = 1, words: list[str] = []) -> dict:
        return {"size": len(file.read_bytes()) * times, "more": len(more), "words": words, "copy": b"x" * 3}
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "counter").mkdir()
    (tmp_path / "counter/model.py").write_text(SOURCE)
    (tmp_path / "ä b.txt").write_text("12345")
    return tmp_path


def program(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "deepwhisk_runtime", *arguments]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(RUNTIME)}
    command = program(folder, *arguments)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def test_a_prediction_is_printed_for_people(folder: Path) -> None:
    inputs = ["file=@ä b.txt", "times=3", "more=@ä b.txt", "more=@ä b.txt", "words=a=b", "words=c"]
    done = run(folder, "predict", "counter", *(part for each in inputs for part in ("-i", each)))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "size": 15,
        "more": 2,
        "words": ["a=b", "c"],
        "copy": {
            "file": "application/octet-stream",
            "contentType": "application/octet-stream",
            "size": "3 bytes; --json prints them",
        },
    }


def test_a_prediction_is_printed_for_programs(folder: Path) -> None:
    done = run(folder, "predict", "counter", "-i", "file=@ä b.txt", "--json")
    assert done.stdout.count("\n") == 1
    assert json.loads(done.stdout)["copy"]["$bytes"] == "eHh4"


@pytest.mark.parametrize(
    ("inputs", "code", "said"),
    [
        (["file=@gone.txt"], 2, "The file for 'file' does not exist: gone.txt"),
        (["nonsense"], 2, "An input is name=value or name=@file (got 'nonsense')."),
        (["times=many", "file=@ä b.txt"], 2, "times: Input should be a valid integer"),
        ([], 2, "file: Missing data for required field."),
    ],
)
def test_inputs_that_do_not_fit_are_said(folder: Path, inputs: list[str], code: int, said: str) -> None:
    done = run(folder, "predict", "counter", *(part for each in inputs for part in ("-i", each)))
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_that_is_not_there_is_said(folder: Path) -> None:
    done = run(folder, "predict", "nowhere")
    assert done.returncode == 1
    assert "load: The model cannot be read: model.py is missing" in done.stderr


def test_a_model_is_served_until_it_is_told_to_end(folder: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(RUNTIME)}
    command = program(folder, "serve", "counter", "--port", "0")
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.fullmatch(
                r"counter answers at (http://127\.0\.0\.1:(\d+)/v2/models/counter/)\n",
                process.stdout.readline(),
            )
            assert found
            with urllib.request.urlopen(found[1], timeout=60) as answer:
                assert json.load(answer)["title"] == "Counts."
            body = json.dumps({"file": "MTIz"}).encode()
            request = urllib.request.Request(
                found[1] + "predict/", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert json.load(answer)["predictions"]["size"] == 3
            taken = run(folder, "serve", "counter", "--port", found[2])
            assert taken.returncode == 1
            assert (
                f"Port {found[2]} of 127.0.0.1 cannot be listened on: Address already in use." in taken.stderr
            )
        finally:
            process.terminate()
    assert process.returncode == 0
