"""What an engine that was killed left behind: processes, known by a mark in their environment, and a folder.

A folder of an engine is locked as long as that lives; the next engine removes those that are not.
"""

import fcntl
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

MARK = "DEEPWHISK_CONTAINERS"  # in the environment of every process below a zygote: that one's folder
_PREFIX = "deepwhisk-"
_SWEEPS, _PAUSE = 50, 0.01


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
    mark = f"{MARK}={folder}".encode()
    for _ in range(_SWEEPS):
        marked = {int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _is_marked(pid, mark)}
        marked.discard(os.getpid())
        for pid in marked:
            _kill(pid)
        if not marked:
            break
        time.sleep(_PAUSE)


def _is_marked(pid: str, mark: bytes) -> bool:
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    return any(variable == mark or variable.startswith(mark + b"/") for variable in variables)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
