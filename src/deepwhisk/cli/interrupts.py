"""Ctrl-C and TERM: both interrupt a command, whatever it is doing, and nothing interrupts its cleaning up.

An exception that a signal raises is lost where Python runs a callback, such as that of a fork; so it is
raised again a second later, unless the command has got as far as cleaning up.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
AGAIN_SECONDS = 1.0


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """The handler of both, and of the alarm that it sets. Raises KeyboardInterrupt."""
    signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
    raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[None]:
    """A signal raises KeyboardInterrupt in the block, until `settle`."""
    previous = {number: signal.signal(number, interrupt) for number in (*SIGNALS, signal.SIGALRM)}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in previous.items():
            if signal.getsignal(number) is interrupt:
                signal.signal(number, handler)


def settle() -> None:
    """From here on the process ends, and no further signal changes that."""
    for number in (*SIGNALS, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def settling() -> Iterator[None]:
    """Whatever comes after the block is cleaning up."""
    try:
        yield
    finally:
        settle()
