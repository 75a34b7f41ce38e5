"""Trainings in a store, written and read."""

import json
from collections.abc import Iterator

import pytest

from deepwhisk.batch.layout import BUCKET, Place, code, version
from deepwhisk.batch.records import Records
from deepwhisk.batch.training import Entry, Phase, Training
from deepwhisk.errors import ObjectExists, StoreError
from deepwhisk.objects.store import Object
from deepwhisk.objects.stores.memory import MemoryStore

PLACE = Place("plankton", "0123456789abcdef0123456789abcdef")
REQUEST = {"uuid": PLACE.uuid, "model": PLACE.model, "kind": "train", "arguments": {"epochs": 2}}


class Counting(MemoryStore):
    """A store that counts what it is asked."""

    def __init__(self) -> None:
        super().__init__(buckets=[BUCKET])
        self.gets: list[str] = []
        self.lists: list[str] = []

    def get(self, bucket: str, key: str):  # type: ignore[no-untyped-def]
        self.gets.append(key)
        return super().get(bucket, key)

    def list(self, bucket: str, prefix: str = "") -> Iterator[Object]:
        self.lists.append(prefix)
        return super().list(bucket, prefix)


@pytest.fixture
def store() -> Counting:
    return Counting()


@pytest.fixture
def records(store: Counting) -> Records:
    return Records(store)


def accepted(records: Records, place: Place = PLACE) -> Training:
    records.write(place.request, {**REQUEST, "uuid": place.uuid}, once=True)
    found = records.find(place)
    assert found is not None
    return found


def test_a_training_without_a_request_is_none(records: Records) -> None:
    records.write(PLACE.plan, {})

    assert records.find(PLACE) is None


def test_what_was_written_is_read_again(records: Records) -> None:
    training = accepted(records)
    training = records.append(training, Entry(0, Phase.SUBMITTED, "", site="local"))
    training = records.append(training, Entry(0, Phase.QUEUED, "", site="local", handle="7"))

    assert records.find(PLACE) == training
    assert [entry.number for entry in training.history] == [1, 2]
    assert training.request["arguments"] == {"epochs": 2}


def test_of_two_who_write_the_same_state_one_is_overtaken(records: Records) -> None:
    training = accepted(records)
    records.append(training, Entry(0, Phase.SUBMITTED, ""))

    with pytest.raises(ObjectExists):
        records.append(training, Entry(0, Phase.SUBMITTED, ""))


def test_what_is_known_is_not_read_again(records: Records, store: Counting) -> None:
    training = records.append(accepted(records), Entry(0, Phase.QUEUED, ""))
    records.write(PLACE.attempt(1).result, {"state": "done"})
    store.gets.clear()

    found = records.find(PLACE, training)

    assert found is not None
    assert store.gets == [PLACE.attempt(1).result]
    assert found.result == {"state": "done", "attempt": 1}


def test_a_thousand_trainings_are_one_listing(records: Records, store: Counting) -> None:
    places = [Place("plankton", f"{number:032x}") for number in range(1000)]
    for place in places:
        records.write(place.request, REQUEST)
        records.write(place.state(1, "submitted"), {})
    store.lists.clear()
    store.gets.clear()

    found = records.listed()

    assert len(found) == 1000
    assert (store.lists, store.gets) == ([""], [])
    assert [(phase, number) for number, phase, _ in found[places[7].uuid].states()] == [(Phase.SUBMITTED, 1)]


def test_versions_code_and_states_of_a_later_release_disturb_nobody(records: Records) -> None:
    accepted(records)
    for key in (version("plankton", 1), code("00"), PLACE.state(1, "dreaming")):
        records.write(key, {})

    assert list(records.listed()) == [PLACE.uuid]
    found = records.find(PLACE)
    assert found is not None
    assert found.phase is Phase.ACCEPTED


def test_the_files_of_an_attempt_are_known_by_their_sizes(records: Records, store: Counting) -> None:
    accepted(records)
    store.put(BUCKET, PLACE.attempt(2).checkpoint, b"zip")

    found = records.find(PLACE)

    assert found is not None
    assert found.files == {2: {"checkpoint.zip": 3}}


def test_the_result_is_that_of_the_last_attempt(records: Records) -> None:
    training = accepted(records)
    records.write(PLACE.attempt(1).result, {"state": "interrupted"})
    first = records.find(PLACE, training)
    records.write(PLACE.attempt(2).result, {"state": "done"})

    found = records.find(PLACE, first)

    assert found is not None
    assert found.result == {"state": "done", "attempt": 2}


@pytest.mark.parametrize("said", [b"{", b"[]", b"\xff"])
def test_what_is_no_json_object_is_named(records: Records, store: Counting, said: bytes) -> None:
    store.put(BUCKET, PLACE.request, said)

    with pytest.raises(StoreError, match=r"request\.json"):
        records.find(PLACE)


def test_a_deleted_training_leaves_nothing_and_its_request_goes_last(
    records: Records, store: Counting
) -> None:
    accepted(records)
    records.write(PLACE.plan, {})
    other = Place("plankton", "f" * 32)
    accepted(records, other)

    records.delete(PLACE)

    assert list(records.listed()) == [other.uuid]
    assert not list(store.list(BUCKET, PLACE.prefix))
    assert json.loads(records.bytes(other.request) or b"")["uuid"] == other.uuid
