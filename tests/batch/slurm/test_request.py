"""The script of a job, as a shell reads it."""

import subprocess

import pytest

from deepwhisk.batch.runner import Job, Offer, Resources
from deepwhisk.batch.slurm import request
from deepwhisk.errors import RunnerRefused

OFFER = Offer(cpus=8, memory=2000, gpus=1, time=3600, partitions=("batch",))


def _run(batch: list[Job], folder: str, **variables: str) -> str:
    script = request.script(batch, folder)
    told = {"PATH": "/usr/bin:/bin", "SLURM_JOB_ID": "7", **variables}
    return subprocess.run(["sh"], input=script, env=told, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "value", ["a'b", "$(id)", "`id`", "a\nb", '"', "\\", "ünï ✓", "-n", "", "#", "1) x ;;"]
)
def test_no_value_is_read_by_the_shell(value: str) -> None:
    batch = [Job("a", 'printf %s "$X"', Resources(), {"X": value})]
    assert _run(batch, "/dev/null") == value


def test_each_element_has_its_own_values() -> None:
    batch = [Job(str(each), 'printf %s "$X"', Resources(), {"X": f"value {each}"}) for each in range(3)]
    assert _run(batch, "/dev/null", SLURM_ARRAY_TASK_ID="2") == "value 2"


@pytest.mark.parametrize("name", ["a-b", "1a", "a b", "a=b", "", "a;id"])
def test_a_variable_without_a_name_is_refused(name: str) -> None:
    with pytest.raises(RunnerRefused, match="No variable can be called"):
        request.script([Job("a", "true", Resources(), {name: "x"})], request.LOGS)


@pytest.mark.parametrize("name", ["a b", "a;id", "a/b", "", "x" * 64, "ü"])
def test_a_job_without_a_name_is_refused(name: str) -> None:
    with pytest.raises(RunnerRefused, match="No job can be called"):
        request.check([Job(name, "true", Resources())], OFFER)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Resources(cpus=9), "9 CPUs are wanted; this cluster gives at most 8"),
        (Resources(memory=2001), "2001 MB of memory"),
        (Resources(memory=1, gpus=2), "2 GPUs"),
        (Resources(memory=1, time=3601), "3601 seconds"),
        (
            Resources(memory=1, partition="gpu"),
            "no partition 'gpu' in this cluster; there are batch",
        ),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(asked: Resources, said: str) -> None:
    with pytest.raises(RunnerRefused, match=said):
        request.check([Job("a", "true", asked)], OFFER)


def test_jobs_that_differ_are_no_array() -> None:
    alike, other = Resources(memory=1), Resources(memory=2)
    jobs = [Job("a", "x", alike), Job("b", "x", alike), Job("c", "x", other), Job("d", "y", other)]
    assert [[job.name for job in batch] for batch in request.batches(jobs)] == [["a", "b"], ["c"], ["d"]]


def test_sbatch_is_told_names_and_numbers_only() -> None:
    words = request.options([Job("a", "x", Resources(gpus=1, partition="batch"), {"X": "secret"})])
    assert not any("secret" in word for word in words)
    assert {"--gres=gpu:1", "--partition=batch", "--signal=B:TERM@30", "--time=60"} <= set(words)
