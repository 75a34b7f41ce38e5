"""Trainings over the REST API: processes of their own, and objects that outlive the server."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.machine import until
from runtime.served import Served, serving

SOURCE = '''"""Learns."""
import os, subprocess, sys, time
from pathlib import Path
from typing import Annotated
from pydantic import Field

class Model:
    def predict(self, x: int = 1) -> int:
        return x

    def train(
        self, out: Path, epochs: Annotated[int, Field(ge=1)] = 2, how: str = "", data: Path | None = None
    ):
        if how == "raise": raise ValueError("kaput")
        if how == "exit": os._exit(3)
        if how == "long":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
            (out / "child").write_text(str(child.pid))
            time.sleep(300)
        for epoch in range(epochs):
            yield {"epoch": epoch, "loss": 1 / (epoch + 1)}
        (out / "weights").write_bytes(data.read_bytes() if data else b"w")
        print("trained")
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "learner"
    path.mkdir()
    (path / "model.py").write_text(SOURCE)
    return path


@pytest.fixture
def server(folder: Path, tmp_path: Path) -> Iterator[Served]:
    with serving("serve", "learner", "--port", "0", "--state", "state", cwd=tmp_path) as served:
        yield served


def ended(server: Served, uuid: str) -> Any:
    """The training once it does not run any more."""

    def look() -> Any:
        record = server.ask("GET", f"train/{uuid}").json
        return record if record["status"] != "running" else None

    return until(look)


def begin(server: Served, **arguments: Any) -> Any:
    answer = server.ask("POST", "train/", arguments)
    assert answer.status == 200, answer.body
    return answer.json


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_training_is_an_object_that_runs_and_is_done(server: Served, tmp_path: Path) -> None:
    begun = begin(server, epochs=3)
    assert set(begun) == {"date", "args", "uuid", "status"}
    assert begun["status"] == "running"
    assert begun["args"] == {"epochs": 3, "how": "", "data": None}
    done = ended(server, begun["uuid"])
    assert done | {"status": "running"} == begun | {"result": done["result"]}
    assert done["result"]["output"] == {"epoch": 2, "loss": 1 / 3}
    assert set(done["result"]) == {"output", "finish_date", "duration"}
    assert server.ask("GET", "train/").json == [done]
    kept = tmp_path / "state/learner" / begun["uuid"]
    assert (kept / "out/weights").read_bytes() == b"w"
    assert [json.loads(line)["epoch"] for line in (kept / "metrics.jsonl").read_text().splitlines()] == [
        0,
        1,
        2,
    ]
    assert until(lambda: (kept / "log").read_text()) == "trained\n"  # it says the last when it ends


def test_an_upload_is_kept_for_the_training(server: Served, tmp_path: Path) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="data"; filename="../a b.csv"\r\n\r\n1,2\r\n'
        b'--b\r\nContent-Disposition: form-data; name="epochs"\r\n\r\n1\r\n--b--\r\n'
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    begun = server.ask("POST", "train/", body, **headers).json
    assert begun["args"]["data"] == "_a b.csv"
    assert ended(server, begun["uuid"])["status"] == "done"
    assert (tmp_path / "state/learner" / begun["uuid"] / "out/weights").read_bytes() == b"1,2"


def test_arguments_of_a_training_that_do_not_fit_are_named_and_leave_nothing(
    server: Served, tmp_path: Path
) -> None:
    answer = server.ask("POST", "train/", {"epochs": 0})
    assert (answer.status, answer.json) == (422, {"epochs": ["Must be greater than or equal to 1."]})
    assert server.ask("POST", "train/?epochs=x").json == {"epochs": ["Not a valid integer."]}
    assert server.ask("GET", "train/").json == []
    assert list((tmp_path / "state/learner").iterdir()) == []


@pytest.mark.parametrize(
    ("how", "message"),
    [("raise", "train raised ValueError: kaput"), ("exit", "ended without a word")],
)
def test_a_training_that_fails_says_why(server: Served, how: str, message: str) -> None:
    failed = ended(server, begin(server, how=how)["uuid"])
    assert failed["status"] == "error"
    assert message in failed["message"]
    assert "result" not in failed


def test_cancelling_a_running_training_is_no_error_and_ends_all_its_processes(
    server: Served, tmp_path: Path
) -> None:
    begun = begin(server, how="long")
    child = tmp_path / "state/learner" / begun["uuid"] / "out/child"
    assert until(lambda: child.exists() and child.read_text())
    answer = server.ask("DELETE", f"train/{begun['uuid']}")
    assert (answer.status, answer.json) == (200, begun | {"status": "cancelled"})
    assert server.ask("GET", f"train/{begun['uuid']}").json["status"] == "cancelled"
    assert until(lambda: is_gone(int(child.read_text())))
    assert server.ask("DELETE", f"train/{begun['uuid']}").json["status"] == "cancelled"


def test_a_running_training_blocks_no_prediction(server: Served) -> None:
    begun = begin(server, how="long")
    try:
        for x in range(5):
            assert server.ask("POST", "predict/", {"x": x}).json["predictions"] == x
        assert server.ask("GET", f"train/{begun['uuid']}").json["status"] == "running"
    finally:
        server.ask("DELETE", f"train/{begun['uuid']}")


def test_trainings_are_not_lost_at_a_restart_nor_invisible_to_another_server(
    folder: Path, tmp_path: Path
) -> None:
    command = ("serve", "learner", "--port", "0", "--state", "state")
    with serving(*command, cwd=tmp_path) as first, serving(*command, cwd=tmp_path) as second:
        done = ended(first, begin(first, epochs=1)["uuid"])
        long = begin(first, how="long")
        assert second.ask("GET", "train/").json == [done, long]
    with serving(*command, cwd=tmp_path) as third:
        assert third.ask("GET", "train/").json == [done, long]
        assert third.ask("DELETE", f"train/{long['uuid']}").json["status"] == "cancelled"


def test_a_training_that_was_killed_does_not_run_for_ever(server: Served, tmp_path: Path) -> None:
    begun = begin(server, how="long")
    kept = tmp_path / "state/learner" / begun["uuid"]
    assert until(lambda: (kept / "out/child").exists() and (kept / "out/child").read_text())
    os.killpg(int((kept / "pid").read_text()), signal.SIGKILL)
    assert "killed" in ended(server, begun["uuid"])["message"]


@pytest.mark.parametrize("uuid", ["0" * 32, "..", "%2e%2e%2fx", "x"])
def test_a_training_that_is_not_there_is_404(server: Served, uuid: str) -> None:
    for method in ("GET", "DELETE"):
        assert server.ask(method, f"train/{uuid}").status == 404


def test_a_model_without_train_says_so(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/model.py").write_text("def predict(): return 1")
    with serving("serve", "plain", "--port", "0", "--state", "state", cwd=tmp_path) as server:
        answer = server.ask("POST", "train/")
        assert (answer.status, "no method `train`" in answer.json["error"]["message"]) == (501, True)
        assert server.ask("GET", "train/").json == []


def test_a_training_that_cannot_be_kept_says_where(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with serving("serve", "learner", "--port", "0", "--state", "state", cwd=tmp_path) as server:
        answer = server.ask("POST", "train/")
        assert answer.status == 500
        assert "Name another with --state" in answer.json["error"]["message"]
