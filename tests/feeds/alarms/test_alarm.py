"""What the parameters of an alarm say, in the words of OpenWhisk's package."""

from typing import Any

import pytest

from deepwhisk.errors import FeedError
from deepwhisk.feeds.alarms.alarm import Alarm
from deepwhisk.feeds.events import Tick

NOW = 1_800_000_000.0
SOON, LATER = 1_800_000_100_000, 1_800_000_900_000  # milliseconds


def alarm(feed: str, **parameters: Any) -> Alarm:
    return Alarm("guest", "t", "key", feed).made(parameters, NOW)


def refusal(feed: str, **parameters: Any) -> str:
    with pytest.raises(FeedError) as caught:
        alarm(feed, **parameters)
    return str(caught.value)


@pytest.mark.parametrize(
    ("feed", "parameters", "words"),
    [
        ("alarm", {}, "alarms trigger feed is missing the cron parameter"),
        ("alarm", {"cron": ""}, "alarms trigger feed is missing the cron parameter"),
        (
            "alarm",
            {"cron": 1735689600000},
            "cron pattern '1735689600000' is not valid: Wrong number of fields",
        ),
        ("alarm", {"cron": "61 * * * *"}, "cron pattern '61 * * * *' is not valid: Bad minute"),
        (
            "alarm",
            {"cron": "* * * * *", "timezone": "Mars/Olympus"},
            "Invalid timezone. There is no 'Mars/Olympus'; write one as Europe/Madrid",
        ),
        (
            "alarm",
            {"cron": "* * * * *", "startDate": 1_700_000_000_000},
            "startDate parameter '1700000000000' must be in the future",
        ),
        (
            "alarm",
            {"cron": "* * * * *", "stopDate": "yesterday"},
            "stopDate parameter 'yesterday' is not a valid Date",
        ),
        (
            "alarm",
            {"cron": "* * * * *", "startDate": SOON, "stopDate": SOON},
            f"stopDate parameter '{SOON}' must be greater than the startDate parameter '{SOON}'",
        ),
        (
            "alarm",
            {"cron": "0 0 1 1 *", "stopDate": SOON},
            "the first scheduled trigger fire is not until after the stop date",
        ),
        (
            "alarm",
            {"cron": "* * * * *", "stopDate": SOON, "maxTriggers": 3},
            "maxTriggers is not allowed when the stopDate parameter is specified",
        ),
        (
            "alarm",
            {"cron": "* * * * *", "maxTriggers": "many"},
            "maxTriggers must be a whole number above zero, or -1 (got 'many')",
        ),
        ("alarm", {"cron": "* * * * *", "strict": "x"}, "strict must be true or false (got 'x')"),
        (
            "alarm",
            {"cron": "* * * * *", "trigger_payload": [1]},
            "trigger_payload must be an object or a string (got [1])",
        ),
        ("interval", {}, "interval trigger feed is missing the minutes parameter"),
        ("interval", {"minutes": 0}, "interval trigger feed is missing the minutes parameter"),
        ("interval", {"minutes": "five"}, "the minutes parameter must be an integer (got 'five')"),
        ("interval", {"minutes": 1.5}, "the minutes parameter must be an integer (got 1.5)"),
        ("interval", {"minutes": True}, "the minutes parameter must be an integer (got True)"),
        ("interval", {"minutes": [5]}, "the minutes parameter must be an integer (got [5])"),
        ("interval", {"minutes": -1}, "the minutes parameter must be an integer greater than zero"),
        (
            "interval",
            {"minutes": 1, "stopDate": LATER, "maxTriggers": 3},
            "maxTriggers is not supported for the interval trigger feed",
        ),
        ("once", {}, "alarms once trigger feed is missing the date parameter"),
        ("once", {"date": "tomorrow"}, "date parameter 'tomorrow' is not a valid Date"),
        ("once", {"date": 1e300}, "date parameter '1e+300' is not a valid Date"),
        ("once", {"date": float("nan")}, "date parameter 'nan' is not a valid Date"),
        ("once", {"date": "2019-12-25T12:30:00.000Z"}, "must be in the future"),
        (
            "once",
            {"date": SOON, "deleteAfterFire": "maybe"},
            "deleteAfterFire parameter must be one of [false, true, rules].",
        ),
    ],
)
def test_what_is_wrong_is_said_as_openwhisk_says_it(
    feed: str, parameters: dict[str, Any], words: str
) -> None:
    assert words in refusal(feed, **parameters)


