"""What is done next about a training, from what is known."""

import pytest

from deepwhisk.batch.layout import Place
from deepwhisk.batch.runner import State, Status
from deepwhisk.batch.steps import AWAY, FRESH, HARD, LOST, PATIENCE, Do, Seen, Step, decide
from deepwhisk.batch.training import Entry, Phase, Training

NOW = 1_000_000_000.0
THEN = "2001-09-09T01:46:40Z"  # the same
PLACE = Place("counts", "0" * 32)
CLAIM = Entry(1, Phase.SUBMITTED, THEN, 1, "local", "job")
QUEUED = Entry(2, Phase.QUEUED, THEN, 1, "local", "job", "7")
RUNNING = Entry(3, Phase.RUNNING, THEN, 1, "local", "job", "7", "n1")
CHECKPOINT = {1: {"checkpoint.zip": 1}}


def training(*history: Entry, **more: object) -> Training:
    return Training(PLACE, {}, {}, history, **more)  # type: ignore[arg-type]


def seen(state: State | None = None, later: float = 0, **more: object) -> Seen:
    status = Status("7", state, str(more.pop("reason", "")), "n1") if state else None
    return Seen(status, NOW + later, **more)  # type: ignore[arg-type]


def told(step: Step) -> tuple[str, str]:
    """Phase and reason of what is to be written."""
    assert step.do is Do.WRITE
    assert step.entry is not None
    return step.entry.phase.value, step.entry.reason


def test_what_nobody_claimed_is_submitted() -> None:
    assert decide(training(), seen()).do is Do.SUBMIT
    assert decide(training(CLAIM, QUEUED, Entry(3, Phase.REQUEUED, THEN, 2)), seen()).do is Do.SUBMIT
    assert told(decide(training(cancel={"at": THEN}), seen()))[0] == "cancelled"


def test_a_claim_that_nobody_recorded_waits_before_it_is_made_again() -> None:
    assert decide(training(CLAIM), seen(later=PATIENCE - 1)).do is Do.WAIT
    assert decide(training(CLAIM), seen(later=PATIENCE + 1)).do is Do.SUBMIT
    assert told(decide(training(CLAIM, cancel={"at": THEN}), seen(later=PATIENCE + 1)))[0] == "cancelled"


def test_a_job_that_was_submitted_and_not_recorded_is_found_by_its_name() -> None:
    step = decide(training(CLAIM), seen(State.QUEUED))

    assert told(step) == ("queued", "")
    assert step.entry is not None
    assert step.entry.handle == "7"


def test_what_a_runner_says_is_written_once() -> None:
    assert told(decide(training(CLAIM, QUEUED), seen(State.RUNNING)))[0] == "running"
    assert decide(training(CLAIM, QUEUED), seen(State.QUEUED)).do is Do.WAIT
    assert decide(training(CLAIM, QUEUED, RUNNING), seen(State.RUNNING)).do is Do.WAIT


def test_a_job_that_is_held_is_said_to_be_with_the_clusters_reason_and_no_more_than_once() -> None:
    step = decide(training(CLAIM, QUEUED), seen(State.HELD, reason="JobHeldAdmin"))

    assert told(step) == ("queued", "held: JobHeldAdmin")
    assert step.entry is not None
    held = training(CLAIM, QUEUED, step.entry)
    assert decide(held, seen(State.HELD, reason="JobHeldAdmin")).do is Do.WAIT
    assert told(decide(held, seen(State.QUEUED))) == ("queued", "")


def test_a_job_that_its_cluster_began_anew_is_requeued_and_runs_again() -> None:
    step = decide(training(CLAIM, QUEUED, RUNNING), seen(State.QUEUED))

    assert told(step)[0] == "requeued"
    assert step.entry is not None
    assert step.entry.handle == "7"
    again = training(CLAIM, QUEUED, RUNNING, step.entry)
    assert again.attempt == 1
    assert decide(again, seen(State.QUEUED)).do is Do.WAIT
    assert told(decide(again, seen(State.RUNNING)))[0] == "running"


def test_one_that_runs_on_another_node_was_begun_anew_though_nobody_saw_it_wait() -> None:
    elsewhere = Seen(Status("7", State.RUNNING, "", "n2"), NOW)
    step = decide(training(CLAIM, QUEUED, RUNNING), elsewhere)

    assert told(step)[0] == "requeued"
    assert step.entry is not None
    assert told(decide(training(CLAIM, QUEUED, RUNNING, step.entry), elsewhere))[0] == "running"
    assert decide(training(CLAIM, QUEUED, RUNNING), seen(State.RUNNING)).do is Do.WAIT


@pytest.mark.parametrize(
    ("result", "state"),
    [
        ({"state": "done"}, "done"),
        ({"state": "error", "message": "no"}, "error"),
        ({"state": "cancelled"}, "cancelled"),
        ({"state": "interrupted"}, "requeued"),
    ],
)
@pytest.mark.parametrize("state_of_job", [State.DONE, State.FAILED, State.CANCELLED, None])
def test_the_result_is_believed_before_the_runner(
    result: dict[str, object], state: str, state_of_job: State | None
) -> None:
    ended = training(CLAIM, QUEUED, RUNNING, result={**result, "attempt": 1}, files=CHECKPOINT)

    assert told(decide(ended, seen(state_of_job)))[0] == state


def test_a_result_of_an_attempt_before_is_none() -> None:
    again = Entry(4, Phase.REQUEUED, THEN, 2)
    second = (
        again,
        Entry(5, Phase.SUBMITTED, THEN, 2, "local"),
        Entry(6, Phase.QUEUED, THEN, 2, "local", handle="8"),
    )
    found = training(CLAIM, QUEUED, RUNNING, *second, result={"state": "interrupted", "attempt": 1})

    assert told(decide(found, seen(State.FAILED)))[0] == "error"


