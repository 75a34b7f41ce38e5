"""Environments of actions and models: the packages and weights they ask for, made by uv, kept by digest.

Law: a folder under its digest is complete, since it is made elsewhere and renamed; two processes that want
the same make it once; a failure leaves nothing behind.
"""

import fcntl
import hashlib
import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uv

from deepwhisk.errors import EnvironmentFailed
from deepwhisk.groups import follow, kill, limited

LONGEST = 3600.0  # seconds that one step of a making may take
Progress = Callable[[str], None]
_ASKING = threading.Lock()

_UNREACHABLE = (
    "dns error",
    "network is unreachable",
    "error sending request",
    "failed to fetch",
    "connect error",
)
_OFFLINE = (
    " No package index could be reached: connect this machine to the network, or name an index or a folder "
    "of wheels that it can reach in UV_INDEX_URL or UV_FIND_LINKS."
)


@dataclass(frozen=True, slots=True)
class Environment:
    """What a container is started in."""

    python: Path
    digest: str
    weights: Path | None


class Environments:
    """A cache of environments, which several processes may share."""

    def __init__(self, cache: Path, patience: float = LONGEST) -> None:
        self._patience = patience
        self._environments = cache / "environments"
        self._weights = cache / "weights"
        self._running: set[subprocess.Popen[str]] = set()
        self._closed = False
        for folder in (self._environments, self._weights):
            folder.mkdir(parents=True, exist_ok=True)

    def prepare(self, requirements: str, build: str | None, progress: Progress) -> Environment:
        """Return the environment for these requirements, made now if it is not there."""
        digest = digest_of(requirements)
        home = self._kept(self._environments / digest, lambda new: self._install(requirements, new, progress))
        weights = None
        if build is not None:
            folder = self._weights / weights_of(build)
            weights = self._kept(folder, lambda new: self._build(build, new, progress))
        return Environment(home / "bin" / "python", digest, weights)

    def close(self) -> None:
        """End what is being made; whoever waits for it gets EnvironmentFailed."""
        self._closed = True
        for process in tuple(self._running):
            kill(process)

    def _kept(self, folder: Path, make: Callable[[Path], None]) -> Path:
        if _is_whole(folder):
            return folder
        with _locked(folder.with_name(f".{folder.name}.lock")):
            if not _is_whole(folder):
                shutil.rmtree(folder, ignore_errors=True)
                self._replace(folder, make)
        return folder

    def _replace(self, folder: Path, make: Callable[[Path], None]) -> None:
        for left in folder.parent.glob(f".{folder.name}.*new"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        # What that one had started may still run, and must not write into this one's.
        new = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.new")
        try:
            make(new)
            new.rename(folder)
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def _install(self, requirements: str, new: Path, progress: Progress) -> None:
        self._run(
            ["venv", "--relocatable", "--no-project", "--python", sys.executable, str(new)],
            new.parent,
            progress,
        )
        asked = new / "requirements.txt"
        asked.write_text(requirements)
        command = ["pip", "install", "--python", str(new / "bin" / "python")]
        command += ["-r", str(runtime_requirements()), "-r", str(asked)]
        self._run(command, new, progress)

    def _build(self, build: str, new: Path, progress: Progress) -> None:
        new.mkdir()
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "build.py"
            script.write_text(build)
            command = ["run", "--no-project", "--python", sys.executable, "--script", str(script), str(new)]
            self._run(command, Path(folder), progress)

    def _run(self, command: list[str], folder: Path, progress: Progress) -> None:
        process = subprocess.Popen(
            [uv_program(), "--color", "never", "--no-progress", *command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._running.add(process)
        try:
            if self._closed:
                kill(process)
            with limited(process, self._patience):
                tail = follow(process, progress)
        finally:
            self._running.discard(process)
            kill(process)
        if process.returncode:
            raise EnvironmentFailed(self._why(command[0], tail))

    def _why(self, verb: str, tail: str) -> str:
        if self._closed:
            return "The making of the environment was stopped with the engine."
        what = {
            "venv": "no environment could be made for it",
            "pip": "the packages of its requirements.txt cannot be installed",
            "run": "its build.py failed",
        }[verb]
        hint = _OFFLINE if any(sign in tail.lower() for sign in _UNREACHABLE) else ""
        return f"{what}.{hint} uv says:\n{tail}"


def uv_program() -> str:
    """Where uv is. It asks sysconfig, which of two threads at once tells one nothing (CPython 3.11)."""
    with _ASKING:
        return uv.find_uv_bin()


def digest_of(requirements: str) -> str:
    """The name of an environment; order, comments and spaces make no other."""
    asked = normalized(requirements)
    given = normalized(runtime_requirements().read_text())
    text = "\n".join([_version(), *given, "--", *asked])
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def weights_of(build: str) -> str:
    """The name of what a `build.py` makes."""
    return hashlib.sha256(f"{_version()}\n{build}".encode()).hexdigest()[:20]


def normalized(requirements: str) -> list[str]:
    lines = (line.split(" #")[0].strip() for line in requirements.splitlines())
    return sorted({line for line in lines if line and not line.startswith("#")})


def runtime_package() -> Path:
    """The folder of `deepwhisk_runtime`, which is found but never imported here."""
    found = importlib.util.find_spec("deepwhisk_runtime")
    if found is None or not found.submodule_search_locations:
        raise EnvironmentFailed(
            "the package deepwhisk_runtime is not installed beside deepwhisk; install deepwhisk again"
        )
    return Path(next(iter(found.submodule_search_locations)))


def runtime_requirements() -> Path:
    """Inside the package in a wheel, beside it in a checkout."""
    package = runtime_package()
    inside = package / "requirements.txt"
    return inside if inside.exists() else package.parent / "requirements.txt"


def install_runtime(cache: Path) -> Path:
    """A folder that holds nothing but `deepwhisk_runtime`, for PYTHONPATH."""
    package = runtime_package()
    sources = sorted(
        path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
    hashed = hashlib.sha256()
    for source in sources:
        hashed.update(f"{source.relative_to(package)}\0".encode() + source.read_bytes())
    folder = cache / "runtime" / hashed.hexdigest()[:20]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(f".{folder.name}.lock")):
        if not folder.exists():
            new = folder.with_name(f".{folder.name}.new")
            shutil.rmtree(new, ignore_errors=True)
            shutil.copytree(package, new / package.name, ignore=shutil.ignore_patterns("__pycache__"))
            new.rename(folder)
    return folder


def _version() -> str:
    return f"{sys.implementation.cache_tag} {sys.version.split()[0]} {sys.base_prefix}"


def _is_whole(folder: Path) -> bool:
    """Complete, and its interpreter not uninstalled since."""
    python = folder / "bin" / "python"
    return python.exists() if python.is_symlink() else folder.exists()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Held against threads too, since each opens the file anew."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
