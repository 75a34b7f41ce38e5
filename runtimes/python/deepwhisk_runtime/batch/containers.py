"""The containers that a site may want its jobs in: the same command, wrapped.

docker, udocker, apptainer   the model's image, which holds its environment and weights
bubblewrap                   the environment made here, seeing of the machine only what it needs, to read

Law: a model in a container writes into the folder of its attempt and nowhere else; what a container has
started ends with it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepwhisk_runtime.batch.errors import Failed

ANY = "any"
OWN = (
    "PYTHONPATH",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
    "TMPDIR",
    "DEEPWHISK_OUT",
    "DEEPWHISK_ARTIFACT",
)
HANDED = (*OWN, "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")
INSIDE = ["python", "-m", "deepwhisk_runtime.batch.work"]
UDOCKER = ["udocker", *(["--allow-root"] if os.geteuid() == 0 else []), "--quiet"]
ASKING_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to run: `folder` may be written to, `shown` be read."""

    name: str
    image: str | None
    folder: Path
    shown: Sequence[Path]
    variables: Mapping[str, str]
    gpus: bool

    def given(self) -> list[tuple[str, str]]:
        """The variables that a container gets."""
        return [(name, self.variables[name]) for name in HANDED if name in self.variables]


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A command, and one for when it has ended, however it did."""

    command: list[str]
    after: list[str]


def docker(wanted: Wanted) -> Wrapped:
    """Docker ends a container only when it is told to: its command is but a client."""
    command = ["docker", "run", "--rm", "--name", wanted.name, "--network", "host"]
    command += ["--user", f"{os.getuid()}:{os.getgid()}", "--workdir", str(wanted.folder / "here")]
    command += [f"--volume={wanted.folder}:{wanted.folder}"]
    command += [f"--volume={path}:{path}:ro" for path in wanted.shown]
    command += [f"--env={name}={value}" for name, value in wanted.given()]
    command += ["--gpus=all"] if wanted.gpus else []
    command += ["--entrypoint", INSIDE[0], str(wanted.image), *INSIDE[1:], str(wanted.folder)]
    return Wrapped(command, ["docker", "rm", "--force", wanted.name])


def udocker(wanted: Wanted) -> Wrapped:
    """Without privilege and without a daemon; its containers have the network of the machine."""
    # Where it leaves files if it is killed, and its own proot; Debian's leaves a small one in /tmp.
    command = ["env", f"UDOCKER_TMP={wanted.folder}", f"PROOT_TMP_DIR={wanted.folder}"]
    command += [*UDOCKER, "run", "--nobanner", "--rm", f"--name={wanted.name}"]
    command += [f"--workdir={wanted.folder / 'here'}", f"--entrypoint={INSIDE[0]}"]
    command += [f"--volume={path}:{path}" for path in (wanted.folder, *wanted.shown)]
    command += [f"--env={name}={value}" for name, value in wanted.given()]
    command += [str(wanted.image), *INSIDE[1:], str(wanted.folder)]
    return Wrapped(command, [*UDOCKER, "rm", "-f", wanted.name])


def apptainer(wanted: Wanted) -> Wrapped:
    """As high-performance clusters have it."""
    command = ["apptainer", "exec", "--cleanenv", "--containall", "--pwd", str(wanted.folder / "here")]
    command += [f"--bind={wanted.folder}", *(f"--bind={path}:{path}:ro" for path in wanted.shown)]
    command += [f"--env={name}={value}" for name, value in wanted.given()]
    command += ["--nv"] if wanted.gpus else []
    return Wrapped([*command, f"docker://{wanted.image}", *INSIDE, str(wanted.folder)], [])


def bubblewrap(wanted: Wanted, command: Sequence[str]) -> Wrapped:
    """The command itself: it reads the machine but nobody's home, and has processes of its own."""
    sandbox = ["bwrap", "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    sandbox += ["--ro-bind", "/", "/", "--dev-bind", "/dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
    home = Path(os.path.expanduser("~"))
    sandbox += ["--tmpfs", str(home)] if home.is_dir() and home != Path("/") else []
    for path in (Path(sys.base_prefix), *wanted.shown):
        sandbox += ["--ro-bind", str(path), str(path)]
    sandbox += ["--bind", str(wanted.folder), str(wanted.folder), "--chdir", str(wanted.folder / "here")]
    return Wrapped([*sandbox, *command], [])


OF_IMAGES: dict[str, Callable[[Wanted], Wrapped]] = {
    "docker": docker,
    "udocker": udocker,
    "apptainer": apptainer,
}


def wraps_image(kind: str | None) -> bool:
    """Whether the model's image takes the place of an environment made here."""
    return kind in OF_IMAGES


def chosen(kind: str | None, image: str | None) -> str | None:
    """The sort of container that is wanted; Failed says what is missing. Any may be none."""
    if kind == ANY:
        return next((each for each in (*OF_IMAGES, "bubblewrap") if lack(each, image) is None), None)
    if kind and (why := lack(kind, image)):
        raise Failed("environment", f"The site wants its jobs in {kind}, which cannot be had here: {why}.")
    return kind


def lack(kind: str, image: str | None) -> str | None:
    """Why a sort of container cannot be had here, if so."""
    program = "bwrap" if kind == "bubblewrap" else kind
    if kind != "bubblewrap" and kind not in OF_IMAGES:
        return f"it is not known; known are {', '.join(OF_IMAGES)}, bubblewrap and {ANY}"
    if kind in OF_IMAGES and image is None:
        return "the model has no image"
    if shutil.which(program) is None:
        return f"{program} is not on PATH"
    trial = {
        "docker": ["docker", "version", "--format", "{{.Server.Version}}"],
        "udocker": [*UDOCKER, "version"],
        "bubblewrap": ["bwrap", "--ro-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "true"],
    }.get(kind, [program, "--version"])
    return failure(trial)


def failure(command: list[str]) -> str | None:
    """The last line that a command says when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASKING_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return None if done.returncode == 0 else (said[-1] if said else f"exit code {done.returncode}")
