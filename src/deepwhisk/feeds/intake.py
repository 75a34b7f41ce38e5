"""The intake: a hint becomes a look at the object, and what is news goes into the ledger.

Law: `hint` is true only when the ledger has committed what there was to see. Hints beyond a bound are
refused, and a listing is asked for in their stead.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor

from deepwhisk.errors import ObjectMissing, StoreError
from deepwhisk.feeds.events import Hint
from deepwhisk.feeds.ledger import Ledger
from deepwhisk.feeds.settings import Pace
from deepwhisk.objects.store import Object, Store

log = logging.getLogger("deepwhisk.feeds")


class Intake:
    """Looks at objects; `watchers` says which subscriptions an object concerns, `news` wakes one of them."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        threads: Executor,
        pace: Pace,
        *,
        watchers: Callable[[str, str], list[str]],
        news: Callable[[str], None],
        list_again: Callable[[str], None],
    ) -> None:
        self.error = ""
        self.overflows = 0
        self._store, self._ledger, self._threads = store, ledger, threads
        self._watchers, self._news, self._list_again = watchers, news, list_again
        self._waiting, self._most = 0, pace.hints

    async def hint(self, hint: Hint) -> bool:
        """Look at an object that a source named. False: not seen, a listing will."""
        if not self._watchers(*hint):
            return True
        if self._waiting >= self._most:
            self.overflows += 1
            self._list_again(hint.bucket)
            return False
        seen = await self.look(hint)
        if not seen:
            self._list_again(hint.bucket)
        return seen

    async def look(self, hint: Hint) -> bool:
        """Look at an object, however many wait. False: the store did not say."""
        self._waiting += 1
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, self._store.head, *hint)
        except ObjectMissing:
            return True
        except StoreError as error:
            self.error = str(error)
            return False
        finally:
            self._waiting -= 1
        self.error = ""
        self._enter(found)
        return True

    def _enter(self, found: Object) -> None:
        for name in self._watchers(found.bucket, found.key):
            if self._ledger.enter(name, found):
                self._news(name)
