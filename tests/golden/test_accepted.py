"""The list of accepted differences can neither hide a new one nor keep an old one."""

from pathlib import Path

import pytest

from golden import accepted

LIST = """
r:
  - answers: [a/1]
    parts: [/x]
    reason: one member
  - answers: [n/*]
    without: nodejs
    reason: everything
"""


@pytest.fixture(autouse=True)
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "accepted.yaml").write_text(LIST)
    monkeypatch.setattr(accepted, "DATA", tmp_path)


def test_what_is_accepted_is_right() -> None:
    found = {"a/1": ["/x: recorded 1, here 2"], "n/1": ["status: recorded 1, here 2"], "a/2": []}

    assert accepted.judge("r", found, ["python"]) == []


def test_another_part_and_another_answer_are_wrong() -> None:
    found = {"a/1": ["/x: one", "/y: other"], "a/2": ["/x: third"]}

    assert accepted.judge("r", found, []) == ["a/1: /y: other", "a/2: /x: third"]


def test_an_accepted_difference_that_has_gone_is_wrong() -> None:
    assert accepted.judge("r", {"a/1": [], "n/1": []}, []) == [
        "a/1: /x is accepted as different, and is equal",
        "n/1 is accepted as different, and is equal",
    ]


def test_what_a_runtime_would_mend_is_wrong_where_it_is_there() -> None:
    assert accepted.judge("r", {"n/1": ["status: s"]}, ["nodejs"]) == ["n/1: status: s"]
    assert accepted.judge("r", {"n/1": []}, ["nodejs"]) == []


def test_a_pattern_that_fits_no_answer_is_told() -> None:
    assert accepted.unknown("r", ["a/1"]) == ["n/*"]
