"""What every driver of `Runner` does, each against the real thing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deepwhisk.batch.runner import State
from deepwhisk.errors import RunnerRefused
from fixtures.clusters import SLEEPS, SMALL, Cluster, until
from fixtures.kubernetes import KUBECONFIG

HARD_TEXT = "a'b\"c `id` $(touch gone) \\ %s\n; $HOME ünï ✓\n"
SLURM = [
    pytest.param(f"slurm_{way}", marks=pytest.mark.xdist_group("slurm")) for way in ("here", "ssh", "rest")
]
ALL = ["local", *SLURM, *(["kubernetes"] if KUBECONFIG else [])]


@pytest.fixture(params=ALL)
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    return request.getfixturevalue(request.param)


def test_a_job_has_its_variables_as_they_are_and_is_done(cluster: Cluster) -> None:
    job = cluster.job('printf %s "$TEXT" >"$PLACE/text"', variables={"TEXT": HARD_TEXT})
    [handle] = cluster.submit(job)
    status = cluster.over(job)
    assert (status.state, status.handle) == (State.DONE, handle)
    assert cluster.file(job, "text").read_text() == HARD_TEXT


def test_a_job_finds_a_home_a_path_and_a_user(cluster: Cluster) -> None:
    job = cluster.job('cd "$HOME" && touch "$PLACE/at-home" && test -n "$USER" && command -v ls')
    cluster.submit(job)
    assert cluster.over(job).state is State.DONE
    assert cluster.file(job, "at-home").exists()


def test_a_job_that_fails_says_how(cluster: Cluster) -> None:
    job = cluster.job("exit 3")
    cluster.submit(job)
    status = cluster.over(job)
    assert status.state is State.FAILED
    assert "3" in status.reason


def test_the_status_of_a_running_job_names_its_node(cluster: Cluster) -> None:
    job = cluster.job(SLEEPS)
    cluster.submit(job)
    assert cluster.running(job).node


def test_a_job_told_to_end_hears_it_and_has_time(cluster: Cluster) -> None:
    script = (
        "trap 'sleep 0.5; touch \"$PLACE/heard\"; exit 0' TERM\n"
        ': >"$PLACE/begun"; while :; do sleep 0.1; done'
    )
    job = cluster.job(script, grace=60)
    [handle] = cluster.submit(job)
    cluster.running(job)
    cluster.runner.cancel(handle)
    assert cluster.over(job).state in (State.DONE, State.CANCELLED)
    assert cluster.file(job, "heard").exists()


def test_a_job_ended_hard_leaves_nothing_that_runs(cluster: Cluster) -> None:
    script = (
        "trap '' TERM\n"
        'setsid sh -c \'trap "" TERM; echo $$ >"$PLACE/child"; while :; do sleep 0.1; done\' &\n'
        'until test -s "$PLACE/child"; do sleep 0.1; done; : >"$PLACE/begun"; wait; wait; sleep 300\n'
    )
    job = cluster.job(script)
    [handle] = cluster.submit(job)
    cluster.running(job)
    cluster.runner.cancel(handle, hard=True)
    assert cluster.over(job).state is State.CANCELLED
    until(lambda: not _lives(int(cluster.file(job, "child").read_text())))


def test_jobs_wait_for_what_others_have_and_go_on_by_themselves(cluster: Cluster) -> None:
    before = cluster.runner.offer()
    first = cluster.job(SLEEPS, replace(SMALL, cpus=before.cpus, gpus=1))
    second = cluster.job(': >"$PLACE/begun"')
    [handle] = cluster.submit(first)
    cluster.running(first)
    cluster.submit(second)
    assert cluster.when(second, lambda status: bool(status.reason)).state is State.QUEUED
    now = cluster.runner.offer()
    assert now.waiting >= 1
    assert now.free_cpus < before.free_cpus
    assert now.free_gpus == before.free_gpus - 1
    cluster.runner.cancel(handle, hard=True)
    until(cluster.file(second, "begun").exists)
    assert cluster.over(second).state is State.DONE


def test_jobs_that_are_alike_have_their_own_variables(cluster: Cluster) -> None:
    script = 'printf %s "$TEXT" >"$PLACE/text"'
    jobs = [cluster.job(script, variables={"TEXT": f"{number} {HARD_TEXT}"}) for number in range(3)]
    handles = cluster.submit(*jobs)
    assert len(set(handles)) == 3
    for job, handle in zip(jobs, handles, strict=True):
        status = cluster.over(job)
        assert (status.state, status.handle) == (State.DONE, handle)
        assert cluster.file(job, "text").read_text() == job.variables["TEXT"]


def test_one_of_several_that_are_alike_is_cancelled_alone(cluster: Cluster) -> None:
    jobs = [cluster.job(SLEEPS) for _ in range(2)]
    handles = cluster.submit(*jobs)
    for job in jobs:
        cluster.running(job)
    cluster.runner.cancel(handles[1], hard=True)
    assert cluster.over(jobs[1]).state is State.CANCELLED
    assert cluster.status(jobs[0]).state is State.RUNNING


def test_jobs_that_wait_are_cancelled_one_by_one_and_never_begin(cluster: Cluster) -> None:
    first = cluster.job(SLEEPS, cluster.whole())
    [handle] = cluster.submit(first)
    cluster.running(first)
    alike = [cluster.job(': >"$PLACE/begun"') for _ in range(4)]
    other = cluster.job(': >"$PLACE/begun"; exit')
    handles = cluster.submit(*alike, other)
    for each, hard in ((1, True), (2, False), (4, False)):
        cluster.runner.cancel(handles[each], hard=hard)
    cancelled, kept = [alike[1], alike[2], other], [alike[0], alike[3]]
    assert [cluster.over(job).state for job in cancelled] == [State.CANCELLED] * 3
    assert [cluster.status(job).state for job in kept] == [State.QUEUED] * 2
    cluster.runner.cancel(handle, hard=True)
    assert [cluster.over(job).state for job in kept] == [State.DONE] * 2
    assert not any(cluster.file(job, "begun").exists() for job in cancelled)


def test_whoever_comes_later_finds_the_job_by_its_name(cluster: Cluster) -> None:
    job = cluster.job(SLEEPS)
    [handle] = cluster.submit(job)
    assert cluster.opened().statuses()[job.name].handle == handle
    cluster.opened().cancel(handle, hard=True)
    assert cluster.over(job).state is State.CANCELLED


def test_what_is_never_given_is_refused(cluster: Cluster) -> None:
    for asked in (replace(SMALL, cpus=100_000), replace(SMALL, gpus=1_000)):
        with pytest.raises(RunnerRefused, match=r"."):
            cluster.submit(cluster.job("true", asked))


def test_an_end_of_what_is_over_or_unknown_is_no_fault(cluster: Cluster) -> None:
    job = cluster.job("true")
    [handle] = cluster.submit(job)
    cluster.over(job)
    cluster.runner.cancel(handle)
    cluster.runner.cancel(handle, hard=True)
    assert cluster.status(job).state is State.DONE
    cluster.runner.cancel("999999", hard=True)


def test_gpus_are_given_and_told(cluster: Cluster) -> None:
    job = cluster.job('echo "$CUDA_VISIBLE_DEVICES" >"$PLACE/gpus"', replace(SMALL, gpus=2))
    cluster.submit(job)
    assert cluster.over(job).state is State.DONE
    assert cluster.file(job, "gpus").read_text().strip() == "0,1"


def test_a_job_that_takes_too_much_memory_is_ended(cluster: Cluster) -> None:
    script = 'exec python3 -c "held = bytearray(400 << 20); import time; time.sleep(60)"'
    job = cluster.job(script)
    cluster.submit(job)
    assert cluster.over(job).state is State.OUT_OF_MEMORY


def test_an_offer_says_what_one_job_could_have(cluster: Cluster) -> None:
    offer = cluster.runner.offer()
    assert offer.cpus >= 2
    assert offer.memory >= 1000
    assert offer.gpus == 2
    assert offer.free_cpus >= 0


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
