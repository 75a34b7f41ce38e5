"""Activations as they come, from any OpenWhisk.

A record appears when its call has ended, but is listed by when that began. So what was seen is remembered,
and each look takes the newest page, and older ones as long as they hold something new: a long call is missed
only if two hundred others began after it and ended before.
"""

import time
from collections.abc import Iterator
from itertools import count
from typing import Any

from deepwhisk.whisk import PAGE, Whisk

PERIOD = 0.5  # seconds
LONGEST = 3_600_000  # ms: no action runs longer

Record = dict[str, Any]


def newcomers(whisk: Whisk, query: dict[str, Any], since: int) -> Iterator[Record]:
    """Full records, the oldest first, for ever: of what ends after SINCE (ms since the epoch)."""
    seen: dict[str, int] = {}
    while True:
        new = _unseen(whisk, query | {"since": max(0, since - LONGEST)}, seen, since)
        for record in sorted(new.values(), key=lambda each: int(each["start"])):
            seen[record["activationId"]] = record["start"]
            if _end(record) >= since:
                yield record
        border = int(time.time() * 1000) - 2 * LONGEST
        seen = {each: start for each, start in seen.items() if start >= border}
        time.sleep(PERIOD)


def _unseen(whisk: Whisk, query: dict[str, Any], seen: dict[str, int], since: int) -> dict[str, Record]:
    new: dict[str, Record] = {}
    for page in count():
        found = whisk.list("activations", docs=True, usage=True, limit=PAGE, skip=page * PAGE, **query)
        fresh = {each["activationId"]: each for each in found if each["activationId"] not in seen}
        new |= fresh
        if len(found) < PAGE or all(_end(record) < since for record in fresh.values()):
            break
    return new


def _end(record: Record) -> int:
    """A trigger's record has no end."""
    return int(record["end"] if "end" in record else record["start"])
