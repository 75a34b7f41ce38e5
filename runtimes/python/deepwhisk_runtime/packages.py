"""What an action's requirements.txt asks for, where nobody else sees to it.

The engine makes environments before containers that are processes; an image whose containers have to do it
themselves, as those of OpenWhisk do, says so with `DEEPWHISK_INSTALL=1`.
"""

import os
import subprocess
import sys
from pathlib import Path

from deepwhisk_runtime.errors import Refused

INSTALL = "DEEPWHISK_INSTALL"
FAILED = "The packages that the action asks for cannot be installed. See logs for details."


def install(folder: Path) -> None:
    """Before the code is loaded, within the time limit of its init; Refused when they cannot be had."""
    wanted = folder / "requirements.txt"
    if os.environ.get(INSTALL) != "1" or not wanted.is_file() or (folder / "virtualenv").is_dir():
        return
    target = folder / ".packages"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--no-cache-dir"]
    command += ["--target", str(target), "--requirement", wanted.name]
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        raise Refused(502, FAILED)
    sys.path.insert(0, str(target))
