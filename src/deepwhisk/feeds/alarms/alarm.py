"""An alarm: the times at which one trigger fires, read from the parameters of its feed.

Law: whatever it says is checked when it is made or changed; what is kept is what was given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from deepwhisk.errors import FeedError
from deepwhisk.feeds.alarms import parameters as read
from deepwhisk.feeds.alarms.schedule import Cron, Interval, Once, Schedule, check_cron
from deepwhisk.feeds.events import Happening

RETRIES = 3
FIRST = 30.0  # seconds until an interval without a startDate begins
DATES = ("date", "startDate", "stopDate")
TAKEN = {
    "alarm": ("cron", "timezone", "strict", "startDate", "stopDate", "maxTriggers"),
    "interval": ("minutes", "startDate", "stopDate", "maxTriggers"),
    "once": ("date", "deleteAfterFire"),
}
READERS = {
    "cron": read.cron,
    "timezone": read.zone,
    "strict": read.strict,
    "minutes": read.minutes,
    "maxTriggers": read.most,
    "deleteAfterFire": read.deletion,
}
MISSING = {
    "alarm": "alarms trigger feed is missing the cron parameter",
    "interval": "interval trigger feed is missing the minutes parameter",
    "once": "alarms once trigger feed is missing the date parameter",
}
BOTH = {
    "alarm": "maxTriggers is not allowed when the stopDate parameter is specified",
    "interval": "maxTriggers is not supported for the interval trigger feed",
}
LAST = {
    "alarm": "Automatically disabled after firing last scheduled cron trigger",
    "interval": "Automatically disabled after firing last scheduled interval trigger",
    "once": "Automatically disabled after firing once",
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """Times that fire one trigger. `auth` goes to the ledger and to OpenWhisk only."""

    namespace: str
    trigger: str
    auth: str = field(repr=False)
    feed: str  # alarm, interval or once
    settings: Mapping[str, Any] = field(default_factory=dict)

    waits_for_rules: ClassVar[bool] = False  # a time that found nobody listening is over
    dead_letters: ClassVar[None] = None

    @property
    def name(self) -> str:
        return f"{self.namespace}/{self.trigger}"

    @property
    def schedule(self) -> Schedule:
        """When it is due."""
        start, stop = (self._moment(name) for name in ("startDate", "stopDate"))
        if self.feed == "once":
            return Once(read.moment("date", self.settings["date"]))
        if self.feed == "interval":
            return Interval(self.settings["minutes"], start or 0.0, stop)
        expression, exact = self.settings["cron"], self.settings.get("strict", True)
        spelled = check_cron(expression) if exact else read.spread(expression, self.trigger)
        return Cron(spelled, self.settings.get("timezone", "UTC"), start, stop)

    def after(self, moment: float, fires: int) -> float | None:
        """The first time after this moment, when it has been due that often."""
        most = self.settings.get("maxTriggers", -1)
        return None if 0 <= most <= fires else self.schedule.after(moment)

    def ended(self, now: float) -> bool:
        """Whether its stopDate has come."""
        stop = self._moment("stopDate")
        return stop is not None and now > stop

    @property
    def words(self) -> str:
        """Its times, for a reader."""
        if self.feed == "interval":
            return f"every {self.settings['minutes']} min"
        if self.feed == "once":
            return f"once at {self.settings['date']}"
        return f"{self.settings['cron']} {self.settings.get('timezone', 'UTC')}"

    @property
    def last_words(self) -> str:
        """Why it is disabled when no time is left."""
        counted = "maxTriggers" in self.settings
        return "Automatically disabled after reaching max triggers" if counted else LAST[self.feed]

    @property
    def deletes(self) -> str:
        """What goes after its only fire: `true` the trigger, `rules` its rules too, `false` nothing."""
        return str(self.settings.get("deleteAfterFire", "false"))

    def made(self, parameters: Mapping[str, Any], now: float) -> Self:
        """The alarm that these parameters make. Raises FeedError for one that is wrong."""
        if not parameters.get(TAKEN[self.feed][0]):
            raise FeedError(MISSING[self.feed])
        settings = {"payload": read.payload(parameters.get("trigger_payload")), **self._read(parameters, now)}
        if self.feed == "interval":
            settings.setdefault("startDate", round((now + FIRST) * 1000))
        return replace(self, settings=settings)._checked(now)

    def changed(self, parameters: Mapping[str, Any], now: float) -> Self:
        """This alarm with what is given anew. Raises FeedError as `made` does."""
        news = self._read(parameters, now)
        if parameters.get("trigger_payload"):
            news["payload"] = read.payload(parameters["trigger_payload"])
        if not news:
            raise FeedError("no updatable parameters were specified")
        return replace(self, settings={**self.settings, **news})._checked(now)

    def _read(self, parameters: Mapping[str, Any], now: float) -> dict[str, Any]:
        said = {name: parameters[name] for name in TAKEN[self.feed] if read.says(parameters.get(name))}
        for name, value in said.items():
            if name not in DATES:
                said[name] = READERS[name](value)
            elif value != self.settings.get(name):
                read.future(name, value, now)
        return said

    def _checked(self, now: float) -> Self:
        start, stop = self.settings.get("startDate"), self.settings.get("stopDate")
        if stop is not None:
            if "maxTriggers" in self.settings:
                raise FeedError(BOTH[self.feed])
            read.check_order(start, stop)
        if self.schedule.after(now) is None:
            if self.feed == "once":
                raise FeedError(f"date parameter '{self.settings['date']}' must be in the future")
            raise FeedError("the first scheduled trigger fire is not until after the stop date")
        return self

    def _moment(self, name: str) -> float | None:
        given = self.settings.get(name)
        return None if given is None else read.moment(name, given)

    def config(self) -> dict[str, Any]:
        """What the ledger keeps."""
        return {"feed": self.feed, **self.settings}

    def fire(self, event: Happening) -> dict[str, Any]:
        """What a fire carries: the payload and nothing else."""
        return dict(self.settings["payload"])

    def worth_again(self, attempts: int, cause: Mapping[str, Any]) -> bool:
        """Whether a fire that came to nothing is made again: not for an action that ran and failed."""
        return attempts < RETRIES and cause.get("kind") != "action developer error"
