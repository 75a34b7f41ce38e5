"""What a training asks of a node."""

import pytest

from deepwhisk.batch.wanted import Wanted, seconds, wanted
from deepwhisk.errors import TrainingError

METADATA = {
    "resources": {"training": {"cpu": 4, "memory_MB": 2000, "gpu": 1, "storage_MB": 9, "timeout_ms": 90500}}
}


def test_a_model_says_what_it_needs_and_a_request_may_say_otherwise() -> None:
    usual = wanted(METADATA, {}).resources
    asked = wanted(METADATA, {"cpus": "2", "gpus": 0, "time": "1:00:00", "memory_MB": None}).resources

    assert (usual.cpus, usual.memory, usual.gpus, usual.time) == (4, 2000, 1, 90)
    assert (asked.cpus, asked.memory, asked.gpus, asked.time) == (2, 2000, 0, 3600)


@pytest.mark.parametrize(
    "metadata", [{}, {"resources": None}, {"resources": {"training": None}}, {"resources": 1}]
)
def test_a_model_that_says_nothing_gets_a_little(metadata: dict[str, object]) -> None:
    found = wanted(metadata, {}).resources

    assert (found.cpus, found.memory, found.gpus, found.time) == (1, 1024, 0, 3600)


def test_what_was_resolved_is_read_again() -> None:
    found = wanted(METADATA, {"partition": "gpu", "account": "me@lab", "gpu_required": "true"})

    assert Wanted.read(found.body()) == found
    assert found.gpu_required


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (90, 90),
        ("90", 90),
        ("1:30", 90),
        ("1:00:00", 3600),
        ("2-0", 172800),
        ("1-12:30", 131400),
        ("0-00:00:01", 1),
    ],
)
def test_a_time_is_seconds_or_as_slurm_writes_it(said: object, expected: int) -> None:
    assert seconds(said) == expected


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"cpus": 0}, "cpus is 0"),
        ({"cpus": 1.5}, r"1\.5"),
        ({"cpus": True}, "True"),
        ({"memory_MB": "much"}, "'much'"),
        ({"gpus": -1}, "-1"),
        ({"time": 0}, "time is 0"),
        ({"time": "1-"}, "'1-'"),
        ({"time": "99999-0"}, "it may be"),
        ({"time": None, "time_limit": 1}, "no resource 'time_limit'"),
        ({"gpu_required": "perhaps"}, "perhaps"),
        ({"partition": "a b; rm"}, "a partition"),
        ({"account": ""}, "an account"),
    ],
)
def test_what_cannot_be_is_refused_with_word_and_value(said: dict[str, object], match: str) -> None:
    with pytest.raises(TrainingError, match=match):
        wanted({}, said)
