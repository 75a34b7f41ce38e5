"""The end of an alarm that will not be due again: it is disabled, or its trigger goes, with its rules.

Law: rules go before their trigger and the trigger before the alarm, so that an end that was cut short is
made again, whole.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from deepwhisk.errors import WhiskUnreachable
from deepwhisk.feeds.alarms.alarm import Alarm
from deepwhisk.feeds.alarms.ticks import Ticks
from deepwhisk.feeds.apihost import Answer, Apihost
from deepwhisk.feeds.backoff import Backoff
from deepwhisk.feeds.register import Register
from deepwhisk.feeds.tasks import Tasks

log = logging.getLogger("deepwhisk.feeds")

GONE = (200, 404)
REFUSED = (400, 401, 403)


class Ending:
    """Ends alarms, each once; `renew` lets what runs follow the register."""

    def __init__(
        self,
        register: Register,
        ticks: Ticks,
        apihost: Apihost,
        tasks: Tasks,
        renew: Callable[[str], Awaitable[None]],
        backoff: Callable[[], Backoff],
    ) -> None:
        self._register, self._ticks, self._apihost, self._tasks = register, ticks, apihost, tasks
        self._renew, self._backoff = renew, backoff
        self._ending: set[str] = set()

    def begin(self, name: str) -> None:
        """This alarm is over."""
        if name not in self._ending:
            self._ending.add(name)
            self._tasks.start(self._end(name))

    async def _end(self, name: str) -> None:
        try:
            registered = self._register.find(name)
            if registered is not None and isinstance(registered.subscription, Alarm):
                await self._settle(registered.subscription)
                await self._renew(name)
        finally:
            self._ending.discard(name)

    async def _settle(self, alarm: Alarm) -> None:
        refusal = None
        if alarm.deletes != "false" and not self._ticks.refused(alarm.name):
            refusal = await self._delete(alarm)
            if refusal is None and self._is_over(alarm.name):
                log.info("%s was fired once and is deleted with its trigger", alarm.name)
                self._register.set(alarm.name, "deleted")
        if self._is_over(alarm.name):
            self._register.set(alarm.name, "disabled", refusal or alarm.last_words)

    def _is_over(self, name: str) -> bool:
        """Still: its owner may have given it another time."""
        return name in self._ticks.over()

    async def _delete(self, alarm: Alarm) -> str | None:
        """Delete what it says; why that is refused, if it is."""
        backoff = self._backoff()
        while True:
            try:
                answer = await self._try(alarm)
            except WhiskUnreachable as error:
                log.warning("the trigger of %s is not deleted yet: %s", alarm.name, error)
            else:
                if answer.status in GONE:
                    return None
                if answer.status in REFUSED:
                    return f"The trigger was fired and could not be deleted: {answer.words}"
            await asyncio.sleep(backoff.next())

    async def _try(self, alarm: Alarm) -> Answer:
        """Delete as far as that goes; the answer that stopped it, or the last one."""
        found = await self._apihost.trigger(alarm.auth, alarm.trigger)
        rules = found.body.get("rules") or {} if found.status == 200 else {}
        for rule in rules if alarm.deletes == "rules" else ():
            gone = await self._apihost.delete(alarm.auth, "rules", rule.rpartition("/")[2])
            if gone.status not in GONE:
                return gone
        return await self._apihost.delete(alarm.auth, "triggers", alarm.trigger)
