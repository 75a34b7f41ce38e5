"""A flow: what runs for one subscription, and how it stands.

Law: listing and confirming go on whatever the state; only an active subscription fires. An alarm has no
listing: the clock of all alarms enters its ticks.
"""

import asyncio
from typing import Any

from deepwhisk.feeds.alarms.alarm import Alarm
from deepwhisk.feeds.alarms.schedule import show_time
from deepwhisk.feeds.alarms.ticks import Ticks
from deepwhisk.feeds.confirm import Confirmer
from deepwhisk.feeds.dispatcher import NO_RULE, Dispatcher
from deepwhisk.feeds.ledger import Entry, Ledger
from deepwhisk.feeds.register import Registered
from deepwhisk.feeds.sources.listing import Listing
from deepwhisk.feeds.subscriptions import Subscription
from deepwhisk.feeds.tasks import Tasks

LANDING = 5.0  # seconds for the answers of fires that are on their way
STATES = ("new", "held", "fired", "confirmed", "dead", "baseline")


class Flow:
    """One subscription at work."""

    def __init__(
        self,
        registered: Registered,
        ledger: Ledger,
        listing: Listing | None,
        dispatcher: Dispatcher,
        confirmer: Confirmer,
        ticks: Ticks,
    ) -> None:
        self.registered = registered
        self.listing, self.dispatcher, self.confirmer = listing, dispatcher, confirmer
        self._ledger, self._ticks = ledger, ticks
        self._running: list[asyncio.Task[None]] = []

    def start(self, tasks: Tasks) -> None:
        runs = [self.confirmer.run]
        if self.listing is not None:
            runs.append(self.listing.run)
        if self.registered.state == "active":
            runs.append(self.dispatcher.run)
        self._running = [tasks.start(run()) for run in runs]

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.dispatcher.land(LANDING)

    def status(self) -> dict[str, Any]:
        """How the subscription stands; holds no secret."""
        one = self.registered.subscription
        counts = self._ledger.counts(one.name)
        return {
            "name": one.name,
            "active": self.registered.state == "active",
            "state": self.registered.state,
            "reason": self.registered.reason or (NO_RULE if self.dispatcher.holding else ""),
            "counts": {state: counts.get(state, 0) for state in STATES},
            "waiting": counts.get("new", 0) + counts.get("held", 0),
            "lag": round(self._ledger.lag(one.name), 3),
            "lastError": self.dispatcher.error or self.confirmer.error,
            **(self._alarm(one) if isinstance(one, Alarm) else self._watch(one)),
        }

    def _watch(self, one: Subscription) -> dict[str, Any]:
        """Of a bucket."""
        assert self.listing is not None
        listing = self.listing.status()
        error = self.dispatcher.error or self.confirmer.error or listing["error"]
        return {"bucket": one.bucket, "listing": listing, "lastError": error}

    def _alarm(self, one: Alarm) -> dict[str, Any]:
        """Of times; a paused or disabled alarm has none before it."""
        following = self._ticks.find(one.name).next if self.registered.state == "active" else None
        return {"times": one.words, "next": None if following is None else show_time(following)}

    def dead_letters(self, limit: int) -> list[dict[str, Any]]:
        """The latest events that were given up."""
        return [
            _dead(entry) for entry in self._ledger.entries(self.registered.subscription.name, "dead", limit)
        ]


def _dead(entry: Entry) -> dict[str, Any]:
    return {**entry.event.brief, "cause": entry.cause}
