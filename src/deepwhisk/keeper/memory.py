"""What processes use, read from /proc: cheap resident size first, the fair share only near a limit."""

import os
from pathlib import Path

from deepwhisk.keeper.family import family

PAGE = os.sysconf("SC_PAGE_SIZE")


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
