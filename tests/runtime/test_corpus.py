"""A slice of the corpus of bad requests; `python -m benchmarks corpus` plays all of it."""

from collections import Counter
from pathlib import Path

import pytest
from benchmarks.asks import KINDS, LARGE_EVERY, ask
from benchmarks.corpus import played, served, settled

from deepwhisk_runtime.errors import describe
from fixtures.machine import until

REQUESTS = 350


def test_each_bad_request_is_answered_with_its_cause_and_leaves_nothing(tmp_path: Path) -> None:
    with served(tmp_path) as odd:
        played(odd, range(2 * LARGE_EVERY))  # all that is made at first use is there
        assert until(lambda: odd.state().left == ())
        before = odd.state()
        found = played(odd, range(REQUESTS))
        settled(odd, before, found)

    assert found.faults == []
    assert sum(found.statuses.values()) == REQUESTS
    assert {200, 400, 413, 422, 500} <= found.statuses.keys()


def test_the_corpus_is_the_same_each_time() -> None:
    assert [ask(number) for number in range(50)] == [ask(number) for number in range(50)]
    assert len(Counter(ask(number).kind for number in range(REQUESTS))) == len(KINDS) + 1


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError

    __str__ = __repr__


@pytest.mark.parametrize("error", [ValueError(Odd()), SystemExit(Odd())])
def test_an_error_that_cannot_say_itself_is_told_by_its_name(error: BaseException) -> None:
    assert describe(error) == f"{type(error).__name__}: (it cannot be shown: RuntimeError)"
