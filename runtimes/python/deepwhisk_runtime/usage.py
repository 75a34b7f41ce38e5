"""What a call used of the machine: the header that every answer of a container carries.

Measured where the call runs, in some ten microseconds; whoever drives the container need not look into it.
Children count once the action has waited for them (getrusage(2)). The peak of memory is that of this call
where the kernel lets it be set back (proc(5), clear_refs), else of the process so far. getrusage(2) tells it
fastest, but also counts what was before the last exec(2): where that is more, /proc is read instead.
"""

import os
import resource
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

HEADER = "X-Deepwhisk-Usage"
KIBIBYTE = 1024
_RESET_PEAK = b"5"
_SLACK = 1024  # KiB


class Usage:
    """Measures one call after the other."""

    def __init__(self) -> None:
        self._clear = _open_clear_refs()
        self._cpu = 0.0
        self._inherited = getrusage(RUSAGE_SELF).ru_maxrss > _high_water() + _SLACK

    def begin(self) -> None:
        """A call begins."""
        if self._clear is not None:
            try:
                os.write(self._clear, _RESET_PEAK)
            except OSError:  # an action may close all descriptors that it finds
                self._clear = None
        self._cpu = _seconds(getrusage(RUSAGE_SELF)) + _seconds(getrusage(RUSAGE_CHILDREN))

    def end(self) -> str:
        """The header, with its end of line: processor time in seconds, the most memory in bytes."""
        own, children = getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN)
        cpu = _seconds(own) + _seconds(children) - self._cpu
        peak = max(_high_water() if self._inherited else own.ru_maxrss, children.ru_maxrss) * KIBIBYTE
        return f"{HEADER}: cpu={cpu:.6f}, memory={peak}\r\n"

    def close(self) -> None:
        """Let go of what is open."""
        if self._clear is not None:
            os.close(self._clear)


def _high_water() -> int:
    """The peak of this process since it was set back, in KiB; 0 where there is no /proc."""
    try:
        with open("/proc/self/status", "rb") as status:
            return next((int(line.split()[1]) for line in status if line.startswith(b"VmHWM")), 0)
    except OSError:
        return 0


def _seconds(used: resource.struct_rusage) -> float:
    return used.ru_utime + used.ru_stime


def _open_clear_refs() -> int | None:
    """None where the kernel does not have it, or a sandbox keeps it away."""
    try:
        descriptor = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
        os.write(descriptor, _RESET_PEAK)
    except OSError:
        return None
    return descriptor
