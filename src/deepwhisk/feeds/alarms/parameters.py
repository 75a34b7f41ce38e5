"""What an alarm's parameters say, in the words of OpenWhisk's package `alarms` where they are wrong.

Law: the value is kept as it was given, since READ shows it so.
"""

from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from deepwhisk.errors import FeedError
from deepwhisk.feeds.alarms.schedule import check_cron, check_zone

DELETIONS = ("false", "true", "rules")
FLAGS = {"true": True, "false": False}


def moment(name: str, value: Any) -> float:
    """A date, in seconds: milliseconds since 1970, or ISO 8601, UTC where it names no zone."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000, UTC).timestamp()
        found = datetime.fromisoformat(str(value))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise FeedError(f"{name} parameter '{value}' is not a valid Date") from error


def future(name: str, value: Any, now: float) -> float:
    """A date that is to come."""
    found = moment(name, value)
    if found <= now:
        raise FeedError(f"{name} parameter '{value}' must be in the future")
    return found


def check_order(start: Any, stop: Any) -> None:
    """Refuse a stopDate that is not after the startDate."""
    if start is not None and moment("stopDate", stop) <= moment("startDate", start):
        raise FeedError(f"stopDate parameter '{stop}' must be greater than the startDate parameter '{start}'")


def minutes(value: Any) -> int:
    """An interval's length."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.5
    if isinstance(value, bool) or not number.is_integer():
        raise FeedError(f"the minutes parameter must be an integer (got {value!r})")
    if number <= 0:
        raise FeedError("the minutes parameter must be an integer greater than zero")
    return int(number)


def payload(value: Any) -> dict[str, Any]:
    """What each fire carries: an object, or a string as its member `payload`."""
    if isinstance(value, str):
        return {"payload": value}
    if not isinstance(value or {}, dict):
        raise FeedError(f"trigger_payload must be an object or a string (got {str(value)[:80]})")
    return dict(value or {})


def deletion(value: Any) -> str:
    """Whether the trigger goes after its fire, alone or with its rules."""
    word = str(value).strip().lower()
    if word not in DELETIONS:
        raise FeedError("deleteAfterFire parameter must be one of [false, true, rules].")
    return word


def most(value: Any) -> int:
    """How often to fire; -1 is no bound."""
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number == 0 or number < -1:
        raise FeedError(f"maxTriggers must be a whole number above zero, or -1 (got {value!r})")
    return number


def cron(value: Any) -> str:
    """A cron expression, checked."""
    check_cron(str(value))
    return str(value)


def zone(value: Any) -> str:
    return check_zone(str(value))


def strict(value: Any) -> bool:
    """Whether a five-field expression is due at second zero."""
    found = value if isinstance(value, bool) else FLAGS.get(str(value).lower())
    if found is None:
        raise FeedError(f"strict must be true or false (got {value!r})")
    return found


def spread(expression: str, trigger: str) -> str:
    """A five-field expression at a second of its minute that is always the same for this trigger."""
    fields = check_cron(expression).split()
    return " ".join([str(crc32(trigger.encode()) % 60), *fields] if len(fields) == 5 else fields)


def says(value: Any) -> bool:
    """Whether a parameter says something: null, zero and an empty text say nothing, as in JavaScript."""
    return value is False or bool(value)
