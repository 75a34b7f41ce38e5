"""Artifacts whose events are lost on their way."""

import hashlib
from typing import Any

import pytest

from deepwhisk.batch.runner import State
from deepwhisk.batch.training import Training
from deepwhisk.batch.versions import arrivals
from deepwhisk.errors import WhiskError
from deepwhisk.objects.stores.memory import MemoryStore
from fixtures.promoting import zipped
from fixtures.trainings import Office, Open

ARTIFACT = zipped({"weights.txt": b"1"})


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "LATE", -1.0)


def done(office: Office, artifact: bytes = ARTIFACT, **said: Any) -> Training:
    """A training that has ended and left an artifact."""
    training = office.accepted(**said)
    digest = hashlib.sha256(artifact).hexdigest()
    result = {"state": "done", "artifact": {"sha256": digest}, "output": {"accuracy": 0.5}}
    office.writes(training, "result.json", result)
    office.writes(training, "artifact.zip", artifact)
    office.cluster.set(training, State.DONE)
    office.look()
    return office.training(training.uuid)


def decision(office: Office, training: Training) -> dict[str, Any]:
    return office.records.json(training.place.promotion) or {}


def serving(office: Office) -> list[str]:
    return [version.training for version in office.desk.promotions.versions.all("counts")]


def test_an_artifact_that_nobody_decided_on_is_promoted_once(office: Office) -> None:
    training = done(office)

    office.desk.arrivals.mend()
    office.desk.arrivals.mend()

    assert serving(office) == [training.uuid]
    assert office.actions.parameters[0]["value"]["training"] == training.uuid


def test_an_older_one_does_not_replace_what_came_later(office: Office) -> None:
    old, new = done(office), done(office)
    office.desk.promote(new.uuid, force=False, hand=False, by="event")

    office.desk.arrivals.mend()

    assert serving(office) == [new.uuid]
    assert "came later" in decision(office, old)["reason"]


def test_what_a_rule_forbids_is_decided_too(office: Office) -> None:
    training = done(office, promote="when accuracy > 0.9")

    office.desk.arrivals.mend()

    assert serving(office) == []
    assert decision(office, training)["promoted"] is False
    assert "accuracy" in decision(office, training)["reason"]


def test_a_poisoned_artifact_is_refused_and_not_looked_at_again(office: Office) -> None:
    training = done(office, zipped({"../evil": b"x"}))

    office.desk.arrivals.mend()

    assert decision(office, training)["promoted"] is False
    assert office.desk.known(training.uuid).decided


def test_a_decision_is_known_to_the_next_service(office: Office, offices: Open, store: MemoryStore) -> None:
    training = done(office, promote="by hand")
    office.desk.arrivals.mend()

    other = offices(store, like=office)
    other.desk.reconciler.whole()

    assert other.desk.known(training.uuid).decided


def test_while_openwhisk_is_away_nothing_is_decided(office: Office) -> None:
    training = done(office)
    office.actions.away = True

    office.desk.arrivals.mend()

    assert decision(office, training) == {}
    with pytest.raises(WhiskError):
        office.actions.get("actions", "models/counts")
