"""Trainings beside each other: what differs in their arguments, their last metrics, the best one marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.markup import escape
from rich.table import Table

from deepwhisk.cli import told
from deepwhisk.cli.training_calls import short
from deepwhisk.errors import SettingsError

BEST = "★"

Training = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Trainings in their order, with what is worth a column."""

    trainings: Sequence[Training]
    arguments: Sequence[str]
    metrics: Sequence[str]
    by: str | None  # the metric or argument that they are sorted by
    best: str | None  # the UUID of the best


def compared(
    trainings: Sequence[Training], by: str | None = None, *, lower: bool | None = None
) -> Comparison:
    """Sorted by a metric, the best first, or by an argument, the least first."""
    metrics = _names(_metrics(each) for each in trainings)
    arguments = _differing(trainings)
    chosen = by or told.main_metric(trainings, metrics)
    if by is not None and by not in [*metrics, *arguments]:
        raise SettingsError(f"There is no {by} to sort by; there are: {', '.join([*metrics, *arguments])}.")
    judged = chosen if chosen in metrics else told.main_metric(trainings, metrics)
    down = lower if lower is not None and judged == chosen else _is_down(judged, trainings)
    ranked = [each for each in trainings if judged in _metrics(each)]
    ranked.sort(key=lambda each: _metrics(each)[str(judged)] * (1 if down else -1))
    rest = [each for each in trainings if each not in ranked]
    order = [*ranked, *rest] if chosen == judged else sorted(trainings, key=lambda e: _order(e, str(chosen)))
    return Comparison(order, arguments, metrics, chosen, ranked[0]["uuid"] if ranked else None)


def table(comparison: Comparison) -> Table:
    """One line a training."""
    made = Table(box=None, pad_edge=False)
    for name in ("", "training", "model", "state", *comparison.arguments):
        made.add_column(escape(name))
    made.add_column("epoch", justify="right")
    for name in comparison.metrics:
        made.add_column(escape(name + (" ↓" if name == comparison.by else "")), justify="right")
    for each in comparison.trainings:
        made.add_row(*_row(each, comparison))
    return made


def as_plain(comparison: Comparison) -> dict[str, Any]:
    """The same for programs."""
    return {
        "by": comparison.by,
        "best": comparison.best,
        "arguments": list(comparison.arguments),
        "metrics": list(comparison.metrics),
        "trainings": list(comparison.trainings),
    }


def _row(each: Training, comparison: Comparison) -> list[str]:
    given, metrics = each.get("arguments") or {}, _metrics(each)
    state = each["state"]
    done = told.share(each, each.get("metrics") or {})
    return [
        f"[green]{BEST}[/]" if each["uuid"] == comparison.best else "",
        short(each["uuid"]),
        escape(each["model"]),
        f"[{told.COLORS.get(state, 'default')}]{state}[/]",
        *(escape(str(given.get(name, ""))) for name in comparison.arguments),
        f"{done[0]}/{done[1]}" if done else str((each.get("metrics") or {}).get("epoch", "")),
        *(told.number(metrics[name]) if name in metrics else "" for name in comparison.metrics),
    ]


def _metrics(training: Training) -> dict[str, float]:
    return told.numbers(training.get("metrics") or {})


def _is_down(metric: str | None, trainings: Sequence[Training]) -> bool:
    return metric is not None and told.is_lower_better(metric, trainings)


def _names(lines: Any) -> list[str]:
    """All names, in the order in which they appear."""
    return list(dict.fromkeys(name for line in lines for name in line))


def _differing(trainings: Sequence[Training]) -> list[str]:
    """Arguments that are not the same in all."""
    given = [each.get("arguments") or {} for each in trainings]
    return [name for name in _names(given) if len({repr(each.get(name)) for each in given}) > 1]


def _order(training: Training, name: str) -> tuple[bool, float, str]:
    """Numbers before texts."""
    value = (training.get("arguments") or {}).get(name)
    if isinstance(value, int | float):
        return False, float(value), ""
    return True, 0.0, str(value)
