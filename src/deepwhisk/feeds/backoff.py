"""How long to wait before the next try: longer each time, and never in step with others."""

import random
from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Doubles from `first` to `longest` seconds, with jitter; starts anew after a success."""

    first: float
    longest: float
    tries: int = 0

    def next(self) -> float:
        whole = min(self.longest, self.first * 2.0**self.tries)
        self.tries = min(self.tries + 1, 30)
        return whole * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        self.tries = 0
