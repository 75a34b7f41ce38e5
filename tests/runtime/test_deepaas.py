"""The commands and flags of DEEPaaS: `run` as `deepaas-run`, `cli` as `deepaas-cli`."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.machine import until
from runtime.served import environment, serving

SOURCE = '''"""Greets."""
from pathlib import Path
from typing import Annotated, Any, Literal

print("loading")

class Model:
    def predict(
        self,
        name: Annotated[str, "Whom: 100 % of them"],
        words: list[str] = [],
        data: Path | None = None,
        accept: Literal["application/json", "image/png"] = "application/json",
    ) -> Any:
        print("greeting", name)
        if accept == "image/png": return b"PNG"
        return {"hello": name, "words": words, "size": data and data.stat().st_size}

    def train(self, out: Path, epochs: int = 1):
        (out / "weights").write_text("w")
        for epoch in range(epochs): yield {"epoch": epoch}
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "greeter").mkdir()
    (tmp_path / "greeter/model.py").write_text(SOURCE)
    (tmp_path / "a.bin").write_bytes(b"12345")
    return tmp_path


def cli(cwd: Path, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "deepwhisk_runtime", "cli", *words]
    return subprocess.run(
        command, cwd=cwd, env=environment(**variables), capture_output=True, text=True, timeout=60
    )


def test_endpoints_that_are_switched_off_ask_for_payment(folder: Path) -> None:
    flags = ["--nopredict-endpoint", "--notrain-endpoint", "--nodoc-endpoint"]
    with serving("run", "--model-name", "greeter", "--listen-port", "0", *flags, cwd=folder) as server:
        assert server.ask("POST", "predict/", {"name": "x"}).status == 402
        assert server.ask("POST", "train/").status == 402
        assert server.ask("GET", "train/").status == 402
        assert server.ask("GET", "train/" + "0" * 32).status == 402
        for path in ("/ui", "/api", "/swagger.json", "/openapi.json"):
            assert server.ask("GET", path).status == 404
        assert server.ask("GET", "/").json["links"] == []
        assert server.ask("GET", "").status == 200


def test_what_the_model_prints_is_shown_when_the_flag_says_so(folder: Path) -> None:
    with serving("run", "--listen-port", "0", "--debug-endpoint", cwd=folder / "greeter") as server:
        server.ask("POST", "predict/", {"name": "you"})
        answer = server.ask("GET", "/v2/debug/")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
        assert answer.body.startswith(b"loading\n")
        assert answer.body.endswith(b"greeting you\n")


def test_all_paths_begin_with_the_base_path(folder: Path) -> None:
    flags = ["--base-path", "/models/my", "--client-max-size", "1000", "--nowarm"]
    with serving("run", "--listen-port", "0", *flags, cwd=folder / "greeter") as server:
        assert server.url.endswith("/models/my/v2/models/")
        assert server.ask("GET", "greeter/").json["links"][0]["href"] == "/models/my/v2/models/greeter/"
        assert server.ask("GET", "/models/my/v2").headers["Location"] == "/models/my/v2/"
        assert server.ask("GET", "/models/my/openapi.json").json["servers"] == [{"url": "/models/my"}]
        assert server.ask("GET", "/models/my/swagger.json").json["basePath"] == "/models/my"
        assert server.ask("POST", "greeter/predict/?name=a").json["predictions"]["hello"] == "a"
        assert server.ask("GET", "/v2/").status == 404
        assert server.ask("POST", "greeter/predict/", {"name": "x" * 2000}).status == 413


def test_workers_share_port_and_trainings_and_one_that_is_killed_is_replaced(folder: Path) -> None:
    flags = ["--model-name", "greeter", "--listen-port", "0", "--workers", "2", "--state", "state"]
    with serving("run", *flags, cwd=folder, PYTHONUNBUFFERED="1") as server:
        begun = server.ask("POST", "train/")
        assert begun.status == 200, begun.body
        uuid = begun.json["uuid"]
        for _ in range(8):
            assert [each["uuid"] for each in server.ask("GET", "train/").json] == [uuid]
        listed = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        assert until(lambda: len(listed.read_text().split()) == 2)
        killed = listed.read_text().split()[0]
        os.kill(int(killed), signal.SIGKILL)
        assert until(lambda: killed not in listed.read_text().split())
        assert server.ask("POST", "predict/?name=a").status == 200
        assert until(lambda: server.ask("GET", f"train/{uuid}").json["status"] != "running")
        assert server.ask("GET", f"train/{uuid}").json["result"]["output"] == {"epoch": 0}


def test_a_prediction_on_the_command_line_has_the_arguments_of_the_model(folder: Path) -> None:
    words = ["--name", "you", "--words", "a", "--words", "b", "--data", "a.bin"]
    done = cli(folder, "predict", *words, DEEPAAS_V2_MODEL="greeter")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"hello": "you", "words": ["a", "b"], "size": 5}
    assert "greeting you" in done.stderr


def test_the_output_file_gets_the_ending_of_its_type(folder: Path) -> None:
    flags = ["--model-name", "greeter", "--deepaas_method_output"]
    done = cli(folder, *flags, "out/answer", "predict", "--name", "x", "--accept", "image/png")
    assert (done.returncode, done.stdout) == (0, "out/answer.png\n"), done.stderr
    assert (folder / "out/answer.png").read_bytes() == b"PNG"
    done = cli(folder, *flags, "answer.txt", "predict", "--name", "x")
    assert json.loads((folder / "answer.txt.json").read_text())["hello"] == "x"


def test_metadata_and_warm_on_the_command_line(folder: Path) -> None:
    assert json.loads(cli(folder / "greeter", "get_metadata").stdout)["title"] == "Greets."
    assert json.loads(cli(folder / "greeter").stdout)["name"] == "greeter"
    assert cli(folder / "greeter", "warm").stdout.startswith("greeter was loaded in ")


def test_a_training_on_the_command_line_prints_its_object(folder: Path) -> None:
    done = cli(folder, "--model-name", "greeter", "train", "--epochs", "2", "--out", "made")
    told = json.loads(done.stdout)
    assert (told["status"], told["result"]["output"], told["args"]) == ("done", {"epoch": 1}, {"epochs": "2"})
    assert (folder / "made/weights").read_text() == "w"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--model-name", "greeter", "predict"], 2, "name: Missing data for required field."),
        (["--model-name", "greeter", "predict", "--name", "x", "--data", "gone"], 2, "does not exist: gone"),
        (["--model-name", "nobody", "predict"], 1, "No installed package has a module 'nobody'"),
        (["predict"], 1, "Which model? There is no model.py here"),
        (["--model-name", "greeter", "dance"], 2, "invalid choice: 'dance'"),
    ],
)
def test_what_is_missing_on_the_command_line_is_said(
    folder: Path, words: list[str], code: int, said: str
) -> None:
    done = cli(folder, *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_the_help_of_a_method_names_the_arguments_of_the_model(folder: Path) -> None:
    done = cli(folder, "--model-name", "greeter", "predict", "--help")
    assert done.returncode == 0
    assert "Whom: 100 % of them (required)" in " ".join((done.stdout + done.stderr).split())
