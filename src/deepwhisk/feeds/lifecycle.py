"""The life of a subscription, as a feed action asks for it: CREATE, READ, UPDATE, DELETE, PAUSE, UNPAUSE.

Law: whoever asks shows the namespace's key, and OpenWhisk says whose it is. CREATE with `startFrom: now`
begins with what arrives after its answer; soon after a DELETE it goes on where that stopped, since a
deployment does both.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

from deepwhisk.errors import FeedError, ObjectMissing, StoreError
from deepwhisk.feeds.alarms.alarm import Alarm
from deepwhisk.feeds.caller import identify
from deepwhisk.feeds.feed import Feed
from deepwhisk.feeds.register import Registered
from deepwhisk.feeds.sources.listing import listed
from deepwhisk.feeds.subscriptions import Subscription, check_circle
from deepwhisk.objects.store import Object

EVENTS = ("CREATE", "READ", "UPDATE", "DELETE", "PAUSE", "UNPAUSE")
OURS = ("lifecycleEvent", "triggerName", "authKey")
SHOWN_LETTERS = 20

MakeBuckets = Callable[[Iterable[str]], object]


class Lifecycle:
    """Does what feed actions ask. One at a time: each may list a whole bucket."""

    def __init__(self, feed: Feed, make_buckets: MakeBuckets | None) -> None:
        self._feed, self._make_buckets = feed, make_buckets
        self._turn = asyncio.Lock()

    async def ask(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do what the arguments of a feed action ask for. Raises FeedError with the reason why not."""
        event = arguments.get("lifecycleEvent")
        if event not in EVENTS:
            raise FeedError(f"lifecycleEvent must be one of {', '.join(EVENTS)} (got {event!r})")
        one = Subscription(*await identify(self._feed.apihost, arguments))
        given = {name: value for name, value in arguments.items() if name not in OURS}
        async with self._turn:
            shown: dict[str, Any] = await getattr(self, f"_{event.lower()}")(one, given)
            return shown

    async def _create(self, one: Subscription, given: dict[str, Any]) -> dict[str, Any]:
        new, old = one.given(given), self._feed.register.find(one.name)
        if old is not None and isinstance(old.subscription, Alarm):
            if old.state != "deleted":
                raise FeedError(f"/{one.name} is fired by an alarm; DELETE that feed first", 409)
            self._feed.register.forget(one.name)
        elif old is not None and (old.state != "deleted" or self._recent(old)):
            return await self._change(old, new)
        return await self._put(new, lambda found: new.start_from == "now")

    async def _update(self, one: Subscription, given: dict[str, Any]) -> dict[str, Any]:
        old = self._existing(one)
        return await self._change(old, self._with_key(old, one).given(given))

    async def _change(self, old: Registered, new: Subscription) -> dict[str, Any]:
        """What the old one matched goes on as it was; what the new one matches beside it begins now."""
        before = _watching(old)
        return await self._put(
            new, lambda found: new.start_from == "now" and not before.matches(found.bucket, found.key)
        )

    async def _put(self, new: Subscription, old_news: Callable[[Object], bool]) -> dict[str, Any]:
        others = (registered.subscription for registered in self._feed.register.all())
        check_circle(new, (other for other in others if isinstance(other, Subscription)))
        await self._find_buckets(new)
        baseline = await self._baseline(new, old_news)
        self._feed.register.put(new, baseline)
        await self._feed.renew(new.name)
        return self._shown(new.name)

    async def _find_buckets(self, new: Subscription) -> None:
        buckets = {new.bucket, *(place.bucket for _, place in new.writes())}
        if self._make_buckets is not None:
            await self._in_thread(self._make_buckets, buckets)
        for bucket in sorted(buckets):
            try:
                await self._in_thread(lambda bucket: next(self._feed.store.list(bucket), None), bucket)
            except ObjectMissing as error:
                raise FeedError(f"there is no bucket {bucket}; make it first", 404) from error

    async def _baseline(self, new: Subscription, old_news: Callable[[Object], bool]) -> Collection[Object]:
        if new.start_from != "now":
            return ()
        pages = listed(self._feed.store, new, self._feed.threads)
        return [found async for page in pages for found in page if old_news(found)]

    async def _in_thread(self, work: Callable[[Any], object], argument: Any) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._feed.threads, work, argument)
        except ObjectMissing:
            raise
        except StoreError as error:
            raise FeedError(f"the store cannot be asked: {error}", 503) from error

    async def _read(self, one: Subscription, given: dict[str, Any]) -> dict[str, Any]:
        self._existing(one)
        flow = self._feed.flows[one.name]
        return {**self._shown(one.name), "deadLetters": flow.dead_letters(SHOWN_LETTERS)}

    async def _delete(self, one: Subscription, given: dict[str, Any]) -> dict[str, Any]:
        self._existing(one)
        return await self._turn_to(one, "deleted")

    async def _pause(self, one: Subscription, given: dict[str, Any]) -> dict[str, Any]:
        self._existing(one)
        return await self._turn_to(one, "paused", "paused by its owner")

    async def _unpause(self, one: Subscription, given: dict[str, Any]) -> dict[str, Any]:
        old = self._existing(one)
        self._feed.register.put(self._with_key(old, one))
        await self._feed.renew(one.name)
        return self._shown(one.name)

    async def _turn_to(self, one: Subscription, state: str, reason: str = "") -> dict[str, Any]:
        self._feed.register.set(one.name, state, reason)
        await self._feed.renew(one.name)
        return self._shown(one.name)

    def _with_key(self, old: Registered, one: Subscription) -> Subscription:
        """The old subscription under the key just shown: an old one may have been renewed."""
        return one.given(_watching(old).config())

    def _existing(self, one: Subscription) -> Registered:
        registered = self._feed.register.find(one.name)
        alarm = registered is not None and isinstance(registered.subscription, Alarm)
        if registered is None or registered.state == "deleted" or alarm:
            raise FeedError(f"there is no feed of the trigger /{one.name}; CREATE one first", 404)
        return registered

    def _recent(self, old: Registered) -> bool:
        return time.time() - old.changed < self._feed.pace.resume

    def _shown(self, name: str) -> dict[str, Any]:
        flow = self._feed.flows.get(name)
        if flow is None:
            return {"trigger": f"/{name}", "status": {"state": "deleted", "active": False}}
        config = flow.registered.subscription.config()
        return {"trigger": f"/{name}", "config": config, "status": flow.status()}


def _watching(registered: Registered) -> Subscription:
    assert isinstance(registered.subscription, Subscription)
    return registered.subscription
