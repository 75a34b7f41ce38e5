"""What an engine that was killed left behind: processes, known by a mark in their environment, and a folder.

A folder of an engine is locked as long as that lives; the next engine removes those that are not.
"""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from deepwhisk.keeper import marked

MARK = "DEEPWHISK_CONTAINERS"  # in the environment of every process below a zygote: that one's folder
_PREFIX = "deepwhisk-"


def claim_folder(parent: Path | None = None) -> tuple[Path, int]:
    """A new folder of this engine's own, and the descriptor whose lock says that it lives."""
    parent = parent or Path(tempfile.gettempdir())
    _remove_left(parent)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    descriptor = os.open(folder / "lock.new", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    # Only now can another engine find it.
    (folder / "lock.new").rename(folder / "lock")
    return folder, descriptor


def _remove_left(parent: Path) -> None:
    for lock in parent.glob(f"{_PREFIX}*/lock"):
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue  # somebody else's, or one whose engine has just removed it
        try:
            if os.fstat(descriptor).st_uid == os.getuid():
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                end_marked(str(lock.parent))
                shutil.rmtree(lock.parent, ignore_errors=True)
        except BlockingIOError:
            continue  # its engine lives
        finally:
            os.close(descriptor)


def end_marked(folder: str) -> None:
    """Kill every process whose environment says that it is of `folder`, and what those start meanwhile."""
    marked.end_marked(MARK, folder)
