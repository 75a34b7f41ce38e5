"""Being told to end, at any moment: a signal's handler runs in the middle of what waits for it."""

import sys
from itertools import count
from types import FrameType
from typing import Any

import pytest

from deepwhisk_runtime.batch import patience
from deepwhisk_runtime.batch.patience import Stop


class Clock:
    """Nothing takes time but to sleep."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "time", Clock())


def told_at(line: int, stop: Stop) -> bool:
    """Wait, and be told before that line of all that the wait executes; whether there was one."""
    lines = count(1)

    def look(frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line" and next(lines) == line:
            stop.tell("SIGTERM")
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        stop.wait(0.001)
    finally:
        sys.settrace(before)
    return next(lines) > line


def test_a_signal_between_any_two_lines_of_a_wait_is_heard_and_never_waited_for_by_itself() -> None:
    stops = [Stop(grace=1)]
    while told_at(len(stops), stops[-1]):
        assert stops[-1].wait(0)
        stops.append(Stop(grace=1))
    assert len(stops) > 4
