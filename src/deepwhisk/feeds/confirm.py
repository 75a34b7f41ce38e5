"""The confirmer of one subscription: it follows each fire to the end of the actions that it started.

Law: a fire is over only with a verdict in the ledger. What leaves no outcome in time is fired again, a
limited number of times, then dead; whatever was open when the process ended is followed again at the next
start.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from deepwhisk.errors import WhiskUnreachable
from deepwhisk.feeds.apihost import Apihost
from deepwhisk.feeds.backoff import Backoff
from deepwhisk.feeds.ledger import Entry, Ledger
from deepwhisk.feeds.outcome import Started, Verdict, judge, missing, started
from deepwhisk.feeds.records import Records
from deepwhisk.feeds.register import Subscribed
from deepwhisk.feeds.settings import Pace
from deepwhisk.feeds.tasks import woken

log = logging.getLogger("deepwhisk.feeds")

YOUNG = 30.0  # seconds that a fire is looked at often: most actions end by then
OFTEN = 0.5
GROWTH = 1.6
SINGLE_EVERY = 4  # looks: then even what lists do not show is asked for
TOGETHER = 200  # looks with the same few requests
RECORD_PATIENCE = 30.0  # seconds until a trigger's own activation must show


@dataclass(slots=True)
class Open:
    """A fire whose outcome is not known yet."""

    entry: Entry
    activation: str
    fired: float  # epoch
    due: float  # monotonic
    looks: int = 0
    rules: list[Started] | None = None
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    deadline: float | None = None  # epoch

    @property
    def wanted(self) -> set[str]:
        """The activations of actions that have not been seen."""
        ids = {rule.activation for rule in self.rules or () if rule.activation}
        return ids - self.records.keys()


class Dispatches(Protocol):
    """Who fires."""

    def wake(self) -> None: ...
    def hold(self, entry: Entry) -> None: ...
    def slow_down(self, error: str) -> None: ...


class Confirmer:
    """Follows one subscription's fires; `dead` is told which events were given up."""

    dispatcher: Dispatches

    def __init__(
        self,
        subscription: Subscribed,
        ledger: Ledger,
        apihost: Apihost,
        pace: Pace,
        *,
        dead: Callable[[Entry, dict[str, Any]], None],
    ) -> None:
        self.subscription = subscription
        self.error = ""
        self._ledger, self._apihost, self._pace = ledger, apihost, pace
        self._dead = dead
        self._records = Records(apihost, subscription.auth)
        self._backoff = Backoff(pace.first_backoff, pace.longest_backoff)
        self._open: dict[str, Open] = {}
        self._woken = asyncio.Event()
        for entry in ledger.entries(subscription.name, "fired"):
            self._follow(entry, entry.activation or "", entry.changed, 0.0)

    def room(self) -> bool:
        """Whether one more fire can be followed."""
        return len(self._open) < self._pace.unconfirmed

    def follow(self, entry: Entry, activation: str) -> None:
        """This fire went out just now."""
        self._follow(entry, activation, time.time(), self._pace.first_look)
        self._woken.set()

    def _follow(self, entry: Entry, activation: str, fired: float, wait: float) -> None:
        self._open[entry.event.id] = Open(entry, activation, fired, time.monotonic() + wait)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            self._woken.clear()
            now = time.monotonic()
            if due := [one for one in self._open.values() if one.due <= now]:
                await self._attempt(due[:TOGETHER])
                await asyncio.sleep(self._pace.first_look)  # so that the next look is at many
            else:
                await self._sleep()

    async def _sleep(self) -> None:
        soonest = min((one.due for one in self._open.values()), default=None)
        timeout = None if soonest is None else max(0.02, soonest - time.monotonic())
        await woken(self._woken, timeout)

    async def _attempt(self, due: list[Open]) -> None:
        try:
            await self._look(due)
        except WhiskUnreachable as error:
            self.error = str(error)
            again = time.monotonic() + self._backoff.next()
            for one in due:
                one.due = again
        else:
            self.error = ""
            self._backoff.reset()

    async def _look(self, due: list[Open]) -> None:
        single = any(one.looks % SINGLE_EVERY == SINGLE_EVERY - 1 or self._late(one) for one in due)
        await self._see_rules([one for one in due if one.rules is None], single)
        await self._see_outcomes([one for one in due if one.wanted], single)
        good = []
        for one in due:
            verdict = self._verdict(one)
            if verdict is None:
                self._postpone(one)
            elif verdict.kind == "confirmed":
                good.append(one)
            else:
                self._settle(one, verdict)
        self._confirm(good)

    async def _see_rules(self, due: list[Open], single: bool) -> None:
        if not due:
            return
        wanted, since = {one.activation for one in due}, min(one.fired for one in due)
        found = await self._records.triggers(self.subscription.trigger, wanted, since, single=single)
        for one in due:
            if record := found.get(one.activation):
                rules = started(record)
                one.deadline = one.fired + await self._patience(rules)
                one.rules = rules

    async def _see_outcomes(self, due: list[Open], single: bool) -> None:
        if not due:
            return
        wanted = set().union(*(one.wanted for one in due))
        found = await self._records.actions(wanted, min(one.fired for one in due), single=single)
        for one in due:
            one.records |= {identifier: found[identifier] for identifier in one.wanted & found.keys()}

    async def _patience(self, rules: list[Started]) -> float:
        """The actions' limits, for init and for run, and what a container may let them wait."""
        actions = {rule.action for rule in rules if rule.activation}
        limits = [await self._apihost.time_limit(self.subscription.auth, action) for action in actions]
        return 2 * max(limits, default=0.0) + self._pace.margin

    def _verdict(self, one: Open) -> Verdict | None:
        verdict = judge(one.rules, one.records) if one.rules is not None else None
        if verdict is None and self._late(one):
            return missing(one.rules, one.activation)
        return verdict

    def _late(self, one: Open) -> bool:
        deadline = one.fired + RECORD_PATIENCE if one.deadline is None else one.deadline
        if one.fired < self._apihost.last_outage:
            deadline = min(deadline, self._apihost.last_outage + self._pace.outage_grace)
        return time.time() > deadline

    def _postpone(self, one: Open) -> None:
        one.looks += 1
        young = time.time() - one.fired < YOUNG
        longest = OFTEN if young else self._pace.slowest_look
        one.due = time.monotonic() + min(longest, self._pace.first_look * GROWTH**one.looks)

    def _confirm(self, good: list[Open]) -> None:
        if good:
            self._ledger.confirmed([one.entry for one in good])
            self._close(good)

    def _settle(self, one: Open, verdict: Verdict) -> None:
        entry = one.entry
        if verdict.kind == "held":
            self.dispatcher.hold(entry)
        elif verdict.kind == "throttled":
            self.dispatcher.slow_down(str(verdict.cause["message"]))
            self._again(one, verdict, counted=False)
        elif verdict.kind == "again" and self.subscription.worth_again(entry.attempts, verdict.cause):
            self._again(one, verdict, counted=True)
        else:
            log.warning("%s gave up %s: %s", entry.subscription, entry.event.brief, verdict.cause)
            self._dead(entry, verdict.cause)
        self._close([one])

    def _again(self, one: Open, verdict: Verdict, *, counted: bool) -> None:
        wait = Backoff(1.0, self._pace.longest_backoff, one.entry.attempts * 2).next()
        self._ledger.again(one.entry, time.time() + wait, verdict.cause, counted=counted)

    def _close(self, settled: list[Open]) -> None:
        for one in settled:
            del self._open[one.entry.event.id]
        self.dispatcher.wake()
