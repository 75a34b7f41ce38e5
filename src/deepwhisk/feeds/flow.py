"""A flow: what runs for one subscription, and how it stands.

Law: listing and confirming go on whatever the state; only an active subscription fires.
"""

import asyncio
from typing import Any

from deepwhisk.feeds.confirm import Confirmer
from deepwhisk.feeds.dispatcher import NO_RULE, Dispatcher
from deepwhisk.feeds.ledger import Entry, Ledger
from deepwhisk.feeds.register import Registered
from deepwhisk.feeds.sources.listing import Listing
from deepwhisk.feeds.tasks import Tasks

STATES = ("new", "held", "fired", "confirmed", "dead", "baseline")


class Flow:
    """One subscription at work."""

    def __init__(
        self,
        registered: Registered,
        ledger: Ledger,
        listing: Listing,
        dispatcher: Dispatcher,
        confirmer: Confirmer,
    ) -> None:
        self.registered = registered
        self.listing, self.dispatcher, self.confirmer = listing, dispatcher, confirmer
        self._ledger = ledger
        self._running: list[asyncio.Task[None]] = []

    def start(self, tasks: Tasks) -> None:
        runs = [self.listing.run, self.confirmer.run]
        if self.registered.state == "active":
            runs.append(self.dispatcher.run)
        self._running = [tasks.start(run()) for run in runs]

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def status(self) -> dict[str, Any]:
        """How the subscription stands; holds no secret."""
        name = self.registered.subscription.name
        counts, listing = self._ledger.counts(name), self.listing.status()
        return {
            "name": name,
            "bucket": self.registered.subscription.bucket,
            "active": self.registered.state == "active",
            "state": self.registered.state,
            "reason": self.registered.reason or (NO_RULE if self.dispatcher.holding else ""),
            "counts": {state: counts.get(state, 0) for state in STATES},
            "waiting": counts.get("new", 0) + counts.get("held", 0),
            "lag": round(self._ledger.lag(name), 3),
            "lastError": self.dispatcher.error or self.confirmer.error or listing["error"],
            "listing": listing,
        }

    def dead_letters(self, limit: int) -> list[dict[str, Any]]:
        """The latest events that were given up."""
        return [
            _dead(entry) for entry in self._ledger.entries(self.registered.subscription.name, "dead", limit)
        ]


def _dead(entry: Entry) -> dict[str, Any]:
    event = entry.event
    return {"id": event.id, "bucket": event.bucket, "key": event.key, "cause": entry.cause}
