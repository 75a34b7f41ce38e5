"""What a run writes while it runs, as its followers read it: lines of metrics, and its log.

Law: both go on over all attempts; a place in them means the same for as long as the training is there.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from deepwhisk.batch.records import Records
from deepwhisk.batch.training import Training
from deepwhisk.batch.view import Known

LINES = 5000  # of metrics in one answer
BYTES = 512 * 1024  # of a log in one answer
CUT = re.compile(rb"\n\[\.\.\. ([0-9]+) bytes are left out here \.\.\.\]\n")


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads what the attempts of a training have written."""

    records: Records

    def metrics(self, training: Training, start: int) -> tuple[list[Any], int]:
        """The lines from START on, of all attempts together, and where to go on."""
        lines: list[Any] = []
        passed = 0
        for number in range(1, training.attempt + 1):
            found = metric_lines(self.records.bytes(training.place.attempt(number).metrics))
            lines += [_marked(line, number) for line in found[max(0, start - passed) :]]
            passed += len(found)
        return lines[:LINES], max(start, passed - max(0, len(lines) - LINES))

    def last(self, known: Known) -> None:
        """Read the last line of metrics anew, unless there will be no other."""
        training = known.training
        if known.final:
            return
        for number in range(training.attempt, 0, -1):
            found = metric_lines(self.records.bytes(training.place.attempt(number).metrics))
            if found and isinstance(found[-1], dict):
                known.metrics = found[-1]
                break
        known.final = training.phase.ended

    def log(self, training: Training, start: int) -> tuple[str, int]:
        """The log from a byte on, of all attempts together, and where to go on."""
        begin = 0
        for number in range(1, training.attempt + 1):
            said = Stream.of(self.records.bytes(training.place.attempt(number).log) or b"")
            if start < begin + said.length:
                text, place = said.read(start - begin)
                return text, begin + place
            begin += said.length
        return "", start

    def environment(self, training: Training) -> dict[str, Any] | None:
        """What the last attempt that told of its environment told."""
        for number in range(training.attempt, 0, -1):
            if found := self.records.json(training.place.attempt(number).environment):
                return found
        return None


@dataclass(frozen=True, slots=True)
class Stream:
    """A log whose middle may be left out; places are those of the whole."""

    head: bytes
    left_out: int
    tail: bytes
    mark: bytes

    @classmethod
    def of(cls, said: bytes) -> "Stream":
        found = CUT.search(said)
        if found is None:
            return cls(said, 0, b"", b"")
        return cls(said[: found.start()], int(found[1]), said[found.end() :], found[0])

    @property
    def length(self) -> int:
        return len(self.head) + self.left_out + len(self.tail)

    def read(self, start: int) -> tuple[str, int]:
        """Text from a place on, at most BYTES of it, and where it ends; no half of a character."""
        if start < len(self.head):
            part = _whole(
                self.head[start : start + BYTES], start + BYTES < len(self.head) or not self.left_out
            )
            return part.decode(errors="replace"), start + len(part)
        after = max(0, start - len(self.head) - self.left_out)
        part = _whole(self.tail[after : after + BYTES], True)
        mark = self.mark if self.left_out and start < len(self.head) + self.left_out else b""
        place = len(self.head) + self.left_out + after + len(part)
        return (mark + part).decode(errors="replace"), place


def metric_lines(said: bytes | None) -> list[Any]:
    """The lines that are whole; one that is no JSON stands as the text it is."""
    if not said:
        return []
    return [_line(line) for line in said.decode(errors="replace").splitlines() if line.strip()]


def _line(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return {"value": line}


def _marked(line: Any, attempt: int) -> Any:
    return {**line, "attempt": attempt} if isinstance(line, dict) and attempt > 1 else line


def _whole(part: bytes, more: bool) -> bytes:
    """Without the beginning of a character whose end is still to come."""
    for back in range(1, min(4, len(part)) + 1) if more else ():
        lead = part[-back]
        if lead >= 0xC0:
            need = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
            return (part[:-back] or part) if need > back else part
        if lead < 0x80:
            break
    return part
