"""When a training becomes the version that is served: the rule in a model's metadata.

    on arrival                                 as soon as its artifact is there; so where none is written
    by hand                                    when somebody says so
    when accuracy >= current and loss < 0.5    when its last metrics fit; `current` is what serves now

Law: a rule compares numbers and does nothing else. Where what serves now has no such metric, nothing is lost
by the new one: `current` then holds.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deepwhisk.errors import TrainingError

ARRIVAL, HAND, CURRENT = "on arrival", "by hand", "current"
COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
CONDITION = re.compile(r"([A-Za-z_][\w.-]{0,63})\s*(>=|<=|>|<)\s*(\S+)")
LONGEST = 500  # characters


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; `bound` is None for `current`."""

    metric: str
    sign: str
    bound: float | None

    def refusal(self, metrics: Mapping[str, float], current: Mapping[str, float]) -> str:
        """Why it does not hold; empty when it does."""
        if self.metric not in metrics:
            return f"it tells no {self.metric}; it tells {', '.join(sorted(metrics)) or 'nothing'}"
        bound = current.get(self.metric) if self.bound is None else self.bound
        if bound is None or COMPARE[self.sign](metrics[self.metric], bound):
            return ""
        served = " of what serves now" if self.bound is None else ""
        return f"its {self.metric} of {metrics[self.metric]:g} is not {self.sign} {bound:g}{served}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it was written, and what must hold."""

    text: str
    conditions: tuple[Condition, ...] = ()

    def refusal(
        self, metrics: Mapping[str, float], current: Mapping[str, float], *, hand: bool = False
    ) -> str:
        """Why a training with these metrics is not promoted; empty when it is. HAND: somebody asks for it."""
        if self.text == HAND and not hand:
            return "it is promoted by hand"
        refusals = [condition.refusal(metrics, current) for condition in self.conditions]
        return next(filter(None, refusals), "")


def parse(text: str) -> Rule:
    """The rule that a text is. Raises TrainingError, which says how rules are written."""
    said = " ".join(text.split())
    if said in (ARRIVAL, HAND):
        return Rule(said)
    word, _, rest = said.partition(" ")
    if word != "when" or len(said) > LONGEST:
        raise _unreadable(said)
    return Rule(said, tuple(_condition(part, said) for part in rest.split(" and ")))


def of(metadata: Mapping[str, Any]) -> str:
    """What a model's metadata says, in the words of AI4OS 2.x. Raises TrainingError for what is no rule."""
    found: Any = metadata
    for name in ("resources", "training", "promote"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return ARRIVAL if found is None else parse(str(found)).text


def numbers(metrics: Any) -> dict[str, float]:
    """What a rule can compare: the finite numbers among metrics."""
    if not isinstance(metrics, Mapping):
        return {}
    plain = {name: each for name, each in metrics.items() if type(each) in (int, float)}
    return {str(name): float(each) for name, each in plain.items() if math.isfinite(each)}


def _condition(part: str, said: str) -> Condition:
    found = CONDITION.fullmatch(part.strip())
    if found is None:
        raise _unreadable(said)
    metric, sign, bound = found.groups()
    if bound == CURRENT:
        return Condition(metric, sign, None)
    try:
        number = float(bound)
    except ValueError:
        raise _unreadable(said) from None
    if not math.isfinite(number):
        raise _unreadable(said)
    return Condition(metric, sign, number)


def _unreadable(said: str) -> TrainingError:
    return TrainingError(
        f"{said[:80]!r} says not when to promote; write 'on arrival', 'by hand' or "
        "'when accuracy >= current and loss < 0.5'."
    )
