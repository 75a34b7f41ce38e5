"""The dispatcher of one subscription: it fires what the ledger says is to be fired, in that order.

Law: an event leaves the state `new` only by an answer. Too many, errors of the server and no answer slow
it down and never skip; no active rule holds; a trigger or a key that is gone disables, and deletes
nothing.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from typing import Any, NamedTuple, Protocol

from deepwhisk.errors import WhiskUnreachable
from deepwhisk.feeds.apihost import Answer, Apihost
from deepwhisk.feeds.backoff import Backoff
from deepwhisk.feeds.ledger import Entry, Ledger
from deepwhisk.feeds.rate import Rate
from deepwhisk.feeds.register import Subscribed
from deepwhisk.feeds.settings import Pace
from deepwhisk.feeds.tasks import woken

log = logging.getLogger("deepwhisk.feeds")

NO_RULE = "the trigger has no active rule: events are held until one is active"


class Moment(NamedTuple):
    """Now, as the ledger counts and as waits are counted."""

    epoch: float
    clock: float


class Confirms(Protocol):
    """Who follows the fires."""

    def room(self) -> bool: ...
    def follow(self, entry: Entry, activation: str) -> None: ...


class Dispatcher:
    """Fires one subscription's events; `dead` and `disable` are told what cannot be fired."""

    confirmer: Confirms

    def __init__(
        self,
        subscription: Subscribed,
        ledger: Ledger,
        apihost: Apihost,
        rate: Rate,
        pace: Pace,
        *,
        dead: Callable[[Entry, dict[str, Any]], None],
        disable: Callable[[str, str], None],
    ) -> None:
        self.subscription = subscription
        self.holding = False
        self.error = ""
        self._ledger, self._apihost, self._rate, self._pace = ledger, apihost, rate, pace
        self._dead, self._disable = dead, disable
        self._backoff = Backoff(pace.first_backoff, pace.longest_backoff)
        self._not_before = 0.0
        self._flying: dict[str, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()

    @property
    def flying(self) -> Collection[str]:
        """What is on its way to OpenWhisk."""
        return self._flying.keys()

    def wake(self) -> None:
        """There may be something to fire."""
        self._woken.set()

    def slow_down(self, error: str) -> None:
        """OpenWhisk has too much to do, or does not answer: wait, the longer the more often."""
        self.error = error
        self._not_before = time.monotonic() + self._backoff.next()

    async def land(self, seconds: float) -> None:
        """When `run` has ended: wait for what is on its way, which would be fired again, and end the rest."""
        if self._flying:
            _, late = await asyncio.wait(list(self._flying.values()), timeout=seconds)
            for task in late:
                task.cancel()

    async def run(self) -> None:
        """Fire until cancelled."""
        while True:
            self._woken.clear()
            moment = Moment(time.time(), time.monotonic())
            if (entry := self._choose(moment)) is None:
                await woken(self._woken, self._wait(moment))
                continue
            await self._rate.take()
            self._start(entry)

    def _choose(self, moment: Moment) -> Entry | None:
        """The next event, if one may be fired now. A trouble is probed with one fire at a time."""
        parallel = 1 if self.holding or self._backoff.tries else self._pace.parallel_fires
        if len(self._flying) >= parallel or moment.clock < self._not_before or not self.confirmer.room():
            return None
        return self._ledger.next(self.subscription.name, self._flying, moment.epoch)

    def _wait(self, moment: Moment) -> float | None:
        """Until what `_choose` passed over is due; at the same moment, so that nothing falls between."""
        due = self._ledger.next_due(self.subscription.name, moment.epoch)
        waits = [] if due is None else [due - moment.epoch]
        if moment.clock < self._not_before:
            waits.append(self._not_before - moment.clock)
        return min(waits, default=None)

    def _start(self, entry: Entry) -> None:
        task = asyncio.create_task(self._fire(entry))
        self._flying[entry.event.id] = task
        task.add_done_callback(lambda done: self._landed(entry, done))

    def _landed(self, entry: Entry, done: asyncio.Task[None]) -> None:
        del self._flying[entry.event.id]
        self.wake()
        if not done.cancelled() and (error := done.exception()):
            log.error("fire of %s ended by a defect", entry.event.id, exc_info=error)
            self.slow_down(f"{type(error).__name__}: {error}")

    async def _fire(self, entry: Entry) -> None:
        payload = self.subscription.fire(entry.event)
        try:
            answer = await self._apihost.fire(self.subscription.auth, self.subscription.trigger, payload)
        except WhiskUnreachable as error:
            self.slow_down(str(error))
            return
        self._settle(entry, answer)

    def _settle(self, entry: Entry, answer: Answer) -> None:
        activation = answer.body.get("activationId") if isinstance(answer.body, dict) else None
        if answer.status in (200, 202) and activation:
            self._went(entry, str(activation))
        elif answer.status == 204:
            self.hold(entry)
        elif answer.status in (401, 403, 404):
            self._disable(self.subscription.name, f"firing was answered {answer.status}: {answer.words}")
        elif answer.status in (400, 413):
            self._dead(entry, {"message": answer.words, "kind": "fire refused", "status": answer.status})
        else:
            self._rate.empty()
            self.slow_down(f"firing was answered {answer.status}: {answer.words}")

    def _went(self, entry: Entry, activation: str) -> None:
        self._backoff.reset()
        self.error = ""
        if self.holding:
            self.holding = False
            self._ledger.release(self.subscription.name)
            log.info("%s has an active rule again", self.subscription.name)
        self._ledger.fired(entry, activation)
        self.confirmer.follow(entry, activation)

    def hold(self, entry: Entry) -> None:
        """No rule was active, so OpenWhisk dropped the fire: keep the event and try one at a time."""
        if not self.subscription.waits_for_rules:
            self._backoff.reset()
            self._ledger.confirmed([entry])
            return
        self._ledger.held(entry)
        if not self.holding:
            log.warning("%s: %s", self.subscription.name, NO_RULE)
        self.holding = True
        self.slow_down(NO_RULE)
