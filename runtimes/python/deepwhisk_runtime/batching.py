"""Calls that come while a model works, answered together by its `predict_batch`.

Law: a model at rest is asked at once, and never by two threads at a time. What comes while a batch runs makes
the next one. That waits for more only where more was just under way, and no longer than a tenth of what the
last one took, nor than `LONGEST`. A call that spoils a batch fails alone.
"""

import contextlib
import ctypes
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from deepwhisk_runtime.activation import Gone, never
from deepwhisk_runtime.calling import called, raised
from deepwhisk_runtime.errors import Fault, describe

MOST = 32  # calls of a batch, unless the model says otherwise
LONGEST = 0.005  # seconds that a batch may wait for more calls
SHARE = 0.1  # … in parts of what the last one took
M_ARENA_MAX = -8  # mallopt(3)
LEFT = "Nobody waits for the answer any more."
Arguments: TypeAlias = dict[str, Any]


class Turns:
    """Calls one by one: few models can be asked twice at once."""

    most = 1

    def __init__(self, predict: Callable[..., Any]) -> None:
        self._predict = predict
        self._turn = threading.Lock()

    def call(self, arguments: Arguments, gone: Gone = never) -> Any:
        """The model's answer to one call; a Fault says why there is none."""
        with self._turn:
            if gone():
                raise Fault("predict", LEFT)
            return called("predict", self._predict, arguments)


@dataclass(slots=True, eq=False)
class Waiting:
    """A call in line; whoever waits is woken to take its answer, or to run the next batch."""

    arguments: Arguments
    gone: Gone
    woken: threading.Event = field(default_factory=threading.Event)
    done: bool = False
    answer: Any = None
    fault: BaseException | None = None

    def settle(self, answer: Any) -> None:
        """An exception in the place of an answer is why there is none."""
        if isinstance(answer, BaseException):
            self.fault = answer if isinstance(answer, Fault) else raised("predict", answer)
        else:
            self.answer = answer
        self.done = True


class Batches:
    """The line before one model. One of those who wait runs a batch, its own call included."""

    def __init__(
        self,
        together: Callable[[list[Arguments]], Iterable[Any]],
        alone: Callable[..., Any],
        most: int = MOST,
    ) -> None:
        self.most = most
        self._together = together
        self._alone = alone
        self._lock = threading.Lock()
        self._line: deque[Waiting] = deque()
        self._running = False
        self._enough = threading.Event()  # as many wait as are expected
        self._expected = 1  # calls, as many as were under way together the last time
        self._took = 0.0  # seconds, of the last batch

    def call(self, arguments: Arguments, gone: Gone = never) -> Any:
        """The model's answer to one call; a Fault says why there is none."""
        mine = Waiting(arguments, gone)
        with self._lock:
            self._line.append(mine)
            leads, self._running = not self._running, True
            if len(self._line) >= self._expected:
                self._enough.set()
        if not leads:
            mine.woken.wait()
        if not mine.done:
            self._lead()
        if mine.fault is not None:
            raise mine.fault
        return mine.answer

    def _lead(self) -> None:
        """Run the batch that begins with the call at the head of the line; then wake the next head."""
        self._await_more()
        batch = self._next()
        try:
            begun = time.perf_counter()
            self._run([each for each in batch if not self._has_left(each)])
            self._took = time.perf_counter() - begun
        finally:
            with self._lock:
                self._expected = min(len(batch) + len(self._line), self.most)
                self._running = bool(self._line)
                if self._line:
                    self._line[0].woken.set()
            for each in batch:
                if not each.done:
                    each.settle(Fault("predict", "The batch was interrupted."))
                each.woken.set()

    def _await_more(self) -> None:
        with self._lock:
            if len(self._line) >= self._expected:
                return
            self._enough.clear()
        self._enough.wait(min(LONGEST, SHARE * self._took))

    def _next(self) -> list[Waiting]:
        with self._lock:
            return [self._line.popleft() for _ in range(min(self.most, len(self._line)))]

    def _has_left(self, call: Waiting) -> bool:
        left = call.gone()
        if left:
            call.settle(Fault("predict", LEFT))
        return left

    def _run(self, calls: list[Waiting]) -> None:
        answers = self._answers(calls) if len(calls) > 1 else None
        for number, each in enumerate(calls):
            each.settle(self._answer(each) if answers is None else answers[number])

    def _answers(self, calls: list[Waiting]) -> list[Any] | None:
        """None: the batch failed as a whole, and its calls are to be asked one by one."""
        try:
            answers = list(self._together([each.arguments for each in calls]))
        except (Exception, SystemExit) as error:  # noqa: BLE001 — whoever is to blame fails alone
            print(f"predict_batch of {len(calls)} calls raised {describe(error)}.", file=sys.stderr)
            return None
        if len(answers) != len(calls):
            message = f"predict_batch gave {len(answers)} answers to {len(calls)} calls."
            return [Fault("predict", message) for _ in calls]
        return answers

    def _answer(self, call: Waiting) -> Any:
        try:
            return called("predict", self._alone, call.arguments)
        except Fault as fault:
            return fault


def share_heap() -> None:
    """Let what a call has freed serve the next, in whichever thread: else glibc has a heap for each.

    Of the picture classifier's batches that saves a tenth of the work, which the kernel spends on fresh
    pages; of large pictures, memory for as many as there are threads.
    """
    with contextlib.suppress(AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def line_of(made: Any) -> Turns | Batches:
    """The line before a model; TypeError when what it says of its batches cannot be."""
    together = getattr(made, "predict_batch", None)
    if together is None:
        return Turns(made.predict)
    most = getattr(made, "max_batch", MOST)
    if not callable(together) or type(most) is not int or most < 1:
        raise TypeError(f"predict_batch is a method, and max_batch a number from 1 on (got {most!r})")
    share_heap()
    return Batches(together, made.predict, most)
