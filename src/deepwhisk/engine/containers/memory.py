"""What a container uses, read from /proc: cheap resident size first, the fair share only near a limit."""

import os
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


def family(leader: int) -> list[int]:
    """A process and all its descendants."""
    members = [leader]
    for pid in members:
        members.extend(_children(pid))
    return members


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found.extend(map(int, _read(f"/proc/{pid}/task/{thread}/children").split()))
    except (FileNotFoundError, ProcessLookupError):
        return found  # it has just ended
    return found


def resident(pids: list[int]) -> int:
    """Upper bound in bytes: pages shared with the zygote count in full."""
    return sum(int((_read(f"/proc/{pid}/statm") or b"0 0").split()[1]) for pid in pids) * PAGE


def proportional(pids: list[int]) -> int:
    """Bytes, where a page that n processes share counts as one n-th."""
    total = 0
    for pid in pids:
        _, _, after = _read(f"/proc/{pid}/smaps_rollup").partition(b"\nPss:")
        total += int(after.split(None, 1)[0]) << 10 if after else 0
    return total


def exceeds(leader: int, limit: int) -> bool:
    members = family(leader)
    return resident(members) > limit and proportional(members) > limit


def machine() -> int:
    """Bytes of memory that this machine, or the control group it grants us, has."""
    total = os.sysconf("SC_PHYS_PAGES") * PAGE
    granted = _read("/sys/fs/cgroup/memory.max").strip()
    return min(total, int(granted)) if granted.isdigit() else total


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
