"""A package from an index or a folder, unpacked: its code, what it says of itself, its modules."""

import configparser
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from functools import cached_property
from pathlib import Path

import uv

from deepwhisk.errors import ProjectError

GROUP = "deepaas.v2.model"
LATEST = 1800.0  # seconds that a build may take
OURS = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")  # of the installation
# In the folder of a package, what builds, tests or explains it.
LEFT_OUT = {
    *("build", "dist", "docs", "doc", "test", "tests", "notebooks", "references", "reports", "docker"),
    *("setup.py", "setup.cfg", "pyproject.toml", "MANIFEST.in", "tox.ini", "Dockerfile", "Jenkinsfile"),
    *("poetry.lock", "uv.lock", "Makefile", "venv", "env", "node_modules"),
}
VERSION = re.compile(r"\d+(\.\d+)*")


@dataclass(frozen=True)
class Package:
    """A package that is unpacked in a folder."""

    folder: Path
    source: str  # as it was asked for
    beside: Path | None  # the folder it was made from; None: it is from an index

    @property
    def told(self) -> str:
        """The source, without where on this machine it lies."""
        return self.beside.name if self.beside else self.source

    @cached_property
    def information(self) -> Path:
        """The folder in which it describes itself."""
        return next(iter(sorted(self.folder.glob("*.dist-info"))))

    @cached_property
    def metadata(self) -> Message:
        """What it says of itself."""
        return HeaderParser().parsestr((self.information / "METADATA").read_text(encoding="utf-8"))

    @property
    def summary(self) -> str:
        """One sentence."""
        return " ".join(str(self.metadata.get("Summary") or self.metadata["Name"]).split())

    @property
    def entries(self) -> list[str]:
        """The names of its modules."""
        file = self.information / "entry_points.txt"
        parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
        parser.optionxform = str  # type: ignore[assignment]
        if file.is_file():
            parser.read_string(file.read_text(encoding="utf-8"))
        return sorted(parser[GROUP]) if parser.has_section(GROUP) else []


def unpack(source: str, target: Path) -> Package:
    """Unpack what is named, without what it requires. Raises ProjectError when that is not to be had."""
    path = Path(source)
    beside = path.absolute().resolve() if path.is_dir() else None
    if beside is not None and not any((beside / name).is_file() for name in ("pyproject.toml", "setup.py")):
        raise ProjectError(f"{source} is no Python package: it has neither pyproject.toml nor setup.py.")
    with tempfile.TemporaryDirectory() as work:
        asked = source if beside is None else str(_copied(beside, Path(work) / beside.name))
        _install(asked, source, target, _without_git(beside))
    _tidy(target)
    package = Package(target, source, beside)
    if beside is not None:
        _add_rest(beside, target)
    return package


def _without_git(beside: Path | None) -> Sequence[str]:
    """What tools are told that take the version of a package from git, if that is not there to be asked."""
    if beside is not None and (beside / ".git").exists():
        return ()
    version = _said_version(beside / "setup.cfg") if beside else "0.0.0"
    return (f"PBR_VERSION={version}", f"SETUPTOOLS_SCM_PRETEND_VERSION={version}")


def _said_version(file: Path) -> str:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    with suppress(OSError, ValueError, configparser.Error):  # what is wrong with it, the build will say
        parser.read_string(file.read_text(encoding="utf-8"))
    said = parser.get("metadata", "version", fallback="")
    return said if VERSION.fullmatch(said) else "0.0.0"


def _copied(folder: Path, target: Path) -> Path:
    """A copy to build in: building leaves files behind."""
    ignored = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", ".venv", "venv")
    shutil.copytree(folder, target, ignore=ignored)
    return target


def _install(asked: str, source: str, target: Path, variables: Sequence[str]) -> None:
    command = [
        "env",
        *variables,
        uv.find_uv_bin(),
        "--color",
        "never",
        "--no-progress",
        "pip",
        "install",
        "--no-deps",
    ]
    command += ["--python", sys.executable, "--target", str(target), "--", asked]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LATEST,
        check=False,
    )
    if done.returncode:
        raise ProjectError(f"The package {source} cannot be had. uv says:\n{done.stderr.strip()}")


def _tidy(target: Path) -> None:
    """Away with what belongs to this installation rather than to the package.

    PKG-INFO is what METADATA is called where `pip install -e` puts it; modules read it by that name.
    """
    shutil.rmtree(target / "bin", ignore_errors=True)
    (target / ".lock").unlink(missing_ok=True)
    for information in target.glob("*.dist-info"):
        for name in OURS:
            (information / name).unlink(missing_ok=True)
        shutil.copyfile(information / "METADATA", information / "PKG-INFO")


def _add_rest(beside: Path, target: Path) -> None:
    """What an installation with `pip install -e` finds, as modules expect it: files that no wheel carries."""
    for root in (beside / "src", beside):
        for path in _rest(root) if root.is_dir() else ():
            copy = target / path.relative_to(root)
            if not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)


def _rest(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        hidden = any(part.startswith(".") or part in ("__pycache__", "src") for part in parts)
        left_out = parts[0] in LEFT_OUT or parts[0].startswith("requirements")
        if path.is_file() and not (hidden or left_out or any(part.endswith(".egg-info") for part in parts)):
            yield path
