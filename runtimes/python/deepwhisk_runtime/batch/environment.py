"""The model's environment on a node: packages and weights, made by uv, kept by digest.

Law: layout, names and locks are those of the tool's own cache, so that both use what either has made; a
folder under its digest is complete. An image that holds the model holds its environment too.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deepwhisk_runtime.batch.errors import Failed
from deepwhisk_runtime.batch.kept import Kept
from deepwhisk_runtime.batch.logtext import Log
from deepwhisk_runtime.batch.patience import Stop
from deepwhisk_runtime.held import held_model

LONGEST = 3600.0  # seconds that one step of a making may take
OWN_REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"


@dataclass(frozen=True, slots=True)
class Environment:
    """What a model runs in."""

    python: Path
    weights: Path | None


class Maker:
    """Makes environments in a cache which several processes, and several nodes, may share."""

    def __init__(self, cache: Path, log: Log, stop: Stop) -> None:
        self._cache, self._log, self._stop = cache, log, stop

    def of(self, code: Path, model: str, named: Mapping[str, str | None]) -> Environment:
        """The environment for a model's folder; `named` is what its service called it."""
        held = held_model()
        if held is not None and held.name == model:
            weights = os.environ.get("DEEPWHISK_WEIGHTS")
            return Environment(Path(sys.executable), Path(weights) if weights else None)
        asked, build = text(code / "requirements.txt") or "", text(code / "build.py")
        home = self._found("environments", [named.get("digest"), digest_of(asked)])
        if home is None:
            self._log.say("the environment is made …")
            home = self._kept("environments", digest_of(asked), lambda new: self._install(asked, new))
        weights_home = None
        if build is not None:
            weights_home = self._found("weights", [named.get("weights"), weights_of(build)])
            if weights_home is None:
                self._log.say("the weights are made …")
                weights_home = self._kept("weights", weights_of(build), lambda new: self._build(build, new))
        return Environment(home / "bin" / "python", weights_home)

    def _found(self, room: str, names: list[str | None]) -> Path | None:
        folders = [self._cache / room / name for name in names if name and name.isalnum()]
        return next((folder for folder in folders if is_whole(folder)), None)

    def _kept(self, room: str, name: str, make: Callable[[Path], None]) -> Path:
        folder = self._cache / room / name
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder.with_name(f".{name}.lock"), self._stop):
            if not is_whole(folder):
                shutil.rmtree(folder, ignore_errors=True)
                self._replace(folder, make)
        return folder

    def _replace(self, folder: Path, make: Callable[[Path], None]) -> None:
        for left in folder.parent.glob(f".{folder.name}.*new"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        new = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.new")
        try:
            make(new)
            new.rename(folder)
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def _install(self, requirements: str, new: Path) -> None:
        venv = ["venv", "--relocatable", "--no-project", "--python", sys.executable, str(new)]
        self._uv(venv, new.parent, "no environment could be made for it")
        asked = new / "requirements.txt"
        asked.write_text(requirements)
        command = ["pip", "install", "--python", str(new / "bin" / "python")]
        command += ["-r", str(OWN_REQUIREMENTS), "-r", str(asked)]
        self._uv(command, new, "the packages of its requirements.txt cannot be installed")

    def _build(self, build: str, new: Path) -> None:
        new.mkdir()
        script = new.with_name(f"{new.name}.py")
        script.write_text(build)
        try:
            command = ["run", "--no-project", "--python", sys.executable, "--script", str(script), str(new)]
            self._uv(command, new.parent, "its build.py failed")
        finally:
            script.unlink()

    def _uv(self, command: list[str], folder: Path, what: str) -> None:
        self._run([*self._uv_program(), "--color", "never", "--no-progress", *command], folder, what)

    def _uv_program(self) -> list[str]:
        beside, kept = Path(sys.executable).with_name("uv"), self._cache / "uv"
        for found in (shutil.which("uv"), beside, kept / "bin" / "uv"):
            if found and Path(found).is_file():
                return [str(found)]
        self._kept(".", "uv", self._fetch_uv)
        return [str(kept / "bin" / "uv")]

    def _fetch_uv(self, new: Path) -> None:
        self._log.say("uv is not on PATH, and is installed by pip …")
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-input",
            "--target",
            str(new),
            "uv",
        ]
        self._run(
            command, new.parent, "uv, which makes environments, is not on PATH and pip cannot install it"
        )

    def _run(self, command: list[str], folder: Path, what: str) -> None:
        said: list[bytes] = []

        def follow(text: bytes) -> None:
            said.append(text)
            self._log.write(text)

        variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        program = Kept(command, folder, variables, follow)
        try:
            code = program.wait(self._stop, patience=0.2, limit=LONGEST)
        finally:
            program.end()
        self._stop.check()
        if code:
            tail = b"".join(said).decode("utf-8", "replace").strip().splitlines()[-12:]
            raise Failed(
                "environment", f"{what[0].upper()}{what[1:]} (exit code {code}):\n" + "\n".join(tail)
            )


def text(path: Path) -> str | None:
    """What a file says, if it is there."""
    return path.read_text(encoding="utf-8") if path.is_file() else None


def digest_of(requirements: str) -> str:
    """The name of an environment, as the tool makes it."""
    given = normalized(OWN_REQUIREMENTS.read_text(encoding="utf-8"))
    named = "\n".join([version(), *given, "--", *normalized(requirements)])
    return hashlib.sha256(named.encode()).hexdigest()[:20]


def weights_of(build: str) -> str:
    """The name of the weights that a build.py makes."""
    return hashlib.sha256(f"{version()}\n{build}".encode()).hexdigest()[:20]


def normalized(requirements: str) -> list[str]:
    """Its lines without order, comments and spaces."""
    lines = (line.split(" #")[0].strip() for line in requirements.splitlines())
    return sorted({line for line in lines if line and not line.startswith("#")})


def version() -> str:
    """Which Python this is."""
    return f"{sys.implementation.cache_tag} {sys.version.split()[0]} {sys.base_prefix}"


def is_whole(folder: Path) -> bool:
    """Complete, and its interpreter not uninstalled since."""
    python = folder / "bin" / "python"
    return python.exists() if python.is_symlink() else folder.exists()


@contextmanager
def locked(path: Path, stop: Stop) -> Iterator[None]:
    """Held against other processes; who waits for it can be told to end."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                stop.wait(0.2)
                stop.check()
        yield
    finally:
        os.close(descriptor)
