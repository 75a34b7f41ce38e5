"""Numbers as lines of text: a bar of progress, a sparkline, a small plot.

Block characters only: they need no color and look the same in a pipe.
"""

import itertools
import math
from collections.abc import Sequence

EIGHTHS = " ▁▂▃▄▅▆▇█"
WIDTH, HEIGHT = 60, 8


def bar(done: float, width: int = 20) -> str:
    """A share between 0 and 1, to an eighth of a character."""
    eighths = round(min(max(done, 0.0), 1.0) * width * 8)
    partial = " ▏▎▍▌▋▊▉"[eighths % 8] if eighths % 8 else ""
    return ("█" * (eighths // 8) + partial).ljust(width, "·")


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """The course of numbers in one line, from the least to the most of them."""
    points = _thinned([value for value in values if math.isfinite(value)], width)
    if not points:
        return ""
    low, span = _range(points)
    return "".join(EIGHTHS[1 + round((point - low) / span * 7)] for point in points)


def plot(values: Sequence[float], width: int = WIDTH, height: int = HEIGHT) -> list[str]:
    """Columns between the least and the most, with both written beside; the time goes to the right."""
    points = _thinned([value for value in values if math.isfinite(value)], width)
    if not points:
        return []
    low, span = _range(points)
    levels = [1 + round((point - low) / span * (height * 8 - 1)) for point in points]
    rows = [
        "".join(EIGHTHS[min(max(level - 8 * row, 0), 8)] for level in levels).rstrip()
        for row in reversed(range(height))
    ]
    labels = {0: f"{max(points):.4g}", height - 1: f"{low:.4g}"}
    margin = max(map(len, labels.values()))
    return [f"{labels.get(number, ''):>{margin}} │{row}" for number, row in enumerate(rows)]


def _range(points: Sequence[float]) -> tuple[float, float]:
    """The least, and how far the most is above it; numbers that are all alike lie on the ground."""
    return min(points), (max(points) - min(points)) or 1.0


def _thinned(values: Sequence[float], width: int) -> list[float]:
    """At most WIDTH numbers: each the mean of its neighbors."""
    if len(values) <= width:
        return list(values)
    edges = [round(number * len(values) / width) for number in range(width + 1)]
    return [math.fsum(values[a:b]) / (b - a) for a, b in itertools.pairwise(edges)]
