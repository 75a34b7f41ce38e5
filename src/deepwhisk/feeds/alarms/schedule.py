"""Schedules: at which times an alarm is due. Pure functions of time, in seconds since 1970.

A cron expression has five fields, or six with seconds first, in a time zone. Where clocks change, it does as
Debian's cron: a fixed time that is skipped is due right after, one that comes twice is due once, and what
runs every hour or minute goes on evenly.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from deepwhisk.errors import FeedError

SHORTHANDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class Schedule(Protocol):
    """When an alarm is due."""

    def after(self, moment: float) -> float | None:
        """The first time after this moment; None if there is none."""


@dataclass(frozen=True, slots=True)
class Cron:
    """By a cron expression, from `start` to `stop`."""

    expression: str
    zone: str = "UTC"
    start: float | None = None
    stop: float | None = None

    def after(self, moment: float) -> float | None:
        if self.start is not None:
            moment = max(moment, math.ceil(self.start) - 1)
        following = datetime.fromtimestamp(math.floor(moment), ZoneInfo(self.zone))
        found = next(CronSim(self.expression, following), None)
        return None if found is None else _unless_over(found.timestamp(), self.stop)


@dataclass(frozen=True, slots=True)
class Interval:
    """Every some minutes, counted from `start`."""

    minutes: int
    start: float
    stop: float | None = None

    def after(self, moment: float) -> float | None:
        step = self.minutes * 60
        passed = max(0, math.floor((moment - self.start) / step) + 1)
        return _unless_over(self.start + passed * step, self.stop)


@dataclass(frozen=True, slots=True)
class Once:
    """At one time."""

    date: float

    def after(self, moment: float) -> float | None:
        return self.date if self.date > moment else None


def _unless_over(moment: float, stop: float | None) -> float | None:
    return None if stop is not None and moment > stop else moment


@lru_cache(1024)
def check_cron(expression: str) -> str:
    """The expression as `Cron` takes it. Raises FeedError for one that says no time."""
    spelled = SHORTHANDS.get(expression.strip(), expression)
    try:
        if next(CronSim(spelled, datetime(2000, 1, 1)), None) is None:
            raise CronSimError("no time within fifty years")
    except CronSimError as error:
        raise FeedError(f"cron pattern '{expression}' is not valid: {error}") from error
    return spelled


def check_zone(name: str) -> str:
    """The name of a time zone. Raises FeedError for one that does not exist."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise FeedError(f"Invalid timezone. There is no {name!r}; write one as Europe/Madrid") from error
    return name


def show_time(moment: float) -> str:
    """A time as JavaScript writes it."""
    whole = datetime(1970, 1, 1) + timedelta(milliseconds=round(moment * 1000))
    return whole.isoformat(timespec="milliseconds") + "Z"
