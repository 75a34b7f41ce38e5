"""The differences that are meant: which parts of which answers, and why."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

DATA = Path(__file__).parent.parent / "data" / "golden"
ALL = "all"


@dataclass(frozen=True)
class Accepted:
    """Some `parts` of `answers` are not as recorded; only where a runtime is missing, if it says so."""

    answers: tuple[str, ...]  # patterns
    parts: frozenset[str]
    reason: str
    without: str | None = None

    def covers(self, answer: str, runtimes: Collection[str]) -> bool:
        here = self.without is None or self.without not in runtimes
        return here and any(fnmatchcase(answer, pattern) for pattern in self.answers)


def read_accepted(recording: str) -> list[Accepted]:
    kept = yaml.safe_load((DATA / "accepted.yaml").read_text(encoding="utf-8"))
    return [
        Accepted(
            tuple(str(answer) for answer in each.pop("answers")), frozenset(each.pop("parts", [ALL])), **each
        )
        for each in kept[recording]
    ]


def judge(recording: str, found: Mapping[str, Collection[str]], runtimes: Collection[str]) -> list[str]:
    """What is wrong with FOUND: differences that nobody accepted, and accepted ones that are not there."""
    accepted = read_accepted(recording)
    return [
        wrong
        for answer, lines in found.items()
        for wrong in _judge(answer, lines, [each for each in accepted if each.covers(answer, runtimes)])
    ]


def _judge(answer: str, lines: Collection[str], accepted: Collection[Accepted]) -> list[str]:
    parts = frozenset[str]().union(*(each.parts for each in accepted))
    differing = {line.partition(": ")[0] for line in lines}
    if ALL in parts:
        return [] if lines else [f"{answer} is accepted as different, and is equal"]
    stale = [f"{answer}: {part} is accepted as different, and is equal" for part in sorted(parts - differing)]
    return [f"{answer}: {line}" for line in lines if line.partition(": ")[0] not in parts] + stale


def unknown(recording: str, answers: Collection[str]) -> list[str]:
    """Patterns of accepted differences that no answer has."""
    return [
        pattern
        for accepted in read_accepted(recording)
        for pattern in accepted.answers
        if not any(fnmatchcase(answer, pattern) for answer in answers)
    ]
