"""The life of an alarm, as the feeds of `/whisk.system/alarms` ask for it, answered as OpenWhisk's do.

Law: the trigger must exist, and the key be its namespace's. A CREATE soon after a DELETE of the same times
goes on where that stopped, since a deployment does both.
"""

import asyncio
import time
from typing import Any, NamedTuple

from deepwhisk.errors import FeedError
from deepwhisk.feeds.alarms.alarm import TAKEN, Alarm
from deepwhisk.feeds.alarms.schedule import show_time
from deepwhisk.feeds.apihost import Answer
from deepwhisk.feeds.caller import Caller, identify
from deepwhisk.feeds.database import transaction
from deepwhisk.feeds.feed import Feed
from deepwhisk.feeds.register import Registered

EVENTS = ("CREATE", "READ", "UPDATE", "DELETE", "PAUSE", "UNPAUSE")
UNAUTHORIZED = "Trigger authentication request failed."
SUCCESS = {"status": "success"}
TIMES = ("cron", "timezone", "strict", "minutes", "startDate", "stopDate", "date")


class Known(NamedTuple):
    """An alarm that exists."""

    alarm: Alarm
    registered: Registered


class AlarmLifecycle:
    """Does what feed actions ask."""

    def __init__(self, feed: Feed) -> None:
        self._feed, self._clock = feed, feed.clock
        self._turn = asyncio.Lock()

    async def ask(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do what the arguments of a feed action ask for. Raises FeedError with the reason why not."""
        event = arguments.get("lifecycleEvent")
        if event not in EVENTS:
            raise FeedError("unsupported lifecycleEvent")
        if not arguments.get("triggerName"):
            raise FeedError("no trigger name parameter was provided")
        async with self._turn:
            caller = await self._authorized(arguments, gone_too=event == "DELETE")
            if event == "CREATE":
                return await self._create(caller, arguments)
            answer: dict[str, Any] = await getattr(self, f"_{event.lower()}")(
                caller, arguments, self._existing(caller)
            )
            return answer

    async def _authorized(self, arguments: dict[str, Any], *, gone_too: bool) -> Caller:
        try:
            caller = await identify(self._feed.apihost, arguments)
        except FeedError as error:
            raise FeedError(f"{UNAUTHORIZED} {error}", error.status) from error
        answer = await self._feed.apihost.trigger(caller.auth, caller.trigger)
        if answer.status != 200 and not (gone_too and answer.status == 404):
            raise FeedError(_not_there(caller, answer), answer.status)
        return caller

    def _existing(self, caller: Caller) -> Known:
        registered = self._feed.register.find(caller.name)
        if registered is None or not isinstance(registered.subscription, Alarm) or _deleted(registered):
            raise FeedError(f"could not find trigger /{caller.name} in the database", 404)
        return Known(registered.subscription, registered)

    async def _create(self, caller: Caller, arguments: dict[str, Any]) -> dict[str, Any]:
        kind, now = _kind(arguments), self._clock.now()
        alarm = Alarm(*caller, kind).made(arguments, now)
        if self._goes_on(alarm):
            following = self._clock.ticks.find(alarm.name).next or alarm.after(now, 0)
            return await self._put(alarm, following, 0)
        return await self._put(alarm, alarm.after(now, 0), 0, anew=True)

    def _goes_on(self, alarm: Alarm) -> bool:
        """Whether it was deleted just now. Raises FeedError for a trigger fed by objects."""
        old = self._feed.register.find(alarm.name)
        if old is None:
            return False
        if isinstance(old.subscription, Alarm):
            return self._recent(old) and _times(old.subscription) == _times(alarm)
        if not _deleted(old):
            raise FeedError(f"/{alarm.name} is fired by objects; DELETE that feed first", 409)
        self._feed.register.forget(alarm.name)
        return False

    def _recent(self, old: Registered) -> bool:
        return _deleted(old) and time.time() - old.changed < self._feed.pace.resume

    async def _update(self, caller: Caller, arguments: dict[str, Any], old: Known) -> dict[str, Any]:
        now = self._clock.now()
        alarm = Alarm(*caller, old.alarm.feed, old.alarm.settings).changed(arguments, now)
        fires = self._clock.ticks.find(alarm.name).fires if "maxTriggers" in alarm.settings else 0
        return await self._put(alarm, alarm.after(now, fires), fires)

    async def _put(
        self, alarm: Alarm, following: float | None, fires: int, *, anew: bool = False
    ) -> dict[str, Any]:
        """What was due and is not fired yet will be, but for an alarm that begins ANEW."""
        with transaction(self._feed.database):
            if anew:
                self._clock.ticks.drop(alarm.name)
            self._feed.register.put(alarm)
            self._clock.ticks.put(alarm.name, following, fires)
        await self._feed.renew(alarm.name)
        return SUCCESS

    async def _read(self, caller: Caller, arguments: dict[str, Any], old: Known) -> dict[str, Any]:
        alarm = old.alarm
        members = ("date", "deleteAfterFire") if alarm.feed == "once" else TAKEN[alarm.feed]
        config = {name: alarm.settings[name] for name in members if name in alarm.settings}
        named = {"name": alarm.trigger, "namespace": alarm.namespace, "payload": alarm.settings["payload"]}
        return {"config": {**named, **config}, "status": self._status(old.registered)}

    def _status(self, old: Registered) -> dict[str, Any]:
        """What OpenWhisk's says, and how it stands beside that."""
        active, flow = old.state == "active", self._feed.flows[old.subscription.name].status()
        return {
            "active": active,
            "dateChanged": round(old.changed * 1000),
            "dateChangedISO": show_time(old.changed)[:19] + "Z",
            **({} if active else {"reason": {"kind": "AUTO", "message": old.reason}}),
            "next": flow["next"],
            "counts": flow["counts"],
            "lastError": flow["lastError"],
        }

    async def _delete(self, caller: Caller, arguments: dict[str, Any], old: Known) -> dict[str, Any]:
        return await self._turn_to(caller, "deleted", "")

    async def _pause(self, caller: Caller, arguments: dict[str, Any], old: Known) -> dict[str, Any]:
        return await self._turn_to(caller, "paused", "paused by its owner")

    async def _unpause(self, caller: Caller, arguments: dict[str, Any], old: Known) -> dict[str, Any]:
        """Times that passed meanwhile are over, but the only one of an alarm."""
        alarm = Alarm(*caller, old.alarm.feed, old.alarm.settings)
        standing = self._clock.ticks.find(alarm.name)
        if alarm.feed == "once":
            return await self._put(alarm, standing.next, standing.fires)
        following = alarm.after(self._clock.now(), standing.fires)
        return await self._put(alarm, following, standing.fires, anew=True)

    async def _turn_to(self, caller: Caller, state: str, reason: str) -> dict[str, Any]:
        self._feed.register.set(caller.name, state, reason)
        await self._feed.renew(caller.name)
        return SUCCESS


def _kind(arguments: dict[str, Any]) -> str:
    """Which of the three feeds asks: the package's actions say so as OpenWhisk's do."""
    if arguments.get("fireOnce"):
        return "once"
    return "interval" if arguments.get("isInterval") else "alarm"


def _deleted(registered: Registered) -> bool:
    return registered.state == "deleted"


def _times(alarm: Alarm) -> dict[str, Any]:
    return {name: alarm.settings[name] for name in TIMES if name in alarm.settings} | {"feed": alarm.feed}


def _not_there(caller: Caller, answer: Answer) -> str:
    return f"{UNAUTHORIZED} /{caller.name}: {answer.words}"
