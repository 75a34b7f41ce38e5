"""How often and how much a namespace may call: per minute, and at a time."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable

from deepwhisk.engine.limits import Limits
from deepwhisk.engine.problems import Problem


class Throttles:
    """Counts by namespace; a minute is one of the clock."""

    def __init__(self, limits_of: Callable[[str], Limits]) -> None:
        self._limits_of = limits_of
        self._minute = 0
        self._invocations: dict[str, int] = defaultdict(int)
        self._fires: dict[str, int] = defaultdict(int)
        self.in_flight: dict[str, int] = defaultdict(int)
        self.refused: Counter[tuple[str, str]] = Counter()  # by limit, "timed" or "concurrent", and namespace

    def invoke(self, namespace: str) -> None:
        """Counts a request to invoke, whatever is found out about it later, or refuses it."""
        self._turn()
        self._rate(self._invocations, namespace, self._limits_of(namespace).invocations_per_minute)

    def begin(self, namespace: str) -> None:
        """Refuses an invocation while as many as may be are in flight."""
        flying, allowed = self.in_flight[namespace], self._limits_of(namespace).concurrent_invocations
        if flying >= allowed:
            self.refused["concurrent", namespace] += 1
            text = f"Too many concurrent requests in flight (count: {flying + 1}, allowed: {allowed})."
            raise Problem(429, text)

    def fire(self, namespace: str) -> None:
        """Counts a request to fire, whatever is found out about it later, or refuses it."""
        self._turn()
        self._rate(self._fires, namespace, self._limits_of(namespace).fires_per_minute)

    def _turn(self) -> None:
        minute = int(time.time()) // 60
        if minute != self._minute:
            self._minute = minute
            self._invocations.clear()
            self._fires.clear()

    def _rate(self, counts: dict[str, int], namespace: str, allowed: int) -> None:
        counts[namespace] += 1
        if (count := counts[namespace]) > allowed:
            self.refused["timed", namespace] += 1
            raise Problem(429, f"Too many requests in the last minute (count: {count}, allowed: {allowed}).")
