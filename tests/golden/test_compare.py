"""A comparison that overlooked something would make every recording green."""

from typing import Any

import pytest

from golden.compare import Answer, comparable, differences, read_content
from golden.player import overtaken


def differing(one: Any, other: Any, *loose: str) -> list[str]:
    parts = [comparable(Answer(200, (), content), loose) for content in (one, other)]
    return [line.partition(": ")[0] for line in differences(*parts)]


@pytest.mark.parametrize(
    ("one", "other", "parts"),
    [
        ({"a": 1}, {"a": 2}, ["/a"]),
        ({"a": 1}, {"a": "1"}, ["/a"]),
        ({"a": 1}, {"b": 1}, ["/a", "/b"]),
        ({"a": None}, {}, ["/a", "body"]),
        ([1, 2], [2, 1], ["body"]),
        ("text", "other", ["body"]),
        ({"a": {"b": [1]}}, {"a": {"b": [1, 2]}}, ["/a"]),
        ({"version": "0.0.1"}, {"version": "0.0.2"}, ["/version"]),
        ({"annotations": [{"key": "a", "value": 1}]}, {"annotations": []}, ["/annotations"]),
        ({"logs": ["2026-01-01T00:00:00Z stdout: a"]}, {"logs": []}, ["/logs"]),
        ({"error": "a", "code": "x"}, {"error": "b", "code": "y"}, ["/error"]),
    ],
)
def test_contents_that_differ_are_told(one: Any, other: Any, parts: list[str]) -> None:
    assert differing(one, other) == parts
    assert differing(one, one) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"activationId": "a" * 32, "start": 1}, {"activationId": "b" * 32, "start": 2}),
        ({"error": "no", "code": "x"}, {"error": "no", "code": "y"}),
        ({"error": f"no {'a' * 32}"}, {"error": f"no {'b' * 32}"}),
        ({"logs": ["2026-01-01T00:00:00Z stdout: a"]}, {"logs": ["2027-01-01T00:00:00.1Z a"]}),
        ({"parameters": [{"key": "a"}, {"key": "b"}]}, {"parameters": [{"key": "b"}, {"key": "a"}]}),
        ({"annotations": [{"key": "initTime", "value": 3}]}, {"annotations": []}),
    ],
)
def test_ids_times_and_orders_without_meaning_are_not(one: Any, other: Any) -> None:
    assert differing(one, other) == []


def test_a_status_and_headers_are_compared() -> None:
    one = Answer(
        200, [("Content-Type", "text/plain;charset=UTF-8"), ("Date", "today"), ("Allow", "GET")], None
    )
    other = Answer(404, [("content-type", "text/plain; charset=utf-8"), ("X-Custom", "1")], None)
    found = differences(comparable(one), comparable(other))

    assert [line.partition(": ")[0] for line in found] == ["header allow", "header x-custom", "status"]


def test_loose_parts_are_left_out() -> None:
    assert differing({"a": {"b": 1, "c": 1}}, {"a": {"b": 2, "c": 1}}, "/a/b") == []
    assert differing({"a": 1}, {"a": 2}, "/a") == []
    assert differing({"a": 1}, [], "body") == []
    assert differing(
        [{"namespace": "guest", "name": "gt_x"}, {"namespace": "guest", "name": "y"}], [], "own"
    ) == ["body"]


def test_content_is_an_object_an_array_or_text() -> None:
    assert [read_content(body) for body in (b'{"a":1}', b"[1]", b"7", b"text", b"\xff")] == [
        {"a": 1}, [1], "7", "text", "/w==",
    ]  # fmt: skip


def test_an_answer_is_asked_for_again_only_where_a_time_limit_struck_that_had_room() -> None:
    said = "The action exceeded its time limits of 600 milliseconds"
    fine = Answer(200, (), {"a": 1})
    late, later = (Answer(502, (), {"error": said + end}) for end in (".", " during initialization."))

    assert [overtaken(here, late) for here in (fine, late, later)] == [False, False, True]
    assert [overtaken(here, later) for here in (fine, later)] == [False, False]
    assert [overtaken(here, fine) for here in (fine, late, later)] == [False, True, True]
