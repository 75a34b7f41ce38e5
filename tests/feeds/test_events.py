"""Ids and the spelling of keys, on payloads as the stores send them."""

import json
from datetime import UTC, datetime

import pytest

from deepwhisk.feeds.events import Hint, identify, listen_hints, s3_hints, seaweed_hints, second

KEY = "in/a b+c%41/ü 漢字.jpg"
ESCAPED = "in%2Fa+b%2Bc%2541%2F%C3%BC+%E6%BC%A2%E5%AD%97.jpg"


def seaweed(key: str, event: str = "create", **entry: object) -> dict[str, object]:
    return {"event_type": event, "key": key, "message": {"new_entry": {"name": "x", **entry}}}


def records(key: str, name: str = "ObjectCreated:Put") -> dict[str, object]:
    return {"Records": [{"eventName": name, "s3": {"bucket": {"name": "in"}, "object": {"key": key}}}]}


def test_seaweed_keys_are_taken_raw() -> None:
    assert list(seaweed_hints(seaweed(f"/buckets/inb/{KEY}"))) == [Hint("inb", KEY)]


@pytest.mark.parametrize(
    "body",
    [
        seaweed("/buckets/inb/in", is_directory=True),
        seaweed("/buckets/inb/.uploads/abc/0001_x.part"),
        seaweed("/buckets/inb/x", event="delete"),
        seaweed("/etc/seaweedfs/x"),
        seaweed("/buckets/inb"),
        {"event_type": "delete", "key": "/buckets/inb/x", "message": {"old_entry": {}}},
        {},
    ],
)
def test_what_is_no_object_in_seaweed_is_no_hint(body: dict[str, object]) -> None:
    assert list(seaweed_hints(body)) == []


def test_a_new_version_in_seaweed_is_a_hint_at_its_object() -> None:
    body = seaweed(
        "/buckets/ver/a/k.txt.versions",
        event="update",
        is_directory=True,
        extended={"Seaweed-X-Amz-Latest-Version-Id": "NjcxNQ=="},
    )

    assert list(seaweed_hints(body)) == [Hint("ver", "a/k.txt")]


def test_keys_in_a_queue_are_unescaped_once() -> None:
    assert list(s3_hints(records(ESCAPED))) == [Hint("in", KEY)]
    assert list(s3_hints(records("a%2541"))) == [Hint("in", "a%41")]


def test_an_sns_envelope_is_opened() -> None:
    body = {"Type": "Notification", "Message": json.dumps(records(ESCAPED))}

    assert list(s3_hints(body)) == [Hint("in", KEY)]


def test_eventbridge_keys_are_taken_raw() -> None:
    body = {"detail-type": "Object Created", "detail": {"bucket": {"name": "in"}, "object": {"key": KEY}}}

    assert list(s3_hints(body)) == [Hint("in", KEY)]


def test_a_test_event_and_a_removal_are_no_hints() -> None:
    assert list(s3_hints({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "in"})) == []
    assert list(s3_hints(records("x", "ObjectRemoved:Delete"))) == []


def test_keys_in_minios_stream_are_taken_raw() -> None:
    assert list(listen_hints(records(KEY, "s3:ObjectCreated:Put"))) == [Hint("in", KEY)]


def test_minios_webhook_keys_are_unescaped() -> None:
    assert list(s3_hints(records(ESCAPED, "s3:ObjectCreated:Put"))) == [Hint("in", KEY)]


def test_a_listing_with_milliseconds_and_a_head_without_give_one_id() -> None:
    listed = datetime(2026, 11, 22, 3, 0, 1, 999_000, UTC)
    headed = datetime(2026, 11, 22, 3, 0, 1, tzinfo=UTC)

    assert identify("in", "k", "e", second(listed), None) == identify("in", "k", "e", second(headed), "")


def test_ids_have_32_characters_and_differ_by_every_part() -> None:
    ids = {
        identify("in", "k", "e", 1, None),
        identify("in", "k", "e", 1, "v"),
        identify("in", "k", "e", 2, None),
        identify("in", "k", "f", 1, None),
        identify("in", "l", "e", 1, None),
        identify("im", "k", "e", 1, None),
        identify("in\nk", "", "e", 1, None),
    }

    assert len(ids) == 7
    assert {len(one) for one in ids} == {32}
