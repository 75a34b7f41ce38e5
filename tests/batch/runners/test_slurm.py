"""A real Slurm as a batch runner, when things go wrong, and what others see of a job."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deepwhisk.batch.runner import State
from deepwhisk.batch.slurm.commands import Said, SlurmCommands
from deepwhisk.errors import RunnerRefused, RunnerUnreachable, SettingsError
from fixtures.clusters import SLEEPS, SMALL, Cluster
from fixtures.slurm import Slurm, Timed, started

SECRET = "https://store/key?signature=5ecret"


@pytest.fixture
def frail(slurm: Slurm) -> Iterator[None]:
    """A node that a test may kill; it works again afterwards."""
    yield
    if "slurmd3" not in slurm.started:
        slurm.start_node(3)
    slurm.command("scontrol", "update", f"nodename={slurm.name}3", "state=resume", check=False)
    slurm.await_nodes()


def test_neither_ps_nor_slurm_shows_what_a_job_is_told(slurm: Slurm, slurm_here: Cluster) -> None:
    job = slurm_here.job(SLEEPS, variables={"DEEPWHISK_JOB": SECRET})
    [handle] = slurm_here.submit(job)
    slurm_here.running(job)
    shown = slurm.command("scontrol", "show", "job", "--details", handle)
    assert job.name in shown
    assert "5ecret" not in shown
    assert "5ecret" not in subprocess.run(["ps", "axww"], capture_output=True, text=True, check=True).stdout
    logged = [path.read_text(errors="replace") for path in (slurm.root / "log").iterdir()]
    assert not any("5ecret" in text for text in logged)


def test_a_job_has_nothing_of_who_submitted_it(slurm_here: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "5ecret")
    job = slurm_here.job('env >"$PLACE/env"')
    slurm_here.submit(job)
    slurm_here.over(job)
    assert "5ecret" not in slurm_here.file(job, "env").read_text()


def test_many_jobs_that_are_alike_are_arrays_as_long_as_slurm_can_name(slurm_here: Cluster) -> None:
    jobs = [slurm_here.job("true") for _ in range(25)]
    handles = slurm_here.submit(*jobs)
    assert len({handle.partition("_")[0] for handle in handles}) == 2
    statuses = slurm_here.runner.statuses()
    assert [statuses[job.name].handle for job in jobs] == handles


@pytest.mark.usefixtures("frail")
def test_a_job_on_a_node_that_dies_begins_again_on_one_that_lives(slurm: Slurm, slurm_here: Cluster) -> None:
    script = 'echo x >>"$PLACE/times"; : >"$PLACE/begun"; exec sleep 300'
    job = slurm_here.job(script, replace(SMALL, partition="frail"))
    [handle] = slurm_here.submit(job)
    slurm_here.running(job)
    slurm.die(3)
    assert slurm_here.when(job, lambda status: status.state is not State.RUNNING).state is State.QUEUED
    slurm.command("scontrol", "update", f"jobid={handle}", "partition=batch")
    slurm.hurry(handle, lambda: slurm_here.file(job, "times").read_text() == "x\nx\n")
    assert slurm_here.running(job).handle == handle


@pytest.mark.usefixtures("frail")
def test_a_job_that_may_not_begin_again_has_failed_with_its_node(slurm: Slurm, slurm_here: Cluster) -> None:
    job = slurm_here.job(SLEEPS, replace(SMALL, partition="frail"))
    [handle] = slurm_here.submit(job)
    slurm_here.running(job)
    slurm.command("scontrol", "update", f"jobid={handle}", "requeue=0")
    slurm.die(3)
    assert slurm_here.over(job).state is State.NODE_FAILED


def test_a_requeued_job_keeps_its_name_and_handle(slurm: Slurm, slurm_here: Cluster) -> None:
    job = slurm_here.job(SLEEPS)
    [handle] = slurm_here.submit(job)
    slurm_here.running(job)
    slurm.command("scontrol", "requeue", handle)
    assert slurm_here.when(job, lambda status: status.state is State.QUEUED).handle == handle


def test_a_job_held_for_ever_says_why(slurm: Slurm, slurm_here: Cluster) -> None:
    first, held = (slurm_here.job(SLEEPS, slurm_here.whole()) for _ in range(2))
    slurm_here.submit(first)
    [handle] = slurm_here.submit(held)
    slurm.command("scontrol", "hold", handle)
    status = slurm_here.when(held, lambda status: status.state is State.HELD)
    assert status.reason in ("JobHeldUser", "JobHeldAdmin")
    slurm.command("scontrol", "release", handle)
    slurm_here.when(held, lambda status: status.state is State.QUEUED)


def test_jobs_run_on_while_the_controller_restarts(slurm: Slurm, slurm_here: Cluster) -> None:
    job = slurm_here.job(SLEEPS)
    [handle] = slurm_here.submit(job)
    slurm_here.running(job)
    slurm.kill("slurmctld")
    with pytest.raises(RunnerUnreachable, match="does not answer"):
        slurm_here.runner.statuses()
    slurm.start_controller()
    assert slurm_here.running(job).handle == handle


def test_a_job_that_slurm_has_forgotten_is_in_no_list(tmp_path: Path) -> None:
    with started() as slurm:
        cluster = Cluster(slurm.here_url(), tmp_path / "state", tmp_path)
        job = cluster.job("true")
        [handle] = cluster.submit(job)
        cluster.over(job)
        slurm.kill("slurmctld")
        slurm.start_controller("-c")
        assert job.name not in cluster.runner.statuses()
        cluster.runner.cancel(handle, hard=True)


def test_a_job_is_told_before_its_time_is_up_and_then_ended(timed: Timed) -> None:
    for job in (timed.by_commands, timed.by_rest):
        assert timed.cluster.over(job, 240).state is State.TIMEOUT
        assert timed.cluster.file(job, "heard").exists()


def test_partitions_that_are_not_there_are_refused_with_those_that_are(slurm_here: Cluster) -> None:
    with pytest.raises(RunnerRefused, match=r"no partition 'nope'.* batch, closed, frail, slow"):
        slurm_here.submit(slurm_here.job("true", replace(SMALL, partition="nope")))
    with pytest.raises(RunnerRefused, match="seconds are wanted; this cluster gives at most 86400"):
        slurm_here.submit(slurm_here.job("true", replace(SMALL, time=86401)))


@pytest.mark.parametrize("account", ["$(touch x)", "a b", "--wrap=id", "a;id", "x\n"])
def test_an_account_that_is_no_word_reaches_no_command(slurm_here: Cluster, account: str) -> None:
    with pytest.raises(RunnerRefused, match="No account is called"):
        slurm_here.submit(slurm_here.job("true", replace(SMALL, account=account)))


def test_a_machine_without_slurm_says_so() -> None:
    runner = SlurmCommands(lambda words, given="": Said(127, "", f"sh: 1: {words[0]}: not found"))
    with pytest.raises(RunnerRefused, match="There is no squeue where jobs are to be submitted"):
        runner.statuses()


def test_an_option_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no option 'colour'; it has conf, output"):
        Cluster("slurm:?colour=red", tmp_path / "state", tmp_path)
    with pytest.raises(SettingsError, match="is no file"):
        Cluster("slurm:?conf=/nowhere", tmp_path / "state", tmp_path)
    with pytest.raises(SettingsError, match="No runner is called 'pbs'"):
        Cluster("pbs:", tmp_path / "state", tmp_path)


def test_what_a_job_said_first_is_read_from_its_log(slurm_here: Cluster) -> None:
    job = slurm_here.job("echo said; echo wrong >&2; exit 1")
    [handle] = slurm_here.submit(job)
    slurm_here.over(job)
    assert slurm_here.runner.log(handle) == "said\nwrong\n"
    assert slurm_here.runner.log("777777") == ""
    assert slurm_here.runner.log("../x") == ""
