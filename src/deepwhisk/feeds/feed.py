"""The feed: all flows and sources over one ledger and one store.

Law: what it does next follows from the ledger alone, so that it may end at any moment.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp

from deepwhisk.feeds.alarms.clock import Clock
from deepwhisk.feeds.alarms.ending import Ending
from deepwhisk.feeds.apihost import Apihost
from deepwhisk.feeds.backoff import Backoff
from deepwhisk.feeds.confirm import Confirmer
from deepwhisk.feeds.database import secure
from deepwhisk.feeds.dispatcher import Dispatcher
from deepwhisk.feeds.flow import Flow
from deepwhisk.feeds.intake import Intake
from deepwhisk.feeds.ledger import Entry, Ledger
from deepwhisk.feeds.letters import Letters
from deepwhisk.feeds.rate import Rates
from deepwhisk.feeds.register import Register, Registered
from deepwhisk.feeds.settings import Pace
from deepwhisk.feeds.source import Source
from deepwhisk.feeds.sources.listing import DAY, Listing
from deepwhisk.feeds.subscriptions import Place, Subscription
from deepwhisk.feeds.tasks import Tasks
from deepwhisk.objects.store import Store

log = logging.getLogger("deepwhisk.feeds")


class Feed:
    """Everything that runs, and the one place that knows all of it."""

    def __init__(
        self,
        database: sqlite3.Connection,
        store: Store,
        session: aiohttp.ClientSession,
        apihost: str,
        pace: Pace,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.pace, self.store, self.database = pace, store, database
        self.threads = ThreadPoolExecutor(pace.look_threads, "look")
        self.tasks = Tasks()
        self.ledger = Ledger(database)
        self.register = Register(database, self.ledger)
        self.apihost = Apihost(apihost, session, pace.fire_timeout)
        self.rates = Rates(self.apihost, pace, self.tasks)
        self.flows: dict[str, Flow] = {}
        self.sources: Sequence[Source] = ()
        self._renewing = asyncio.Lock()
        self.clock = Clock(
            database,
            self.register,
            news=self._wake,
            over=lambda name: self.ending.begin(name),
            flying=self._flying,
            keep=pace.keep_days * DAY,
            now=now,
        )
        self.ending = Ending(
            self.register,
            self.clock.ticks,
            self.apihost,
            self.tasks,
            self.renew,
            lambda: Backoff(pace.first_backoff, pace.longest_backoff),
        )
        self.letters = Letters(self.ledger, store, self.threads, self._letters_of, pace)
        self.intake = Intake(
            store,
            self.ledger,
            self.threads,
            pace,
            watchers=self.watchers,
            news=lambda name: self.flows[name].dispatcher.wake(),
            list_again=self.list_again,
        )

    def start(self, sources: Sequence[Source]) -> None:
        """Go on where the last process ended."""
        self.register.forget_deleted(time.time() - self.pace.keep_days * DAY)
        self.sources = sources
        self.tasks.start(self.letters.run())
        for registered in self.register.all():
            self._begin(registered)
        self._watch()
        self.tasks.start(self.clock.run())

    async def stop(self) -> None:
        await asyncio.gather(*(source.close() for source in self.sources))
        await asyncio.gather(*(flow.stop() for flow in self.flows.values()))
        await self.tasks.stop()
        self.threads.shutdown(wait=True, cancel_futures=True)

    async def renew(self, name: str) -> None:
        """The register has news of a subscription: secure it, and let what runs follow it."""
        secure(self.database)
        async with self._renewing:
            if flow := self.flows.get(name):
                await flow.stop()
            registered = self.register.find(name)
            if registered and registered.state != "deleted":
                self._begin(registered)
            else:
                self.flows.pop(name, None)
            self._watch()
            self.clock.wake()

    def watchers(self, bucket: str, key: str) -> list[str]:
        """The subscriptions that an object concerns."""
        return [one.subscription.name for one in self._listings() if one.subscription.matches(bucket, key)]

    def list_again(self, bucket: str) -> None:
        for listing in self._listings():
            if listing.subscription.bucket == bucket:
                listing.ask()

    def _listings(self) -> Iterator[Listing]:
        return (flow.listing for flow in self.flows.values() if flow.listing is not None)

    def status(self) -> dict[str, Any]:
        """How everything stands; holds no secret."""
        return {
            "apihost": self.apihost.url,
            "subscriptions": [flow.status() for _, flow in sorted(self.flows.items())],
            "sources": {source.name: source.status() for source in self.sources},
            "overflows": self.intake.overflows,
            "lastError": self.intake.error or self.letters.error,
        }

    def _begin(self, registered: Registered) -> None:
        """Make and start the flow of a subscription."""
        one, name = registered.subscription, registered.subscription.name
        listing = None
        if isinstance(one, Subscription):
            listing = Listing(one, self.store, self.ledger, self.threads, self.intake.look, self.pace)
        confirmer = Confirmer(one, self.ledger, self.apihost, self.pace, dead=self._dead)
        rate = self.rates.of(one.namespace, one.auth)
        dispatcher = Dispatcher(
            one, self.ledger, self.apihost, rate, self.pace, dead=self._dead, disable=self._disable
        )
        confirmer.dispatcher, dispatcher.confirmer = dispatcher, confirmer
        self.flows[name] = Flow(registered, self.ledger, listing, dispatcher, confirmer, self.clock.ticks)
        self.flows[name].start(self.tasks)

    def _watch(self) -> None:
        buckets = {listing.subscription.bucket for listing in self._listings()}
        for source in self.sources:
            source.watch(buckets)

    def _wake(self, name: str) -> None:
        """An alarm whose flow has yet to begin looks for itself, then."""
        if flow := self.flows.get(name):
            flow.dispatcher.wake()

    def _flying(self, name: str) -> Collection[str]:
        flow = self.flows.get(name)
        return flow.dispatcher.flying if flow else ()

    def _letters_of(self, name: str) -> Place | None:
        registered = self.register.find(name)
        return registered.subscription.dead_letters if registered else None

    def _dead(self, entry: Entry, cause: dict[str, Any]) -> None:
        self.ledger.dead(entry, cause)
        self.letters.wake()

    def _disable(self, name: str, reason: str) -> None:
        """Stop firing; the rest stays as it is. Several fires may say so, or one that was under way."""
        registered = self.register.find(name)
        if registered and registered.state == "active":
            log.error("%s is disabled: %s", name, reason)
            self.register.set(name, "disabled", reason)
            self.tasks.start(self.renew(name))
