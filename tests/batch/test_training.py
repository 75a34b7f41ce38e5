"""What a training's objects tell of it."""

from deepwhisk.batch.layout import Place
from deepwhisk.batch.training import Entry, Phase, Training, when

PLACE = Place("plankton", "0" * 32)


def told(*history: Entry) -> Training:
    return Training(PLACE, {}, history=history)


def test_a_request_without_a_state_is_accepted_and_runs_for_old_clients() -> None:
    training = told()

    assert training.phase is Phase.ACCEPTED
    assert training.phase.shown == "running"
    assert (training.attempt, training.handle, training.site) == (1, "", "")


def test_an_end_stays_the_end_whatever_another_service_wrote_after_it() -> None:
    training = told(Entry(1, Phase.QUEUED, ""), Entry(2, Phase.CANCELLED, ""), Entry(3, Phase.RUNNING, ""))

    assert training.phase is Phase.CANCELLED


def test_the_handle_and_the_site_are_those_of_the_last_attempt() -> None:
    first = Entry(1, Phase.QUEUED, "", 1, site="a", handle="4711")
    again = Entry(2, Phase.REQUEUED, "", 2)

    assert told(first).handle == "4711"
    assert (told(first, again).handle, told(first, again).site) == ("", "")
    assert told(first, again).job.endswith("-2")


def test_a_state_is_read_as_it_was_written_with_what_is_not_known_here() -> None:
    entry = Entry(
        3, Phase.RUNNING, "2026-01-01T00:00:00Z", 2, "hpc", "job", "4711", "node1", more={"later": 1}
    )

    assert Entry.read(3, entry.body()) == entry
    assert "reason" not in entry.body()


def test_old_clients_know_four_words() -> None:
    assert {phase.shown for phase in Phase} == {"running", "done", "error", "cancelled"}
    assert Phase.LOST.shown == Phase.REFUSED.shown == "error"


def test_a_written_time_is_a_number() -> None:
    assert when("1970-01-01T00:00:10Z") == 10
    assert when("") == 0
