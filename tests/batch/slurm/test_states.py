"""Slurm's words in ours."""

import pytest

from deepwhisk.batch.runner import State
from deepwhisk.batch.slurm.nodes import count_gpus
from deepwhisk.batch.slurm.states import minutes, seconds, state_of, status_of

# What `squeue --state` of Slurm 24.11 knows, without what only federations have.
SLURMS = {
    State.QUEUED: "PENDING CONFIGURING REQUEUED REQUEUE_FED",
    State.HELD: "REQUEUE_HOLD RESV_DEL_HOLD SPECIAL_EXIT",
    State.RUNNING: "RUNNING COMPLETING SUSPENDED STOPPED RESIZING SIGNALING STAGE_OUT",
    State.DONE: "COMPLETED",
    State.FAILED: "FAILED",
    State.CANCELLED: "CANCELLED REVOKED",
    State.TIMEOUT: "TIMEOUT DEADLINE",
    State.OUT_OF_MEMORY: "OUT_OF_MEMORY",
    State.PREEMPTED: "PREEMPTED",
    State.NODE_FAILED: "NODE_FAIL BOOT_FAIL LAUNCH_FAILED RECONFIG_FAIL",
}

FOREVER = """
    JobHeldUser JobHeldAdmin JobHoldMaxRequeue launch_failed_requeued_held PartitionTimeLimit PartitionConfig
    PartitionNodeLimit InvalidAccount InvalidQOS DependencyNeverSatisfied AssocMaxCpuPerJobLimit
    QOSMaxWallDurationPerJobLimit user_env_retrieval_failed_requeued_held
"""
FOR_NOW = "Resources Priority None QOSMaxJobsPerUserLimit AssocGrpCpuLimit"


@pytest.mark.parametrize(
    ("word", "state"), [(word, state) for state, words in SLURMS.items() for word in words.split()]
)
def test_every_state_is_one_of_ours(word: str, state: State) -> None:
    assert state_of([word], "") is state


def test_a_job_that_completes_is_not_over_and_one_of_a_new_state_neither() -> None:
    assert state_of(["CANCELLED", "COMPLETING"], "") is State.RUNNING
    assert status_of("1", ["TELEPORTED"], "None", "n1", 0).state is State.RUNNING
    assert status_of("1", ["TELEPORTED"], "None", "n1", 0).reason == "TELEPORTED"
    assert state_of(["COMPLETED", "POWER_UP_NODE"], "") is State.DONE


@pytest.mark.parametrize("reason", FOREVER.split())
def test_what_time_alone_does_not_remove_holds_a_job(reason: str) -> None:
    assert status_of("1", ["PENDING"], reason, "", 0).state is State.HELD


@pytest.mark.parametrize("reason", FOR_NOW.split())
def test_what_goes_away_lets_a_job_wait(reason: str) -> None:
    assert status_of("1", ["PENDING"], reason, "", 0).state is State.QUEUED


def test_how_a_job_failed_is_told() -> None:
    assert (
        status_of("1", ["FAILED"], "NonZeroExitCode", "n1", 3 << 8).reason == "NonZeroExitCode, exit status 3"
    )
    assert status_of("1", ["FAILED"], "None", "n1", 9).reason == "signal 9"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1-02:03:04", 93784),
        ("02:03:04", 7384),
        ("03:04", 184),
        ("5", 300),
        ("2-0", 172800),
        ("2-01:30", 178200),
        ("infinite", None),
        ("UNLIMITED", None),
    ],
)
def test_times_are_read(text: str, expected: int | None) -> None:
    assert seconds(text) == expected


def test_a_time_is_asked_for_in_whole_minutes() -> None:
    assert [minutes(each) for each in (1, 60, 61, 3600)] == [1, 1, 2, 60]


@pytest.mark.parametrize(
    ("resources", "count"),
    [
        ("gpu:2", 2),
        ("gpu:a100:4(S:0-1)", 4),
        ("gpu:a100:2,gpu:v100:1,shard:8", 3),
        ("gpu:fake:1(IDX:0)", 1),
        ("gpu:fake:0(IDX:N/A)", 0),
        ("(null)", 0),
        ("", 0),
    ],
)
def test_gpus_are_counted(resources: str, count: int) -> None:
    assert count_gpus(resources) == count