@pytest.mark.parametrize(
    "date", [SOON, "2027-01-15T08:01:40Z", "2027-01-15T08:01:40.000Z", "2027-01-15T09:01:40+01:00"]
)
def test_dates_are_milliseconds_or_iso_8601(date: Any) -> None:
    made = alarm("once", date=date)

    assert made.after(NOW, 0) == SOON / 1000
    assert made.settings["date"] == date


def test_a_date_without_a_zone_is_utc() -> None:
    assert alarm("once", date="2027-01-15T08:01:40").after(NOW, 0) == SOON / 1000


@pytest.mark.parametrize(
    ("given", "fired"),
    [
        ({}, {}),
        ({"trigger_payload": None}, {}),
        ({"trigger_payload": ""}, {"payload": ""}),
        ({"trigger_payload": "Odin"}, {"payload": "Odin"}),
        ({"trigger_payload": {"name": "Odin"}}, {"name": "Odin"}),
    ],
)
def test_a_fire_carries_the_payload_alone(given: dict[str, Any], fired: dict[str, Any]) -> None:
    assert alarm("alarm", cron="* * * * *", **given).fire(Tick("1", "2027")) == fired


def test_an_interval_begins_half_a_minute_later() -> None:
    made = alarm("interval", minutes="2")

    assert made.settings["minutes"] == 2
    assert made.after(NOW, 0) == NOW + 30
    assert made.after(NOW + 30, 1) == NOW + 150


def test_an_interval_may_begin_later() -> None:
    assert alarm("interval", minutes=1, startDate=LATER).after(NOW, 0) == LATER / 1000


def test_triggers_are_counted_where_that_is_asked_for() -> None:
    made = alarm("alarm", cron="* * * * *", maxTriggers="2")

    assert made.after(NOW, 1) is not None
    assert made.after(NOW, 2) is None
    assert alarm("alarm", cron="* * * * *", maxTriggers=-1).after(NOW, 10**6) is not None


def test_a_lax_alarm_has_a_second_of_its_own() -> None:
    seconds = set()
    for number in range(40):
        made = Alarm("guest", f"t{number}", "key", "alarm").made(
            {"cron": "* * * * *", "strict": "false"}, NOW
        )
        first = made.after(NOW, 0) or 0
        assert (made.after(first, 1) or 0) - first == 60
        seconds.add(first % 60)

    assert len(seconds) > 15
    assert (alarm("alarm", cron="* * * * *").after(NOW, 0) or 1) % 60 == 0


def test_deletion_may_be_said_in_any_form() -> None:
    assert alarm("once", date=SOON, deleteAfterFire=True).deletes == "true"
    assert alarm("once", date=SOON, deleteAfterFire=" Rules ").deletes == "rules"
    assert alarm("once", date=SOON, deleteAfterFire=False).deletes == "false"
    assert alarm("once", date=SOON).deletes == "false"


def test_an_update_changes_what_it_says_and_keeps_the_rest() -> None:
    old = alarm("alarm", cron="* * * * *", trigger_payload="a", startDate=SOON)

    changed = old.changed({"cron": "*/2 * * * *", "trigger_payload": "", "minutes": 5}, NOW)

    assert changed.settings == {**old.settings, "cron": "*/2 * * * *"}


def test_an_update_may_repeat_a_start_that_has_passed() -> None:
    old = alarm("alarm", cron="* * * * *", startDate=SOON)

    assert old.changed({"cron": "0 * * * *", "startDate": SOON}, NOW + 10_000).settings["cron"] == "0 * * * *"
    with pytest.raises(FeedError, match="must be in the future"):
        old.changed({"startDate": SOON + 1}, NOW + 10_000)


def test_an_update_that_says_nothing_is_refused() -> None:
    with pytest.raises(FeedError, match="no updatable parameters were specified"):
        alarm("once", date=SOON).changed({"startDate": SOON, "stopDate": LATER}, NOW)


def test_an_update_of_a_single_time_that_has_passed_needs_another() -> None:
    old = alarm("once", date=SOON)

    with pytest.raises(FeedError, match=f"date parameter '{SOON}' must be in the future"):
        old.changed({"trigger_payload": "late"}, NOW + 10_000)


def test_no_secret_is_shown() -> None:
    assert "key" not in repr(alarm("once", date=SOON))
