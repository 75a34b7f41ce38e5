"""What one can do with trainings."""

import json
from typing import Any

import pytest

from deepwhisk.batch.layout import BUCKET, code
from deepwhisk.batch.runner import State
from deepwhisk.batch.training import Phase
from deepwhisk.errors import TrainingError
from fixtures.trainings import MODEL, Office


def test_a_request_becomes_a_job_in_the_queue(office: Office) -> None:
    place = office.request()

    (said,) = office.desk.accept([place])

    assert (said["state"], said["site"], said["handle"], said["epochs"]) == ("queued", "local", "1", 3)
    (job,) = office.cluster.submitted
    assert job.name == f"deepwhisk-{place.uuid}-1"
    assert (job.resources.cpus, job.resources.memory, job.resources.time) == (2, 700, 120)
    assert office.phases(office.training(place.uuid)) == ["submitted", "queued"]


def test_the_job_is_told_one_link_and_finds_all_else_behind_it(office: Office) -> None:
    office.store.put("pictures", "a.jpg", b"picture")
    training = office.accepted(data="s3://pictures/a.jpg", arguments={"epochs": 5})

    (job,) = office.cluster.submitted
    document = json.loads(office.store.follow(job.variables["DEEPWHISK_JOB"]))

    assert list(job.variables) == ["DEEPWHISK_JOB"]
    assert document["arguments"] == {"epochs": 5}
    assert [(one["name"], one["size"]) for one in document["files"]["images"]] == [("a.jpg", 7)]
    assert office.store.follow(document["files"]["images"][0]["url"]) == b"picture"
    assert office.store.follow(document["code"]["url"]) == office.actions.zip()
    office.store.follow(document["put"]["metrics"], b'{"epoch": 1}\n')
    assert office.desk.metrics(training.uuid, 0)["metrics"] == [{"epoch": 1}]


def test_a_request_that_is_poked_twice_is_submitted_once(office: Office) -> None:
    place = office.request()

    office.desk.accept([place])
    office.desk.accept([place])

    assert len(office.cluster.submitted) == 1


def test_a_training_is_done_when_its_result_and_artifact_are_there(office: Office) -> None:
    training = office.accepted()
    office.cluster.set(training, State.RUNNING, node="node1")
    office.look()
    office.writes(
        training, "metrics.jsonl", b'{"epoch": 1, "accuracy": 0.5}\n{"epoch": 2, "accuracy": 0.9}\n'
    )
    office.writes(training, "artifact.zip", b"zip")
    office.writes(training, "result.json", {"state": "done", "artifact": {"sha256": "0"}, "ended": ""})
    office.cluster.set(training, State.DONE)
    office.look()

    said = office.desk.show(training.uuid)

    assert office.phases(training) == ["submitted", "queued", "running", "done"]
    assert (said["state"], said["status"], said["node"]) == ("done", "done", "node1")
    assert said["metrics"] == {"epoch": 2, "accuracy": 0.9}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"model": "absent"}, "no model absent"),
        ({"resources": {"gpus": 2, "gpu_required": True}}, "2 GPUs"),
        ({"resources": {"memory_MB": 1 << 20}}, "local could give 4 CPUs, 8000 MB"),
        ({"resources": {"partition": "night"}}, "partition night"),
        ({"resources": {"disks": 2}}, "no resource 'disks'"),
        ({"resources": {"time": "soon"}}, "'soon'"),
        ({"site": "moon"}, "no site 'moon'"),
        ({"data": "s3://pictures/absent.jpg"}, "no object 'absent.jpg'"),
        ({"data": "s3://nowhere/"}, "no bucket 'nowhere'"),
        ({"data": "/etc/passwd"}, "must be s3://"),
        ({"files": {"images": {"$object": {"bucket": "pictures"}}}}, "images is no reference"),
        ({"promote": "when the moon is full"}, "moon"),
        ({"kind": "dream"}, "dream"),
        ({"uuid": "0" * 32}, "another training's"),
    ],
)
def test_what_can_never_run_is_refused_with_its_reason_and_that_is_kept(
    office: Office, said: dict[str, object], reason: str
) -> None:
    place = office.request(**said)

    with pytest.raises(TrainingError, match=reason) as caught:
        office.desk.accept([place])

    assert caught.value.status == 422
    training = office.training(place.uuid)
    assert (training.phase, office.phases(training)) == (Phase.REFUSED, ["refused"])
    assert office.cluster.submitted == []


