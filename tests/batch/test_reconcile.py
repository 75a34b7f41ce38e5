"""What the loop mends: lost answers, lost jobs, other services, runners and stores that are away."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from deepwhisk.batch import reconcile, steps
from deepwhisk.batch.layout import BUCKET, Place
from deepwhisk.batch.records import Survey
from deepwhisk.batch.runner import State, Status
from deepwhisk.batch.sites import Site
from deepwhisk.batch.training import Entry, Phase, Training
from deepwhisk.errors import StoreUnreachable, TrainingError
from deepwhisk.objects.store import Object
from deepwhisk.objects.stores.memory import MemoryStore
from fixtures.trainings import Office, Open


class Faulty(MemoryStore):
    """A store that is away when a test says so, and counts its listings."""

    def __init__(self) -> None:
        super().__init__(buckets=[BUCKET, "pictures"])
        self.away = False
        self.listings = 0
        self.gets = 0

    def put(self, bucket: str, key: str, body: Any, **more: Any) -> Object:
        self._reach()
        return super().put(bucket, key, body, **more)

    def get(self, bucket: str, key: str) -> Any:
        self._reach()
        self.gets += 1
        return super().get(bucket, key)

    def list(self, bucket: str, prefix: str = "") -> Iterator[Object]:
        self._reach()
        self.listings += 1
        return super().list(bucket, prefix)

    def _reach(self) -> None:
        if self.away:
            raise StoreUnreachable("no store answered")


@pytest.fixture
def store() -> Faulty:
    return Faulty()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No patience: what would be done after a while is done now."""
    for name in ("PATIENCE", "LOST", "AWAY", "HARD"):
        monkeypatch.setattr(steps, name, -1.0)
    monkeypatch.setattr(reconcile, "STRAY", -1.0)


def test_a_job_whose_submission_got_no_answer_is_found_and_not_submitted_again(office: Office) -> None:
    office.cluster.answer_is_lost = True
    training = office.accepted()
    assert training.phase is Phase.SUBMITTED

    office.look()
    office.look()

    assert office.phases(training) == ["submitted", "queued"]
    assert len(office.cluster.submitted) == 1


@pytest.mark.usefixtures("at_once")
def test_a_claim_without_a_job_is_made_good_by_whoever_comes_next(
    office: Office, offices: Open, store: Faulty
) -> None:
    place = office.request()
    claimed = office.records.append(
        Training(place, {}), Entry(0, Phase.SUBMITTED, "", 1, "local", f"deepwhisk-{place.uuid}-1", by="dead")
    )
    other = offices(store, like=office)
    other.desk.reconciler.whole()
    other.look()

    assert other.phases(claimed) == ["submitted", "submitted", "queued"]
    assert len(office.cluster.submitted) == 1


def test_a_young_claim_of_another_service_is_left_to_it(office: Office, offices: Open, store: Faulty) -> None:
    place = office.request()
    office.records.append(Training(place, {}), Entry(0, Phase.SUBMITTED, "", 1, "local", by="alive"))

    other = offices(store, like=office)
    other.desk.reconciler.whole()
    other.look()

    assert office.cluster.submitted == []


