"""A training in words: its state, its progress, its numbers, which of two is better."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from deepwhisk.cli.plot import bar

Line = dict[str, Any]
Training = dict[str, Any]

COUNTS = frozenset({"epoch", "epochs", "step", "steps", "attempt", "index", "time", "seconds"})
"""What tells where a line stands, not how good the model is."""
COLORS = {
    "done": "green",
    "running": "cyan",
    "error": "red",
    "refused": "red",
    "lost": "red",
    "cancelled": "yellow",
    "requeued": "yellow",
    "unreachable": "yellow",
}
DOWN = re.compile(r"loss|error|mae|mse|rmse|perplexity|distance|wer|cer", re.IGNORECASE)
RULE = re.compile(r"([\w.-]+)\s*(>=|>|<=|<)")


def numbers(line: Line) -> dict[str, float]:
    """The metrics of a line: whatever is a number and counts nothing."""
    return {
        name: float(value)
        for name, value in line.items()
        if type(value) in (int, float) and name.lower() not in COUNTS
    }


def number(value: float) -> str:
    return f"{value:.4g}"


def share(training: Training, last: Line) -> tuple[int, int] | None:
    """The epoch that is done, and of how many; None where that is not known."""
    total = training.get("epochs") or last.get("epochs") or (training.get("arguments") or {}).get("epochs")
    done = last.get("epoch")
    try:
        return None if done is None or total is None else (int(done), int(total))
    except (TypeError, ValueError):
        return None


def progress(training: Training, last: Line, width: int = 20) -> str:
    """`epoch 3 of 20 ███···`, or as much of it as is known."""
    known = share(training, last)
    if known is not None and known[1] > 0:
        return f"epoch {known[0]} of {known[1]} {bar(known[0] / known[1], width)}"
    return f"epoch {last['epoch']}" if "epoch" in last else ""


def where(training: Training) -> str:
    """`running on n1 (site cluster, job 4711)`, and why it is so when there is a reason."""
    node = f" on {training['node']}" if training.get("node") else ""
    place = [f"{word} {training[word]}" for word in ("site", "handle") if training.get(word)]
    attempt = training.get("attempt") or 1
    place += [f"attempt {attempt}"] if attempt > 1 else []
    reason = f": {training['reason']}" if training.get("reason") else ""
    told = f" ({', '.join(place)})" if place else ""
    return f"{training['state']}{node}{told}{reason}"


def values(line: Line) -> str:
    """`epoch 3  loss 0.21  accuracy 0.94`."""
    count = [f"{name} {line[name]}" for name in ("epoch", "step") if name in line]
    return "  ".join(count + [f"{name} {number(value)}" for name, value in numbers(line).items()])


def moment(text: str | None) -> str:
    """A moment of the store, in this machine's time."""
    if not text:
        return ""
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone().strftime("%m-%d %H:%M:%S")


def duration(training: Training) -> str:
    """From its beginning to its end, or until now."""
    if not training.get("begun"):
        return ""
    begun, ended = datetime.fromisoformat(training["begun"]), training.get("ended")
    until = datetime.fromisoformat(ended) if ended else datetime.now(begun.tzinfo)
    minutes, seconds = divmod(max(0, round((until - begun).total_seconds())), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def main_metric(trainings: Sequence[Training], names: Sequence[str]) -> str | None:
    """What is looked at first: what a promotion asks for, else accuracy, else what the model named last."""
    rules = (RULE.search(str(each.get("promote") or "")) for each in trainings)
    asked = [found[1] for found in rules if found and found[1] in names]
    likely = [name for name in names if "accuracy" in name.lower()]
    likely.sort(key=lambda name: not name.lower().startswith("val"))  # on what it has not learnt from
    return next(iter([*asked, *likely, *reversed(names)]), None)


def is_lower_better(metric: str, trainings: Sequence[Training] = ()) -> bool:
    """As the rule of a promotion says, else as the name does."""
    for each in trainings:
        found = RULE.search(str(each.get("promote") or ""))
        if found and found[1] == metric:
            return found[2].startswith("<")
    return DOWN.search(metric) is not None
