"""Trying again: until it works, the time is over, or the job is told to end."""

import itertools
import signal
import time
from collections.abc import Callable
from typing import TypeVar

from deepwhisk_runtime.batch.errors import Away, Failed, Interrupted, Shut

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
LOOK_SECONDS = 0.05
SECONDS = 600.0  # in which a store may be away
RENEWALS = 4  # after which a link is not right, rather than old; what is to be kept is tried for longer
Given = TypeVar("Given")


class Stop:
    """Whether the job is told to end, why, and until when it may take its time.

    Law: there is no lock in it. A signal's handler runs in the middle of whatever the main thread does, and
    would wait for ever for a lock which that holds, such as an Event's.
    """

    def __init__(self, grace: float) -> None:
        self.grace = grace
        self.reason = ""
        self.until = float("inf")
        self._told = False

    def tell(self, reason: str) -> None:
        """End, please; only the first counts."""
        if not self._told:
            self.reason, self.until = reason, time.monotonic() + self.grace
            self._told = True

    def __bool__(self) -> bool:
        return self._told

    def wait(self, seconds: float) -> bool:
        """Whether it is told within that time."""
        end = time.monotonic() + seconds
        while not self._told and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_SECONDS))
        return self._told

    def check(self) -> None:
        """Raise Interrupted when it is told."""
        if self:
            raise Interrupted(self.reason)

    def listen(self) -> None:
        """Take the signals that mean it, also those that came before."""
        kept = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
        for number in kept:
            signal.signal(number, lambda got, frame: self.tell(signal.Signals(got).name))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, kept)


def persist(
    phase: str,
    act: Callable[[], Given],
    stop: Stop,
    renew: Callable[[], None],
    *,
    seconds: float = SECONDS,
    until_end: bool = False,
) -> Given:
    """What `act` gives in the end; Failed when it is not to be had in that time.

    With `until_end` a job that is told to end goes on trying for as long as it may live.
    """
    until, shut = time.monotonic() + seconds, 0
    for wait in itertools.chain(PAUSES, itertools.repeat(PAUSES[-1])):
        try:
            return act()
        except Away as error:
            reason = str(error)
        except Shut as error:
            reason, shut = str(error), shut + 1
            renew()
        if not until_end:
            stop.check()
        if time.monotonic() > min(until, stop.until) or (shut > RENEWALS and not until_end):
            raise Failed(phase, f"{reason}; given up.")
        pause(wait, stop, until_end)
    raise AssertionError("unreachable")


def pause(seconds: float, stop: Stop, until_end: bool) -> None:
    """Wait; the end is not slept through."""
    if not until_end:
        stop.wait(seconds)
    else:
        time.sleep(min(seconds, max(stop.until - time.monotonic(), 0.05)))
