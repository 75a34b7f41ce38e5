"""Who descends from a process."""

import os
from pathlib import Path


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
            found.extend(map(int, Path(f"/proc/{pid}/task/{thread}/children").read_bytes().split()))
    except (FileNotFoundError, ProcessLookupError):
        return found  # it has just ended
    return found