def test_a_folder_of_data_is_many_files_with_their_names_below_it(office: Office) -> None:
    for name in ("set/a.jpg", "set/b/c.jpg", "settle.jpg"):
        office.store.put("pictures", name, b"1")

    training = office.accepted(data="s3://pictures/set/")

    plan = training.plan or {}
    assert [one["name"] for one in plan["files"]["images"]] == ["a.jpg", "b/c.jpg"]
    assert plan["many"] == ["images"]


def test_data_goes_to_the_file_that_nothing_was_given_for(office: Office) -> None:
    etag = office.store.put("pictures", "a.jpg", b"1").etag
    reference = {"$object": {"bucket": "pictures", "key": "a.jpg", "etag": etag}}

    training = office.accepted(files={"images": reference}, data="s3://pictures/a.jpg")

    assert set((training.plan or {})["files"]) == {"images", "labels"}


def test_data_that_changed_since_it_was_named_is_refused(office: Office) -> None:
    office.store.put("pictures", "a.jpg", b"2")
    place = office.request(files={"images": {"$object": {"bucket": "pictures", "key": "a.jpg", "etag": "1"}}})

    with pytest.raises(TrainingError, match="changed since"):
        office.desk.accept([place])


def test_what_is_deployed_runs_and_is_fetched_once_as_long_as_it_stays(office: Office) -> None:
    first = office.accepted()
    second = office.accepted()
    assert office.actions.fetched == 1

    office.actions.files["model.py"] = MODEL.replace("epoch", "round")
    office.actions.version = "0.0.2"
    third = office.accepted()

    digests = [(one.plan or {})["code"]["sha256"] for one in (first, second, third)]
    assert digests[0] == digests[1] != digests[2]
    assert office.records.has(code(digests[2]))


def test_a_model_without_train_is_not_trained(office: Office) -> None:
    office.actions.files["model.py"] = "class Model:\n    def predict(self, text: str) -> int: ...\n"

    with pytest.raises(TrainingError, match="no method `train`"):
        office.desk.accept([office.request()])


def test_a_gpu_that_is_only_wished_for_is_done_without(office: Office) -> None:
    office.accepted(resources={"gpus": 1})

    assert office.cluster.submitted[0].resources.gpus == 0


def test_while_openwhisk_is_away_a_training_waits_and_goes_on_later(office: Office) -> None:
    office.actions.away = True
    place = office.request()

    with pytest.raises(TrainingError) as caught:
        office.desk.accept([place])
    office.actions.away = False
    office.look()

    assert caught.value.status == 503
    assert office.training(place.uuid).phase is Phase.QUEUED


def test_a_training_that_waits_is_cancelled_before_it_was_submitted(office: Office) -> None:
    office.cluster.away = True
    place = office.request()
    with pytest.raises(TrainingError):
        office.desk.accept([place])

    office.desk.cancel(place.uuid, "me")
    office.cluster.away = False
    office.look()

    assert office.phases(office.training(place.uuid)) == ["cancelled"]
    assert office.cluster.submitted == []


def test_a_training_is_cancelled_gracefully_and_keeps_what_it_has(office: Office) -> None:
    training = office.accepted()
    office.cluster.set(training, State.RUNNING)
    office.look()

    office.desk.cancel(training.uuid, "me")
    office.look()
    office.writes(training, "result.json", {"state": "interrupted"})
    office.cluster.set(training, State.FAILED)
    office.look()

    assert office.cluster.cancelled == [("1", False)]
    assert office.phases(training)[-1] == "cancelled"
    assert (office.stored(training).cancel or {})["by"] == "me"


def test_a_cancelled_one_stays_as_it_is_when_it_has_ended(office: Office) -> None:
    training = office.accepted()
    office.cluster.set(training, State.FAILED, reason="NonZeroExitCode")
    office.look()

    said = office.desk.cancel(training.uuid, "me")

    assert said["state"] == "error"
    assert "NonZeroExitCode" in said["reason"]
    assert office.cluster.cancelled == []


def test_a_rerun_is_another_training_that_asks_for_the_same(office: Office) -> None:
    old = office.accepted(arguments={"epochs": 7})

    said = office.desk.rerun(old.uuid, "me")

    new = office.training(said["uuid"])
    assert new.uuid != old.uuid
    assert new.request["arguments"] == {"epochs": 7}
    assert (new.request["rerun_of"], new.request["via"], new.request["by"]) == (old.uuid, "rerun", "me")


