"""What a subscription takes, and what it refuses in words."""

from dataclasses import replace
from functools import reduce
from typing import Any

import pytest

from deepwhisk.errors import FeedError
from deepwhisk.feeds.subscriptions import Place, Subscription, check_circle

DEEP = reduce(lambda inner, _: [inner], range(400), [])  # type: ignore[var-annotated]
EMPTY = Subscription("guest", "t", "secret:key")


def test_a_bucket_is_all_that_is_needed() -> None:
    made = EMPTY.given({"bucket": "photos"})

    assert (made.bucket, made.prefix, made.start_from, made.retries) == ("photos", "", "now", 3)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "bucket is missing"),
        ({"bucket": 7}, "bucket must be a string (got 7)"),
        ({"bucket": "No_Bucket"}, "'No_Bucket' cannot name a bucket"),
        ({"bucket": "photos", "prefix": None}, "prefix must be a string (got null)"),
        ({"bucket": "photos", "startFrom": "yesterday"}, 'one of now, beginning (got "yesterday")'),
        ({"bucket": "photos", "payload": [1]}, "payload must be an object (got [1])"),
        ({"bucket": "photos", "payload": {"event": 1}}, "payload.event is where each fire carries its event"),
        ({"bucket": "photos", "payload": {"x": "y" * 600_000}}, "at most 524288"),
        ({"bucket": "photos", "payload": {"x": "\ud800"}}, "payload cannot be sent as JSON"),
        ({"bucket": "photos", "payload": {"x": DEEP}}, "payload cannot be sent as JSON"),
        (
            {"bucket": "photos", "deadLetters": "out"},
            'deadLetters must be {"bucket": …, "prefix": …} (got "out")',
        ),
        (
            {"bucket": "photos", "deadLetters": {"prefix": "x"}},
            "deadLetters.bucket must be a string (got null)",
        ),
        ({"bucket": "photos", "retries": 21}, "retries must be a whole number from 0 to 20 (got 21)"),
        ({"bucket": "photos", "retries": True}, "retries must be a whole number"),
        (
            {"bucket": "photos", "sufix": ".jpg", "a": 1},
            "unknown parameter a, sufix; a feed takes bucket, prefix",
        ),
    ],
)
def test_a_wrong_parameter_is_refused_with_its_value(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(FeedError) as refused:
        EMPTY.given(parameters)

    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("key", "matches"),
    [("photos/a.jpg", True), ("photos/a.png", False), ("other/a.jpg", False), ("photos/a.jpg/", False)],
)
def test_prefix_and_suffix_choose(subscription: Subscription, key: str, *, matches: bool) -> None:
    assert subscription.matches("inbox", key) is matches


def test_a_folder_is_no_object() -> None:
    assert not replace(EMPTY, bucket="in").matches("in", "photos/")


@pytest.mark.parametrize(
    "parameters",
    [
        {"payload": {"results": {"bucket": "photos", "prefix": ""}}},
        {"payload": {"results": {"bucket": "photos"}}},
        {"payload": {"results": {"bucket": "photos", "prefix": "in/done/"}}},
        {"deadLetters": {"bucket": "photos", "prefix": "in/errors/"}},
    ],
)
def test_a_feed_that_would_feed_itself_is_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(FeedError, match="it would feed itself for ever; choose another bucket"):
        EMPTY.given({"bucket": "photos", "prefix": "in/", **parameters})


@pytest.mark.parametrize(
    "parameters",
    [
        {"payload": {"results": {"bucket": "results", "prefix": "in/"}}},
        {"payload": {"results": {"bucket": "photos", "prefix": "out/"}}},
        {"suffix": ".jpg", "payload": {"results": {"bucket": "photos", "prefix": "in/"}}},
        {"deadLetters": {"bucket": "photos", "prefix": "errors/"}},
    ],
)
def test_results_elsewhere_are_fine(parameters: dict[str, Any]) -> None:
    assert EMPTY.given({"bucket": "photos", "prefix": "in/", **parameters}).bucket == "photos"


def test_feeds_that_would_fire_each_other_are_refused() -> None:
    first = EMPTY.given({"bucket": "aaa", "payload": {"results": {"bucket": "bbb"}}})
    second = replace(first, trigger="u", bucket="bbb", payload={"results": {"bucket": "ccc"}})
    third = replace(first, trigger="v", bucket="ccc", payload={}, dead_letters=Place("aaa"))

    with pytest.raises(FeedError, match="guest/v → guest/t → guest/u → guest/v"):
        check_circle(third, [first, second])


def test_a_chain_of_feeds_is_fine() -> None:
    first = EMPTY.given({"bucket": "aaa", "payload": {"results": {"bucket": "bbb"}}})
    second = replace(first, trigger="u", bucket="bbb", payload={"results": {"bucket": "ccc"}})

    check_circle(first, [second])
    check_circle(second, [first, second])


def test_the_key_is_not_shown() -> None:
    made = EMPTY.given({"bucket": "photos"})

    assert "secret" not in repr(made)
    assert "secret" not in str(made.config())


def test_what_is_shown_makes_the_same_subscription() -> None:
    made = EMPTY.given(
        {"bucket": "photos", "suffix": ".jpg", "deadLetters": {"bucket": "out", "prefix": "e/"}, "retries": 0}
    )

    assert EMPTY.given(made.config()) == made
