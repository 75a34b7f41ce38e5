"""A real slurmrestd (v0.0.38), and the shapes that later ones give, as their documentation has them."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deepwhisk.batch.runner import Resources, State
from deepwhisk.batch.slurm.shapes import places
from deepwhisk.errors import RunnerRefused, RunnerUnreachable, SettingsError
from fixtures.clusters import Cluster
from fixtures.slurm import Slurm


def test_a_token_that_has_expired_is_said_and_its_successor_is_read(
    slurm: Slurm, slurm_rest: Cluster
) -> None:
    token = slurm.root / "token"
    token.write_text(slurm.expired_token())
    with pytest.raises(RunnerUnreachable, match=r"The token in .*token expired at 20\d\d-.*`scontrol token"):
        slurm_rest.runner.statuses()
    token.write_text(f"SLURM_JWT={slurm.token()}\n")
    assert isinstance(slurm_rest.runner.statuses(), dict)


def test_a_token_that_is_none_is_said(slurm: Slurm, slurm_rest: Cluster) -> None:
    (slurm.root / "token").write_text("nonsense")
    with pytest.raises(RunnerUnreachable, match="does not take the token of root"):
        slurm_rest.runner.statuses()
    (slurm.root / "token").unlink()
    with pytest.raises(RunnerUnreachable, match="cannot be read: No such file"):
        slurm_rest.runner.statuses()
    (slurm.root / "token").write_text(slurm.token())


def test_what_slurm_refuses_it_says_in_its_own_words(slurm_rest: Cluster) -> None:
    job = slurm_rest.job("true", Resources(memory=100, account="a" * 2000))
    with pytest.raises(RunnerRefused, match="No account is called"):
        slurm_rest.submit(job)


def test_a_slurmrestd_that_is_away_is_unreachable_for_now(slurm: Slurm, slurm_rest: Cluster) -> None:
    slurm_rest.runner.statuses()
    slurm.kill("slurmrestd")
    with pytest.raises(RunnerUnreachable, match="cannot be reached"):
        slurm_rest.runner.statuses()
    slurm.start_rest()
    assert isinstance(slurm_rest.runner.statuses(), dict)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("user=me", "is not whole"),
        ("user=me&token=/nowhere", "is no file"),
        ("user=me&token={token}&version=v0.0.20", "No version of slurmrestd"),
        ("user=me&token={token}&colour=red", "no option 'colour'"),
    ],
)
def test_what_is_missing_or_wrong_is_said(query: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x")
    with pytest.raises(SettingsError, match=said):
        Cluster(f"slurm+rest://host:1?{query.format(token=tmp_path / 'token')}", tmp_path / "state", tmp_path)


def test_a_token_goes_to_another_machine_by_tls_only(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x")
    cluster = Cluster(
        f"slurm+rest://127.0.0.2:1?user=me&token={tmp_path}/token", tmp_path / "state", tmp_path
    )
    with pytest.raises(RunnerUnreachable, match=r"https://127\.0\.0\.2:1"):
        cluster.runner.statuses()


def test_waiting_elements_of_an_array_are_told_one_by_one() -> None:
    assert list(places("0-2,5,7-8%2")) == [0, 1, 2, 5, 7, 8]
    assert list(places("[1-2]")) == [1, 2]
    assert list(places("")) == []


def _number(number: int | None) -> dict[str, Any]:
    return {"set": number is not None, "infinite": False, "number": number or 0}


def _job(number: int, states: list[str], **changes: Any) -> dict[str, Any]:
    """A job as v0.0.40 to v0.0.42 tell it, as far as anybody reads it."""
    code = {"status": ["SUCCESS"], "return_code": _number(0), "signal": {"id": _number(None), "name": ""}}
    usual = {
        "job_id": number,
        "array_job_id": _number(0),
        "array_task_id": _number(None),
        "array_task_string": "",
        "name": f"job-{number}",
        "comment": "",
        "user_name": "me",
        "job_state": states,
        "state_reason": "None",
        "nodes": "n1",
        "exit_code": code,
    }
    return usual | changes


FAILED = {"status": ["ERROR"], "return_code": _number(3), "signal": {"id": _number(None), "name": ""}}
JOBS = [
    _job(1, ["RUNNING"]),
    _job(2, ["FAILED"], exit_code=FAILED, state_reason="NonZeroExitCode"),
    _job(3, ["CANCELLED", "COMPLETING"]),
    _job(4, ["PENDING", "REQUEUE_HOLD"], state_reason="job requeued in held state", nodes=""),
    _job(5, ["PENDING"], array_job_id=_number(5), array_task_string="1-2", comment="a b c", nodes=""),
    _job(6, ["COMPLETED"], array_job_id=_number(5), array_task_id=_number(0), comment="a b c"),
    _job(7, ["RUNNING"], user_name="another"),
]
NODES = [
    {"name": "n1", "partitions": ["gpu", "shut"], "state": ["MIXED"], "cpus": 64, "alloc_cpus": 16}
    | {"real_memory": 256_000, "gres": "gpu:a100:4(S:0-1)", "gres_used": "gpu:a100:1(IDX:0)"},
    {"name": "n2", "partitions": ["gpu"], "state": ["IDLE", "DRAIN"], "cpus": 32, "alloc_cpus": 0}
    | {"real_memory": 128_000, "gres": "", "gres_used": ""},
]
PARTITIONS = [
    {"name": "gpu", "partition": {"state": ["UP"]}, "maximums": {"time": _number(1440)}},
    {
        "name": "shut",
        "partition": {"state": ["DOWN"]},
        "maximums": {"time": {"infinite": True, "set": False}},
    },
]


class Later(BaseHTTPRequestHandler):
    """A slurmrestd of 24.11, as far as its documentation says."""

    asked: list[tuple[str, str, Any]]

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.asked.append((self.command, self.path, body))
        answers: dict[str, Any] = {
            "/openapi/v3": {"paths": {f"/slurm/v0.0.{each}/jobs/": {} for each in (39, 40, 41, 42, 43)}},
            "/slurm/v0.0.42/jobs": {"jobs": JOBS},
            "/slurm/v0.0.42/nodes": {"nodes": NODES},
            "/slurm/v0.0.42/partitions": {"partitions": PARTITIONS},
            "/slurm/v0.0.42/job/submit": {"job_id": 99, "result": {"job_id": 99}},
        }
        told = json.dumps({"errors": [], "warnings": [], **answers.get(self.path, {})}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, *words: Any) -> None: ...


@pytest.fixture
def later(tmp_path: Path) -> Iterator[tuple[Cluster, list[tuple[str, str, Any]]]]:
    asked: list[tuple[str, str, Any]] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Later,), {"asked": asked})) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        (tmp_path / "token").write_text("x")
        url = f"slurm+rest://127.0.0.1:{server.server_port}?user=me&token={tmp_path}/token"
        yield Cluster(url, tmp_path / "state", tmp_path), asked
        server.shutdown()
        thread.join()


Asked = tuple[Cluster, list[tuple[str, str, Any]]]


def test_the_newest_version_that_both_speak_is_spoken(later: Asked) -> None:
    cluster, asked = later
    cluster.runner.statuses()
    assert [path for _, path, _ in asked] == ["/openapi/v3", "/slurm/v0.0.42/jobs"]


def test_later_states_are_lists_and_numbers_may_be_unset(later: Asked) -> None:
    cluster, _ = later
    told = {name: (status.handle, status.state) for name, status in cluster.runner.statuses().items()}
    assert told == {
        "job-1": ("1", State.RUNNING),
        "job-2": ("2", State.FAILED),
        "job-3": ("3", State.RUNNING),
        "job-4": ("4", State.HELD),
        "a": ("5_0", State.DONE),
        "b": ("5_1", State.QUEUED),
        "c": ("5_2", State.QUEUED),
    }
    assert cluster.runner.statuses()["job-2"].reason == "NonZeroExitCode, exit status 3"


def test_later_nodes_and_partitions_are_understood(later: Asked) -> None:
    offer = later[0].runner.offer()
    assert (offer.cpus, offer.memory, offer.gpus, offer.time) == (64, 256_000, 4, 86_400)
    assert (offer.free_cpus, offer.free_gpus, offer.partitions, offer.waiting) == (48, 3, ("gpu",), 2)


def test_a_later_job_is_asked_for_in_later_words(later: Asked) -> None:
    cluster, asked = later
    wanted = Resources(cpus=2, memory=500, gpus=1, time=90, partition="gpu")
    assert cluster.runner.submit([cluster.job("true", wanted), cluster.job("true", wanted)]) == [
        "99_0",
        "99_1",
    ]
    body = asked[-1][2]
    assert body["script"].startswith("#!/bin/sh\n")
    job = body["job"]
    assert job["environment"][0].startswith("PATH=")
    assert (job["tres_per_job"], job["array"], job["partition"]) == ("gres/gpu:1", "0-1", "gpu")
    assert job["memory_per_node"] == {"set": True, "infinite": False, "number": 500}
    assert job["time_limit"]["number"] == 2


def test_a_later_job_is_told_to_end_alone(later: Asked) -> None:
    cluster, asked = later
    cluster.runner.cancel("1")
    assert asked[-1][:2] == ("DELETE", "/slurm/v0.0.42/job/1?signal=TERM&flags=BATCH_JOB")
    cluster.runner.cancel("5_1")
    assert asked[-1][:2] == ("DELETE", "/slurm/v0.0.42/job/5_1")
    assert cluster.runner.statuses()["b"].state is State.QUEUED  # until Slurm has forgotten it