def test_a_training_is_deleted_when_it_has_ended_and_not_before(office: Office) -> None:
    training = office.accepted()
    with pytest.raises(TrainingError, match="cancel it first"):
        office.desk.delete(training.uuid)

    office.cluster.set(training, State.FAILED)
    office.look()
    office.desk.delete(training.uuid)

    assert list(office.store.list(BUCKET, training.place.prefix)) == []
    with pytest.raises(TrainingError, match="no training"):
        office.desk.show(training.uuid)


def test_a_sweep_is_submitted_as_one(office: Office) -> None:
    places = [office.request(sweep={"id": "f" * 32, "index": number, "of": 4}) for number in range(4)]

    office.desk.accept(places)

    assert office.cluster.batches == [4]
    assert {office.training(place.uuid).handle for place in places} == {"1", "2", "3", "4"}


def test_a_request_that_is_named_twice_is_taken_once(office: Office) -> None:
    place = office.request()

    assert [one["uuid"] for one in office.desk.accept([place, place])] == [place.uuid] * 2
    assert office.cluster.batches == [1]


def test_a_list_is_the_newest_first_and_can_be_narrowed(office: Office) -> None:
    old = office.accepted(date="2026-01-01T00:00:00Z")
    new = office.accepted(date="2026-01-02T00:00:00Z", sweep={"id": "a" * 32, "of": 1})
    office.cluster.set(old, State.FAILED)
    office.look()

    def listed(**query: str) -> list[str]:
        return [one["uuid"] for one in office.desk.page(query)["trainings"]]

    assert listed() == [new.uuid, old.uuid]
    assert listed(limit="1", skip="1") == [old.uuid]
    assert listed(state="error") == [old.uuid]
    assert listed(state="running") == [new.uuid]  # as clients of DEEPaaS say it
    assert listed(sweep="a" * 32) == [new.uuid]
    assert listed(prefix=old.uuid[:8]) == [old.uuid]
    assert listed(model="other") == []
    with pytest.raises(TrainingError, match="limit"):
        listed(limit="many")


def test_a_list_tells_the_last_metrics_of_what_runs(office: Office) -> None:
    training = office.accepted()
    office.cluster.set(training, State.RUNNING)
    office.look()
    for epoch in (1, 2):
        office.writes(training, "metrics.jsonl", b'{"epoch": %d}\n' % epoch)
        (listed,) = office.desk.page({})["trainings"]
        assert listed["metrics"] == {"epoch": epoch}
    assert office.desk.show(training.uuid)["files"]["1"]["metrics.jsonl"] == 13


@pytest.mark.parametrize("result", [{"state": "done", "output": {"epoch": 3}}, {"state": "cancelled"}])
def test_a_list_tells_the_last_metrics_of_what_has_ended_since(
    office: Office, result: dict[str, Any]
) -> None:
    training = office.accepted()
    office.cluster.set(training, State.RUNNING)
    office.look()
    office.writes(training, "metrics.jsonl", b'{"epoch": 1}\n')
    assert office.desk.page({})["trainings"][0]["metrics"] == {"epoch": 1}

    office.writes(training, "metrics.jsonl", b'{"epoch": 1}\n{"epoch": 3}\n')
    office.writes(training, "result.json", result)
    office.cluster.set(training, State.DONE)
    office.look()

    (listed,) = office.desk.page({})["trainings"]
    assert (listed["state"], listed["metrics"]) == (result["state"], {"epoch": 3})


def test_metrics_and_log_go_on_over_attempts(office: Office) -> None:
    training = office.accepted()
    office.cluster.set(training, State.RUNNING)
    office.look()
    office.writes(training, "metrics.jsonl", b'{"epoch": 1}\n{"epoch": 2}\n')
    office.writes(training, "log.txt", "grüß\n".encode())
    office.writes(training, "checkpoint.zip", b"zip")
    office.cluster.set(training, State.PREEMPTED)
    office.look()
    office.look()
    training = office.training(training.uuid)
    office.writes(training, "metrics.jsonl", b'{"epoch": 3}\n')
    office.writes(training, "log.txt", b"again\n")

    assert training.attempt == 2
    assert office.desk.metrics(training.uuid, 1)["metrics"] == [{"epoch": 2}, {"epoch": 3, "attempt": 2}]
    assert office.desk.metrics(training.uuid, 3) == {"metrics": [], "next": 3, "state": "queued"}
    first = office.desk.log(training.uuid, 0)
    assert first["log"] == "grüß\n"
    assert office.desk.log(training.uuid, first["next"])["log"] == "again\n"
