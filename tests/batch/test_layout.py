"""Keys of the bucket of trainings, made and taken apart."""

import pytest

from deepwhisk.batch.layout import Place, job_name, located, named, version

UUID = "0123456789abcdef0123456789abcdef"
PLACE = Place("plankton", UUID)


def test_a_key_of_a_training_tells_whose_it_is() -> None:
    found = located(PLACE.request)

    assert found is not None
    assert (found.place, found.rest) == (PLACE, "request.json")


def test_the_key_of_a_state_tells_number_and_state_without_being_opened() -> None:
    found = located(PLACE.state(12, "running"))

    assert found is not None
    assert (found.state, found.attempt) == ((12, "running"), None)


def test_states_are_listed_in_their_order_beyond_nine() -> None:
    keys = [PLACE.state(number, "queued") for number in (1, 2, 9, 10, 11, 999, 1000)]

    assert sorted(keys) == keys


def test_the_key_of_an_attempts_file_tells_its_number_and_name() -> None:
    found = located(PLACE.attempt(3).metrics)

    assert found is not None
    assert (found.attempt, found.state) == ((3, "metrics.jsonl"), None)


@pytest.mark.parametrize(
    "key",
    [
        version("plankton", 1),
        "_code/00.zip",
        "plankton",
        f"plankton/{UUID}",
        f"plankton/{UUID}/",
        "a/b/c",
        f"../{UUID}/request.json",
        f"_code/{UUID}/request.json",
    ],
)
def test_what_is_no_trainings_is_nobodys(key: str) -> None:
    assert located(key) is None


def test_a_name_of_a_job_is_told_apart_from_foreign_ones() -> None:
    name = job_name(UUID, 12)

    assert len(name) <= 63
    assert named(name) == (UUID, 12)
    assert named(f"other-{UUID}-1") is None
    assert named(f"{name}-suffix") is None