def test_two_services_on_one_bucket_submit_each_training_once(
    office: Office, offices: Open, store: Faulty
) -> None:
    others = [office, *(offices(store, like=office) for _ in range(2))]
    places = [office.request() for _ in range(25)]
    together = threading.Barrier(len(others))

    def run(one: Office) -> None:
        one.desk.reconciler.whole()
        together.wait()
        for _ in range(3):
            one.look()

    threads = [threading.Thread(target=run, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    names = [job.name for job in office.cluster.submitted]
    assert len(names) == len(set(names))
    for one in others:
        one.desk.reconciler.whole()
    assert {office.training(place.uuid).phase for place in places} == {Phase.QUEUED}


def test_two_services_that_see_different_things_write_one_history(
    office: Office, offices: Open, store: Faulty
) -> None:
    training = office.accepted()
    other = offices(store, like=office)
    other.desk.reconciler.whole()
    office.cluster.set(training, State.RUNNING)
    office.look()
    office.cluster.set(training, State.FAILED)

    other.look()
    office.look()
    other.desk.reconciler.whole()

    assert office.phases(training)[-1] == "error"
    assert other.training(training.uuid).phase is office.training(training.uuid).phase is Phase.ERROR


@pytest.mark.usefixtures("at_once")
def test_while_its_runner_is_away_a_training_is_said_to_be_and_goes_on_after(office: Office) -> None:
    training = office.accepted()
    office.cluster.set(training, State.RUNNING)
    office.look()

    office.cluster.away = True
    for _ in range(3):
        office.look()
    assert office.phases(training) == ["submitted", "queued", "running", "unreachable"]
    assert "no route" in office.stored(training).history[-1].reason

    office.cluster.away = False
    office.look()
    assert office.phases(training)[-1] == "running"


@pytest.mark.usefixtures("at_once")
def test_a_training_that_ends_while_its_runner_is_away_is_seen_to(office: Office) -> None:
    training = office.accepted()
    office.cluster.away = True
    office.look()
    office.writes(training, "result.json", {"state": "done"})

    office.desk.reconciler.whole()
    office.look()

    assert office.phases(training)[-1] == "done"


def test_a_request_waits_while_no_site_answers_and_its_wait_is_told(office: Office) -> None:
    office.cluster.away = True
    place = office.request()

    with pytest.raises(TrainingError, match="local does not answer") as caught:
        office.desk.accept([place])

    assert caught.value.status == 503
    assert "no route" in office.desk.show(place.uuid)["reason"]
    office.cluster.away = False
    office.look()
    assert office.training(place.uuid).phase is Phase.QUEUED


def test_the_next_site_takes_what_one_refuses_and_the_history_says_why(offices: Open, store: Faulty) -> None:
    office = offices(store, Site("small", "local:"), Site("large", "local:", cpu_hour=1))
    office.clusters["small"].refuses = "the account is over its limit"

    training = office.accepted()

    assert (training.phase, training.site) == (Phase.QUEUED, "large")
    assert [entry.site for entry in training.history] == ["small", "large", "large"]
    assert training.history[1].reason == "small refused it: the account is over its limit"


def test_what_every_site_refuses_is_refused_with_all_their_words(offices: Open, store: Faulty) -> None:
    office = offices(store, Site("a", "local:"), Site("b", "local:"))
    for cluster in office.clusters.values():
        cluster.refuses = "no"

    with pytest.raises(TrainingError, match="a refused it: no; b refused it: no"):
        office.desk.accept([office.request()])


@pytest.mark.usefixtures("at_once")
def test_a_job_that_its_cluster_forgot_is_run_again_from_its_checkpoint(office: Office) -> None:
    training = office.accepted()
    office.cluster.set(training, State.RUNNING)
    office.look()
    office.writes(training, "checkpoint.zip", b"so far")
    office.cluster.jobs.clear()

    office.look()
    office.look()

    again = office.training(training.uuid)
    assert office.phases(training) == ["submitted", "queued", "running", "requeued", "submitted", "queued"]
    assert again.attempt == 2
    document = office.records.json(again.place.attempt(2).job) or {}
    assert office.store.follow(document["resume"]["url"]) == b"so far"
    assert (office.records.json(again.place.attempt(1).job) or {})["stop"]


@pytest.mark.usefixtures("at_once")
def test_a_job_that_comes_back_from_the_dead_is_ended(office: Office) -> None:
    training = office.accepted()
    first = training.job
    handle = office.cluster.jobs[first].handle
    office.cluster.jobs.clear()
    office.look()
    office.look()

    office.cluster.jobs[first] = Status(handle, State.RUNNING)
    office.look()

    assert (handle, True) in office.cluster.cancelled


@pytest.mark.usefixtures("at_once")
def test_a_job_of_a_training_that_has_ended_is_ended_and_a_foreign_one_is_not(office: Office) -> None:
    training = office.accepted()
    office.records.append(office.training(training.uuid), Entry(0, Phase.ERROR, ""))
    office.cluster.set(training, State.RUNNING)
    office.cluster.jobs[f"deepwhisk-{'9' * 32}-1"] = Status("999", State.RUNNING)
    office.cluster.jobs["interactive"] = Status("998", State.RUNNING)

    office.desk.reconciler.whole()

    assert office.cluster.cancelled == [("1", True)]


@pytest.mark.usefixtures("at_once")
def test_a_job_that_does_not_end_when_it_is_told_is_ended(office: Office) -> None:
    training = office.accepted()
    office.cluster.set(training, State.RUNNING)

    office.desk.cancel(training.uuid, "me")
    office.look()
    office.look()

    assert office.cluster.cancelled == [("1", False), ("1", True)]
    document = office.records.json(training.place.attempt(1).job) or {}
    assert document["stop"] == "it was cancelled"


def test_a_cancellation_of_another_service_is_carried_out(office: Office) -> None:
    training = office.accepted()
    office.cluster.set(training, State.RUNNING)
    office.records.write_once(training.place.cancel, {"by": "other", "at": training.history[0].at})

    office.desk.reconciler.whole()
    office.look()
    office.look()

    assert office.cluster.cancelled[0] == ("1", False)


def test_while_the_store_is_away_nothing_is_lost_and_nothing_runs_twice(
    office: Office, store: Faulty
) -> None:
    training = office.accepted()
    office.cluster.set(training, State.RUNNING)
    store.away = True
    office.look()
    office.cluster.set(training, State.FAILED, reason="exit 1")
    with pytest.raises(StoreUnreachable):
        office.desk.reconciler.whole()
    with pytest.raises(StoreUnreachable):
        office.look()

    store.away = False
    office.desk.reconciler.whole()
    office.look()

    assert office.phases(training) == ["submitted", "queued", "error"]
    assert len(office.cluster.submitted) == 1


def test_a_thousand_trainings_cost_one_listing_and_one_question_a_look(
    office: Office, offices: Open, store: Faulty
) -> None:
    places = [office.request() for _ in range(1000)]
    office.desk.accept(places)
    office.cluster.questions = store.listings = store.gets = 0

    office.desk.reconciler.whole()
    asked = (office.cluster.questions, store.listings)
    office.look()

    assert asked == (1, 1)
    assert (office.cluster.questions, store.listings, store.gets) == (2, 1, 0)
    other = offices(store, like=office)
    store.listings = 0
    other.desk.reconciler.whole()
    assert store.listings == 1
    assert len(other.desk.page({"limit": "2000"})["trainings"]) == 1000


def test_what_ended_before_the_service_began_is_listed_at_once_and_shown_whole(
    office: Office, offices: Open, store: Faulty
) -> None:
    training = office.accepted()
    office.cluster.set(training, State.RUNNING)
    office.look()
    office.writes(training, "result.json", {"state": "error", "message": "no", "output": {"loss": 2}})
    office.cluster.set(training, State.FAILED)
    office.look()
    store.gets = 0

    other = offices(store, like=office)
    other.desk.reconciler.whole()

    assert store.gets == 3
    (listed,) = other.desk.page({})["trainings"]
    assert (listed["state"], listed["reason"], listed["metrics"]) == ("error", "no", {"loss": 2})
    said = other.desk.show(training.uuid)
    assert [entry["state"] for entry in said["history"]] == office.phases(training)
    assert said["plan"]["code"]


def test_a_service_that_begins_while_the_store_is_away_passes_over_nothing(
    office: Office, offices: Open, store: Faulty
) -> None:
    training = office.accepted()
    other = offices(store, like=office)
    listed = store.list

    def away_after(bucket: str, prefix: str = "") -> Iterator[Object]:
        yield from listed(bucket, prefix)
        store.away = True

    store.list = away_after  # type: ignore[method-assign]
    with pytest.raises(StoreUnreachable):
        other.desk.reconciler.whole()
    store.list, store.away = listed, False  # type: ignore[method-assign]
    other.desk.reconciler.whole()

    assert other.training(training.uuid).phase is Phase.QUEUED


def test_what_another_one_deleted_is_forgotten(office: Office) -> None:
    training = office.accepted()
    office.records.delete(training.place)

    office.desk.reconciler.whole()

    assert office.desk.page({})["trainings"] == []


def test_a_request_that_is_no_json_is_told_in_the_log_and_disturbs_no_other(office: Office) -> None:
    bad = Place("counts", "b" * 32)
    office.store.put(BUCKET, bad.request, b"{")
    good = office.request()

    office.desk.reconciler.whole()
    office.look()

    assert office.training(good.uuid).phase is Phase.QUEUED
    assert office.desk.view.get(bad.uuid) is None


def test_links_are_renewed_before_they_expire_and_not_before_that(office: Office) -> None:
    training = office.accepted()
    key = training.place.attempt(1).job
    first = office.records.bytes(key)
    office.desk.reconciler.whole()
    assert office.records.bytes(key) == first

    office.desk.reconciler.links.life = 0  # a quarter of it is over at once
    time.sleep(0.01)
    with pytest.raises(Exception, match="cannot live"):
        office.desk.reconciler.whole()
    office.desk.reconciler.links.life = 1
    renewed = wait_for_another(office, key, first)

    assert json.loads(renewed)["put"] != json.loads(first or b"")["put"]


def wait_for_another(office: Office, key: str, first: bytes | None) -> bytes:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        office.desk.reconciler.whole()
        found = office.records.bytes(key)
        if found and found != first:
            return found
        time.sleep(0.05)
    raise AssertionError("the document was not written anew")


def test_a_sweep_of_which_some_are_refused_runs_the_rest(office: Office) -> None:
    sweep = {"id": "c" * 32, "of": 3}
    good = [office.request(sweep=sweep) for _ in range(2)]
    bad = office.request(sweep=sweep, data="s3://pictures/absent")

    with pytest.raises(TrainingError, match="absent"):
        office.desk.accept([*good, bad])

    assert office.cluster.batches == [2]
    assert {office.training(one.uuid).phase for one in good} == {Phase.QUEUED}
    assert office.training(bad.uuid).phase is Phase.REFUSED


def test_the_rest_of_a_sweep_is_awaited_for_a_while_and_then_it_is_submitted_as_one(office: Office) -> None:
    reconciler = office.desk.reconciler
    sweep = {"id": "d" * 32, "of": 3}
    reconciler.gather = 600
    for _ in range(2):
        office.desk.take(office.request(sweep=sweep))
    office.look()
    assert office.cluster.batches == []

    reconciler.gather = 0
    office.look()
    assert office.cluster.batches == [2]


def test_a_sweep_that_is_together_is_submitted_as_one_by_whoever_sees_it(office: Office) -> None:
    office.desk.reconciler.gather = 600
    for _ in range(3):
        office.desk.take(office.request(sweep={"id": "e" * 32, "of": 3}))

    office.look()

    assert office.cluster.batches == [3]


def test_a_sweep_is_left_whole_to_whoever_is_at_one_of_it(office: Office) -> None:
    places = [office.request(sweep={"id": "e" * 32, "of": 3}) for _ in range(3)]
    for place in places:
        office.desk.take(place)

    with office.desk.known(places[1].uuid).lock:
        office.look()
    assert office.cluster.batches == []

    office.look()
    assert office.cluster.batches == [3]


def test_what_is_deleted_while_the_bucket_is_listed_does_not_come_back(office: Office) -> None:
    training = office.accepted()
    office.cluster.set(training, State.FAILED)
    office.look()
    survey = office.records.survey

    def deleted_after() -> Survey:
        found = survey()
        office.desk.delete(training.uuid)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(office.records), "survey", lambda records: deleted_after())
        office.desk.reconciler.whole()

    assert office.desk.page({})["trainings"] == []


@pytest.mark.usefixtures("at_once")
def test_a_site_that_was_taken_out_of_the_file_is_told_of(offices: Open, store: Faulty) -> None:
    training = offices(store, Site("old", "local:")).accepted()
    office = offices(store, Site("new", "local:"))

    office.desk.reconciler.whole()
    office.look()

    assert office.phases(training)[-1] == "unreachable"
    assert "old" in office.stored(training).history[-1].reason
