"""When an alarm is due."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from deepwhisk.errors import FeedError
from deepwhisk.feeds.alarms.schedule import (
    SHORTHANDS,
    Cron,
    Interval,
    Once,
    Schedule,
    check_cron,
    check_zone,
    show_time,
)

MADRID = ZoneInfo("Europe/Madrid")


def at(text: str, zone: ZoneInfo | None = None) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone or UTC).timestamp()


def times(schedule: Schedule, after: float, number: int, zone: ZoneInfo | None = None) -> list[str]:
    """The next times, as the clocks there show them."""
    found = []
    for _ in range(number):
        following = schedule.after(after)
        assert following is not None
        assert following > after
        after = following
        found.append(datetime.fromtimestamp(after, zone or UTC).isoformat()[5:])
    return found


def test_five_fields_are_due_at_the_top_of_their_minutes() -> None:
    assert times(Cron("*/5 * * * *"), at("2026-03-01T11:58:30"), 2) == [
        "03-01T12:00:00+00:00",
        "03-01T12:05:00+00:00",
    ]


def test_six_fields_begin_with_seconds() -> None:
    assert times(Cron("*/30 * * * * *"), at("2026-03-01T11:59:30.5"), 3) == [
        "03-01T12:00:00+00:00",
        "03-01T12:00:30+00:00",
        "03-01T12:01:00+00:00",
    ]


def test_months_count_from_one_and_have_names() -> None:
    assert times(Cron("0 0 1 1 *"), at("2026-03-01T00:00"), 1) == ["01-01T00:00:00+00:00"]
    assert times(Cron("0 0 1 FEB *"), at("2026-03-01T00:00"), 1) == ["02-01T00:00:00+00:00"]


def test_a_day_of_the_month_or_of_the_week_suffices() -> None:
    assert times(Cron("0 0 13 * FRI"), at("2026-02-27T12:00"), 3) == [
        "03-06T00:00:00+00:00",
        "03-13T00:00:00+00:00",
        "03-20T00:00:00+00:00",
    ]


def test_the_29th_of_february_is_waited_for() -> None:
    assert Cron("0 0 29 2 *").after(at("2026-03-01T00:00")) == at("2028-02-29T00:00")


def test_a_time_zone_moves_the_times() -> None:
    assert Cron("0 9 * * *", "America/New_York").after(at("2026-01-01T00:00")) == at("2026-01-01T14:00")


def test_a_time_that_the_spring_skips_is_due_right_after() -> None:
    start = at("2026-03-28T12:00", MADRID)

    assert times(Cron("30 2 * * *", "Europe/Madrid"), start, 2, MADRID) == [
        "03-29T03:00:00+02:00",
        "03-30T02:30:00+02:00",
    ]


def test_a_time_that_comes_twice_in_autumn_is_due_once() -> None:
    start = at("2026-10-24T12:00", MADRID)

    assert times(Cron("30 2 * * *", "Europe/Madrid"), start, 2, MADRID) == [
        "10-25T02:30:00+02:00",
        "10-26T02:30:00+01:00",
    ]


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
@pytest.mark.parametrize(("expression", "step"), [("30 * * * *", 3600), ("0 */10 * * * *", 600)])
def test_what_runs_all_the_time_goes_on_evenly_when_clocks_change(
    day: str, expression: str, step: int
) -> None:
    cron, found = Cron(expression, "Europe/Madrid"), [at(day, MADRID)]
    for _ in range(10):
        found.append(cron.after(found[-1]) or 0.0)

    assert {later - earlier for earlier, later in pairwise(found[1:])} == {step}


def test_a_cron_keeps_within_its_start_and_stop() -> None:
    cron = Cron("0 * * * *", "UTC", at("2026-01-01T10:00"), at("2026-01-01T11:00"))

    assert cron.after(at("2025-01-01T00:00")) == at("2026-01-01T10:00")
    assert cron.after(at("2026-01-01T10:00")) == at("2026-01-01T11:00")
    assert cron.after(at("2026-01-01T11:00")) is None


def test_a_start_within_a_second_is_not_anticipated() -> None:
    assert Cron("* * * * * *", "UTC", 1000.5).after(0.0) == 1001.0


def test_an_interval_counts_from_its_start_whatever_was_missed() -> None:
    start = at("2026-01-01T00:00:07")
    interval = Interval(7, start)

    assert interval.after(start - 100) == start
    assert interval.after(start) == start + 420
    assert interval.after(start + 419.9) == start + 420
    assert interval.after(start + 100 * 420 + 1) == start + 101 * 420


def test_an_interval_ends_with_its_stop() -> None:
    assert Interval(1, 0.0, 120.0).after(60.0) == 120.0
    assert Interval(1, 0.0, 119.0).after(60.0) is None


def test_once_is_once() -> None:
    assert Once(100.0).after(99.9) == 100.0
    assert Once(100.0).after(100.0) is None


@pytest.mark.parametrize("shorthand", SHORTHANDS)
def test_shorthands_are_understood(shorthand: str) -> None:
    assert Cron(check_cron(shorthand)).after(0.0) is not None


@pytest.mark.parametrize(
    "expression",
    [
        *("", "a", "* * * *", "* * * * * * *", "1735689600000", "@reboot"),
        *("61 * * * *", "*/0 * * * *", "5-1 * * * *", "0 0 30 2 *", "0 0 1 13 *", "0 0 31 2,4 *"),
    ],
)
def test_an_expression_that_says_no_time_is_refused(expression: str) -> None:
    with pytest.raises(FeedError) as caught:
        check_cron(expression)
    assert str(caught.value).startswith(f"cron pattern '{expression}' is not valid")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd", "/etc/localtime", "x" * 300])
def test_a_time_zone_that_does_not_exist_is_refused(zone: str) -> None:
    with pytest.raises(FeedError, match=r"^Invalid timezone\."):
        check_zone(zone)


def test_times_are_shown_in_utc_with_milliseconds() -> None:
    assert show_time(at("2026-12-25T12:30:00.25")) == "2026-12-25T12:30:00.250Z"
