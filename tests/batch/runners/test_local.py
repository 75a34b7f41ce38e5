"""This machine as a batch runner: what only it promises."""

import json
import os
import signal
from dataclasses import replace

import pytest

from deepwhisk.batch.runner import State
from deepwhisk.errors import RunnerRefused
from deepwhisk.keeper import jobs
from fixtures.clusters import SLEEPS, SMALL, Cluster, until


def _keeper(cluster: Cluster, name: str) -> int:
    return int(json.loads((cluster.folder / name / "begun.json").read_bytes())["pid"])


def test_a_job_is_what_its_name_says_however_often_it_is_submitted(local: Cluster) -> None:
    job = local.job('echo once >>"$PLACE/times"')
    assert local.submit(job) == local.submit(job)
    local.over(job)
    local.submit(job)
    assert local.over(job).state is State.DONE
    assert local.file(job, "times").read_text() == "once\n"


def test_a_job_is_told_before_its_time_is_up_and_then_ended(local: Cluster) -> None:
    script = "trap ': >\"$PLACE/heard\"' TERM\nsleep 300 & while :; do wait; done"
    job = local.job(script, replace(SMALL, time=3), grace=1)
    local.submit(job)
    status = local.over(job)
    assert (status.state, status.reason) == (State.TIMEOUT, "it took longer than its 3 s")
    assert local.file(job, "heard").exists()


def test_a_job_deaf_to_its_cancellation_is_ended_after_its_grace(local: Cluster) -> None:
    job = local.job("trap '' TERM; : >\"$PLACE/begun\"; while :; do sleep 0.1; done", grace=1)
    [handle] = local.submit(job)
    local.running(job)
    local.runner.cancel(handle)
    assert local.over(job).state is State.CANCELLED


def test_a_job_whose_keeper_is_killed_has_failed_and_nothing_of_it_runs_on(local: Cluster) -> None:
    script = (
        "setsid sh -c 'echo $$ >\"$PLACE/child\"; while :; do sleep 0.1; done' &\n"
        'until test -s "$PLACE/child"; do sleep 0.1; done; : >"$PLACE/begun"; sleep 300\n'
    )
    job = local.job(script)
    local.submit(job)
    local.running(job)
    os.kill(_keeper(local, job.name), signal.SIGKILL)
    until(lambda: local.status(job).state is State.NODE_FAILED)
    assert local.status(job).reason == jobs.LOST
    child = local.file(job, "child").read_text().strip()
    until(lambda: not os.path.exists(f"/proc/{child}"))


def test_a_keeper_told_to_end_lets_the_job_write_what_it_has(local: Cluster) -> None:
    script = 'trap \'touch "$PLACE/heard"; exit 75\' TERM\n: >"$PLACE/begun"; while :; do sleep 0.1; done'
    job = local.job(script, grace=60)
    local.submit(job)
    local.running(job)
    os.kill(_keeper(local, job.name), signal.SIGTERM)
    assert local.over(job).state is State.PREEMPTED
    assert local.file(job, "heard").exists()


def test_a_job_whose_folder_is_gone_does_not_run_on_unseen(local: Cluster) -> None:
    job = local.job(SLEEPS)
    local.submit(job)
    local.running(job)
    keeper = _keeper(local, job.name)
    local.folder.rename(local.folder.with_name("gone"))
    local.folder.mkdir()
    local.runner = local.opened()
    until(lambda: not os.path.exists(f"/proc/{keeper}"))
    assert not os.path.exists(f"/proc/{local.file(job, 'pid').read_text().strip()}")


def test_what_a_job_has_left_running_ends_with_it(local: Cluster) -> None:
    job = local.job('setsid sleep 300 & echo $! >"$PLACE/child"')
    local.submit(job)
    assert local.over(job).state is State.DONE
    assert not os.path.exists(f"/proc/{local.file(job, 'child').read_text().strip()}")


def test_jobs_begin_in_their_order_and_never_have_the_same_gpu(local: Cluster) -> None:
    one_gpu = replace(SMALL, gpus=1)
    script = 'echo "$CUDA_VISIBLE_DEVICES" >"$PLACE/gpus"; : >"$PLACE/begun"; exec sleep 300'
    given = [local.job(script, one_gpu) for _ in range(3)]
    handles = local.submit(*given)
    for job in given[:2]:
        local.running(job)
    assert local.status(given[2]).state is State.QUEUED
    small = local.job("true")
    local.submit(small)
    assert local.status(small).state is State.QUEUED  # it does not overtake
    assert {local.file(job, "gpus").read_text().strip() for job in given[:2]} == {"0", "1"}
    local.runner.cancel(handles[0], hard=True)
    until(local.file(given[2], "begun").exists)
    assert local.over(small).state is State.DONE


def test_the_queue_is_there_after_everybody_was_killed(local: Cluster) -> None:
    first, second = local.job(SLEEPS, local.whole()), local.job(': >"$PLACE/begun"')
    local.submit(first, second)
    local.running(first)
    os.kill(_keeper(local, first.name), signal.SIGKILL)
    statuses = local.opened().statuses()
    until(lambda: local.opened().statuses()[first.name].state is State.NODE_FAILED)
    assert statuses[second.name].state in (State.QUEUED, State.RUNNING)
    assert local.over(second).state is State.DONE


def test_the_end_of_a_jobs_output_is_kept(local: Cluster) -> None:
    job = local.job("echo said; echo wrong >&2")
    [handle] = local.submit(job)
    local.over(job)
    assert local.runner.log(handle) == "said\nwrong\n"
    assert local.runner.log("deepwhisk-unknown") == ""


def test_a_job_has_no_key_of_who_started_it(local: Cluster) -> None:
    local.options["variables"] = {"AWS_SECRET_ACCESS_KEY": "hidden", "SSL_CERT_FILE": "/certificates"}
    local.runner = local.opened()
    job = local.job("env")
    [handle] = local.submit(job)
    local.over(job)
    said = local.runner.log(handle)
    assert "SSL_CERT_FILE=/certificates" in said
    assert "hidden" not in said


def test_what_a_job_is_told_is_for_its_owner_only(local: Cluster) -> None:
    job = local.job("true")
    local.submit(job)
    local.over(job)
    assert local.folder.stat().st_mode & 0o077 == 0
    assert (local.folder / job.name / "job.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["../x", "a b", "", ".line"])
def test_a_job_that_is_called_like_something_else_is_refused(local: Cluster, name: str) -> None:
    with pytest.raises(RunnerRefused, match="No job can be called"):
        local.runner.submit([replace(local.job("true"), name=name)])
    local.runner.cancel(name, hard=True)
    assert local.runner.log(name) == ""