def test_a_done_training_waits_for_its_artifact_but_not_for_ever() -> None:
    result = {"state": "done", "attempt": 1, "artifact": {"sha256": "0"}, "ended": THEN}
    early = training(CLAIM, QUEUED, RUNNING, result=result)
    whole = training(CLAIM, QUEUED, RUNNING, result=result, files={1: {"artifact.zip": 9}})

    assert decide(early, seen(State.DONE, later=1)).do is Do.WAIT
    assert told(decide(early, seen(State.DONE, later=3600)))[0] == "error"
    assert told(decide(whole, seen(State.DONE)))[0] == "done"


@pytest.mark.parametrize("state", [State.PREEMPTED, State.NODE_FAILED])
def test_a_run_that_its_cluster_ended_goes_on_in_another_attempt(state: State) -> None:
    step = decide(training(CLAIM, QUEUED, RUNNING), seen(state))

    assert told(step)[0] == "requeued"
    assert step.entry is not None
    assert (step.entry.attempt, step.entry.handle) == (2, "")


def test_a_time_limit_is_survived_with_a_checkpoint_only() -> None:
    run = (CLAIM, QUEUED, RUNNING)

    assert told(decide(training(*run, files=CHECKPOINT), seen(State.TIMEOUT)))[0] == "requeued"
    phase, reason = told(decide(training(*run), seen(State.TIMEOUT)))
    assert (phase, "ask for more time" in reason) == ("error", True)


def test_attempts_that_lead_nowhere_are_bounded() -> None:
    run = [CLAIM, QUEUED, RUNNING, Entry(4, Phase.REQUEUED, THEN, 2)]
    for number in (2, 3):
        run += [
            Entry(0, Phase.SUBMITTED, THEN, number, "local"),
            Entry(0, Phase.RUNNING, THEN, number, "local", handle="8"),
        ]

    phase, reason = told(decide(training(*run), seen(State.NODE_FAILED)))
    assert (phase, "3 attempts" in reason) == ("error", True)
    fruitful = training(*run, files={3: {"checkpoint.zip": 1}})
    assert told(decide(fruitful, seen(State.NODE_FAILED)))[0] == "requeued"


def test_memory_that_did_not_suffice_and_plain_failures_are_not_tried_again() -> None:
    run = training(CLAIM, QUEUED, RUNNING)

    assert "memory_MB" in told(decide(run, seen(State.OUT_OF_MEMORY)))[1]
    assert told(decide(run, seen(State.FAILED, reason="exit 1"))) == (
        "error",
        "its job failed at local: exit 1",
    )
    assert "without a result" in told(decide(run, seen(State.DONE)))[1]
    assert told(decide(run, seen(State.CANCELLED))) == ("cancelled", "it was cancelled at local")


def test_a_runner_that_is_away_for_a_moment_is_not_told_of() -> None:
    run = training(CLAIM, QUEUED, RUNNING)

    assert decide(run, seen(away=AWAY - 1)).do is Do.WAIT
    step = decide(run, seen(away=AWAY + 1, why="no route"))
    assert told(step) == ("unreachable", "no route")
    assert step.entry is not None
    known = training(CLAIM, QUEUED, RUNNING, step.entry)
    assert decide(known, seen(away=9999)).do is Do.WAIT
    assert told(decide(known, seen(State.RUNNING)))[0] == "running"
    ended = training(CLAIM, QUEUED, RUNNING, step.entry, result={"state": "done", "attempt": 1})
    assert told(decide(ended, seen(away=9999)))[0] == "done"


def test_a_job_that_its_cluster_forgot_is_lost_after_a_while() -> None:
    run = training(CLAIM, QUEUED, RUNNING)

    assert decide(run, seen(absent=LOST - 1)).do is Do.WAIT
    assert told(decide(run, seen(absent=LOST + 1)))[0] == "requeued"
    lost = [CLAIM, QUEUED, RUNNING, Entry(4, Phase.REQUEUED, THEN, 2)]
    for number in (2, 3):
        lost += [
            Entry(0, Phase.SUBMITTED, THEN, number, "local"),
            Entry(0, Phase.RUNNING, THEN, number, "local", handle="8"),
        ]
    assert told(decide(training(*lost), seen(absent=LOST + 1)))[0] == "lost"


def test_a_cancelled_job_is_told_to_end_once_and_ended_when_it_does_not() -> None:
    run = training(CLAIM, QUEUED, RUNNING, cancel={"at": THEN})

    assert decide(run, seen(State.RUNNING)).do is Do.STOP
    assert decide(run, seen(State.RUNNING, stopped=True)).do is Do.WAIT
    assert decide(run, seen(State.RUNNING, later=HARD + 1, stopped=True)).do is Do.KILL
    for state in (State.FAILED, State.TIMEOUT, State.PREEMPTED, State.NODE_FAILED):
        assert told(decide(run, seen(state)))[0] == "cancelled"


def test_a_job_that_waited_too_long_for_its_link_is_replaced() -> None:
    assert decide(training(CLAIM, QUEUED), seen(State.QUEUED, later=FRESH - 1)).do is Do.WAIT
    assert decide(training(CLAIM, QUEUED), seen(State.QUEUED, later=FRESH + 1)).do is Do.REPLACE
    assert decide(training(CLAIM, QUEUED, RUNNING), seen(State.RUNNING, later=FRESH + 1)).do is Do.WAIT
