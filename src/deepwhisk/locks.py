"""Locks on files, which end with the process that has them."""

import fcntl


def taken(descriptor: int, how: int = fcntl.LOCK_EX) -> bool:
    """Take the lock of an open file; False where somebody else has one that excludes it."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
