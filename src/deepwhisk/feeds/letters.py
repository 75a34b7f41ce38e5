"""Dead letters: for an event that was given up, an object that says why, for whoever dropped the file.

Law: the ledger gives an event up first, then its letter is written, once, as often as it takes.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import asdict
from typing import Any

from deepwhisk.errors import ObjectExists, StoreError
from deepwhisk.feeds.backoff import Backoff
from deepwhisk.feeds.events import timestamp
from deepwhisk.feeds.ledger import Entry, Ledger
from deepwhisk.feeds.settings import Pace
from deepwhisk.feeds.subscriptions import Place
from deepwhisk.objects.store import Store

log = logging.getLogger("deepwhisk.feeds")

TOGETHER = 50


def letter(entry: Entry) -> dict[str, Any]:
    """What a dead letter says."""
    cause = entry.cause or {}
    return {
        "event": asdict(entry.event),
        "cause": cause,
        "activation": cause.get("activation"),
        "trigger": f"/{entry.subscription}",
        "attempts": entry.attempts,
        "givenUp": timestamp(entry.changed),
    }


class Letters:
    """Writes the dead letters of all subscriptions; `place` says where each one's go."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        threads: Executor,
        place: Callable[[str], Place | None],
        pace: Pace,
    ) -> None:
        self.error = ""
        self._ledger, self._store, self._threads, self._place = ledger, store, threads, place
        self._backoff = Backoff(pace.first_backoff, pace.longest_backoff)
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is a letter to write."""
        self._woken.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            self._woken.clear()
            due = self._ledger.letters_due(TOGETHER)
            if not due:
                await self._woken.wait()
            for entry in due:
                await self._send(entry)

    async def _send(self, entry: Entry) -> None:
        place = self._place(entry.subscription)
        if place is None or await self._written(entry, place):
            self._ledger.letter_sent(entry)
            self._backoff.reset()
            self.error = ""
        else:
            await asyncio.sleep(self._backoff.next())

    async def _written(self, entry: Entry, place: Place) -> bool:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._threads, self._write, entry, place)
        except ObjectExists:
            return True
        except StoreError as error:
            self.error = (
                f"the dead letter of {entry.event.id} could not be written to {place.bucket}: {error}"
            )
            log.warning("%s", self.error)
            return False
        return True

    def _write(self, entry: Entry, place: Place) -> None:
        body = json.dumps(letter(entry), ensure_ascii=False, indent=1).encode()
        key = f"{place.prefix}{entry.event.id}.error.json"
        self._store.put(place.bucket, key, body, content_type="application/json", if_absent=True)
