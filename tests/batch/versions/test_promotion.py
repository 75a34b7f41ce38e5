"""Promotions and rollbacks, told to an action of a real engine."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from deepwhisk.batch.layout import BUCKET, version
from deepwhisk.batch.versions.history import Version
from deepwhisk.batch.versions.promotion import PARAMETER, Promotions
from deepwhisk.errors import TrainingError
from deepwhisk.objects.stores.memory import MemoryStore
from deepwhisk.whisk import Whisk
from fixtures.engine import Engine
from fixtures.promoting import left, zipped

CODE = "import os\ndef main(args):\n    return {'artifact': os.environ.get('DEEPWHISK_ARTIFACT'), **args}\n"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(buckets=[BUCKET])


@pytest.fixture
def whisk(engine: Engine) -> Whisk:
    return Whisk(engine.apihost, engine.auth)


@pytest.fixture
def model(whisk: Whisk) -> str:
    """An action with parameters and annotations of its own, in a package that has parameters."""
    name = f"m-{uuid.uuid4().hex[:8]}"
    whisk.put("packages", "models", {"parameters": [{"key": "shared", "value": 1}]})
    own = [{"key": "own", "value": 2}, {"key": "SECRET", "value": "s", "init": True}]
    whisk.put(
        "actions",
        f"models/{name}",
        {
            "exec": {"kind": "python:3", "code": CODE},
            "parameters": own,
            "annotations": [{"key": "title", "value": "A model"}],
            "limits": {"memory": 128},
        },
    )
    return name


@pytest.fixture
def promotions(store: MemoryStore, whisk: Whisk) -> Promotions:
    return Promotions(store, whisk)


def served(whisk: Whisk, model: str) -> Any:
    """What a container of the action is told."""
    told = whisk.invoke(f"models/{model}", result=True)["artifact"]
    return None if told is None else json.loads(told)


def test_a_promoted_training_is_told_to_the_next_container(
    store: MemoryStore, whisk: Whisk, model: str, promotions: Promotions
) -> None:
    assert served(whisk, model) is None
    place = left(store, model, {"head.txt": b"1"}, accuracy=0.9)

    decision = promotions.promote(place, by="guest")

    assert decision.promoted
    assert served(whisk, model) == {
        "version": 1,
        "training": place.uuid,
        "sha256": decision.body()["sha256"],
        "key": place.attempt(1).artifact,
    }
    assert decision.body()["metrics"] == {"accuracy": 0.9}
    assert promotions.body(model)["serving"] == 1


def test_nothing_else_of_the_action_changes(
    store: MemoryStore, whisk: Whisk, model: str, promotions: Promotions
) -> None:
    before = whisk.get("actions", f"models/{model}")
    promotions.promote(left(store, model, {"head.txt": b"1"}))
    promotions.rollback(model)
    after = whisk.get("actions", f"models/{model}")

    def known(action: dict[str, Any], member: str) -> dict[str, Any]:
        return {each["key"]: each for each in action[member]}

    assert known(after, "parameters") == known(before, "parameters")
    assert known(after, "annotations") == known(before, "annotations")
    assert (after["exec"], after["limits"]) == (before["exec"], before["limits"])
    whisk.put("packages", "models", {"parameters": [{"key": "shared", "value": 3}]})
    assert whisk.invoke(f"models/{model}", result=True)["shared"] == 3


def test_a_training_is_promoted_once_however_often_its_artifact_arrives(
    store: MemoryStore, model: str, promotions: Promotions
) -> None:
    place, other = left(store, model, {"a": b"1"}), left(store, model, {"a": b"2"})
    for each in (place, place, other, place):
        assert promotions.promote(each).promoted
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(promotions.promote, [place, other] * 4))

    assert [each.training for each in promotions.versions.all(model)] == [place.uuid, other.uuid]


def test_two_promotions_at_once_end_in_one_order_and_the_newest_serves(
    store: MemoryStore, whisk: Whisk, model: str, promotions: Promotions
) -> None:
    places = [left(store, model, {"a": str(number).encode()}) for number in range(8)]
    others = [Promotions(store, Whisk(whisk.apihost, whisk.auth)) for _ in places]
    with ThreadPoolExecutor(8) as pool:
        decisions = list(pool.map(lambda each: each[0].promote(each[1]), zip(others, places, strict=True)))

    found = promotions.versions.all(model)
    assert all(decision.promoted for decision in decisions)
    assert [each.version for each in found] == list(range(1, 9))
    assert {each.training for each in found} == {place.uuid for place in places}
    assert served(whisk, model)["version"] == 8


def test_a_rule_that_does_not_hold_keeps_what_serves(
    store: MemoryStore, whisk: Whisk, model: str, promotions: Promotions
) -> None:
    rule = "when accuracy >= current"
    good = left(store, model, {"a": b"1"}, rule=rule, accuracy=0.9)
    worse = left(store, model, {"a": b"2"}, rule=rule, accuracy=0.8)
    assert promotions.promote(good).promoted

    decision = promotions.promote(worse)

    assert not decision.promoted
    assert "0.8 is not >= 0.9" in decision.reason
    assert served(whisk, model)["training"] == good.uuid
    assert promotions.promote(worse, force=True).promoted
    assert served(whisk, model)["training"] == worse.uuid


@pytest.mark.parametrize(
    ("artifact", "sha256", "reason"),
    [
        (zipped({"../evil": b"x"}), None, "leaves its folder"),
        (zipped({"model.pkl": b"x"}), None, "pickle"),
        (zipped({"a": b"x"}), "0" * 64, "announced"),
        (b"no zip", None, "no zip"),
    ],
    ids=["path", "pickle", "digest", "text"],
)
@pytest.mark.parametrize("force", [False, True])
def test_a_poisoned_artifact_is_refused_and_what_served_goes_on(
    store: MemoryStore,
    whisk: Whisk,
    model: str,
    promotions: Promotions,
    artifact: bytes,
    sha256: str | None,
    reason: str,
    force: bool,
) -> None:
    good = left(store, model, {"a": b"1"})
    promotions.promote(good)

    with pytest.raises(TrainingError, match=reason):
        promotions.promote(left(store, model, artifact, sha256=sha256), force=force)

    assert served(whisk, model)["training"] == good.uuid
    assert len(promotions.versions.all(model)) == 1


def test_a_prediction_and_a_training_that_failed_are_not_promoted(
    store: MemoryStore, model: str, promotions: Promotions
) -> None:
    prediction = promotions.promote(left(store, model, {"a": b"1"}, kind="predict"), force=True)
    assert (prediction.promoted, "no training" in prediction.reason) == (False, True)
    with pytest.raises(TrainingError, match="not done: error"):
        promotions.promote(left(store, model, {"a": b"1"}, state="error"))


def test_rollback_goes_to_the_version_before_to_any_and_to_the_original(
    store: MemoryStore, whisk: Whisk, model: str, promotions: Promotions
) -> None:
    for number in range(3):
        promotions.promote(left(store, model, {"a": str(number).encode()}))

    assert promotions.rollback(model).serves == 2
    assert promotions.rollback(model).serves == 1
    assert served(whisk, model)["version"] == 1
    assert promotions.rollback(model, 3).serves == 3
    assert promotions.rollback(model, 0).artifact is None
    assert served(whisk, model) is None
    assert promotions.body(model)["serving"] is None
    with pytest.raises(TrainingError, match="nothing before"):
        promotions.rollback(model)
    with pytest.raises(TrainingError, match="no version 99"):
        promotions.rollback(model, 99)


def test_a_version_after_a_rollback_is_numbered_on(
    store: MemoryStore, model: str, promotions: Promotions
) -> None:
    promotions.promote(left(store, model, {"a": b"1"}))
    promotions.rollback(model)
    promotions.promote(left(store, model, {"a": b"2"}))

    told = [(each.version, each.serves) for each in promotions.versions.all(model)]
    assert told == [(1, 1), (2, 0), (3, 3)]
    assert promotions.rollback(model).serves == 0


def test_reconciliation_mends_an_action_that_was_not_told(
    store: MemoryStore, whisk: Whisk, model: str, promotions: Promotions
) -> None:
    assert promotions.settle(model) is False
    place = left(store, model, {"a": b"1"})
    written = Version(1, 1, "promoted", "2026-01-01T00:00:00Z", training=place.uuid, sha256="0", key="k")
    store.put(BUCKET, version(model, 1), json.dumps(written.body()).encode())

    assert promotions.settle(model) is True
    assert served(whisk, model)["training"] == place.uuid
    whisk.put("actions", f"models/{model}", {"parameters": []})
    assert promotions.settle(model) is True
    assert promotions.settle(model) is False
    held = {each["key"] for each in whisk.get("actions", f"models/{model}")["parameters"]}
    assert held == {PARAMETER, "shared"}


def test_a_version_whose_artifact_is_gone_is_not_rolled_back_to(
    whisk: Whisk, model: str, promotions: Promotions, store: MemoryStore
) -> None:
    gone = Version(1, 1, "promoted", "2026-01-01T00:00:00Z", training="t", sha256="0", key=f"{model}/gone")
    store.put(BUCKET, version(model, 1), json.dumps(gone.body()).encode())
    with pytest.raises(TrainingError, match="is gone"):
        promotions.rollback(model, 1)
    assert len(promotions.versions.all(model)) == 1


def test_a_model_that_is_not_deployed_gets_its_version_once_it_is(
    store: MemoryStore, whisk: Whisk, model: str, promotions: Promotions
) -> None:
    gone = whisk.get("actions", f"models/{model}")
    whisk.delete("actions", f"models/{model}")
    with pytest.raises(TrainingError, match="serves once the action is deployed"):
        promotions.promote(left(store, model, {"a": b"1"}))
    assert promotions.settle(model) is False

    whisk.put("actions", f"models/{model}", {"exec": gone["exec"]})
    assert promotions.settle(model) is True
    assert served(whisk, model)["version"] == 1
