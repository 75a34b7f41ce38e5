"""Measurements, each beside what it is compared with, in one run: these machines are noisy, ratios last."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of docs/performance.md."""

    measure: str
    ours: str
    beside: str  # what it is compared with, and its figure in the same run
    ratio: str
    bar: str
    met: bool
