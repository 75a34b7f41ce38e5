"""The docker command, which knows what `docker login` has kept.

It is followed line by line, and ends with whoever waits for it.
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from deepwhisk.errors import ImageFailed
from deepwhisk.groups import follow, kill

_MISSING = "There is no docker command here: install Docker (on Debian, `apt-get install docker.io`)."
_SILENT = (
    "Docker does not answer: start it, let this user use its socket, or name another in DOCKER_HOST. "
    "It says: {}"
)
_OTHER_STORE = (
    "This Docker keeps its images in containerd, which takes no layers one by one: set "
    '`"features": {"containerd-snapshotter": false}` in its daemon.json.'
)
Progress = Callable[[str], None]


class DockerCommand:
    """Speaks to one daemon. Raises ImageFailed where there is none that can do this."""

    def __init__(self) -> None:
        if shutil.which("docker") is None:
            raise ImageFailed(_MISSING)
        status, told = self._answer("info", "--format", "{{json .DriverStatus}}")
        if status or "ERROR" in told:
            raise ImageFailed(_SILENT.format(told.strip()[-1000:]))
        if "io.containerd.snapshotter" in told:
            raise ImageFailed(_OTHER_STORE)

    def run(self, what: str, progress: Progress, *arguments: str | Path) -> str:
        """Follow a docker command to its end; its last lines. WHAT failed is said if it does."""
        process = subprocess.Popen(
            ["docker", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            tail = follow(process, progress)
        finally:
            kill(process)
        if process.returncode:
            raise ImageFailed(f"{what}. Docker says:\n{tail}")
        return tail

    def ask(self, *arguments: str | Path) -> str:
        """What a short docker command prints."""
        status, told = self._answer(*arguments)
        if status:
            raise ImageFailed(f"`docker {arguments[0]}` failed: {told.strip()[-1000:]}")
        return told.strip()

    def has(self, image: str) -> bool:
        """Whether an image is there."""
        return self._answer("image", "inspect", image)[0] == 0

    @staticmethod
    def _answer(*arguments: str | Path) -> tuple[int, str]:
        done = subprocess.run(
            ["docker", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout if done.returncode == 0 else done.stdout + done.stderr
