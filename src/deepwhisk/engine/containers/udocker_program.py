"""The uDocker of this machine: its program, its images and the proot that it runs containers with.

`udocker install` downloads a proot of uDocker's own. Where that was not done, the machine's (Debian's package
`proot`) serves.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Literal, get_args

from deepwhisk.errors import ContainerFailed
from deepwhisk.keeper import rebind

Mode = Literal["P1", "P2"]
MODES: tuple[Mode, ...] = get_args(Mode)
_PASSED = ("PATH", "HOME", "LANG", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
# It tells proot which kernel to imitate; Debian's then hides calls that today's programs need.
_PROOT = """#!/bin/sh
left=$# told=
while [ "$left" -gt 0 ]; do
  if [ -z "$told" ] && [ "$1" = -k ]; then
    told=yes left=$((left - 2))
    shift 2
  else
    set -- "$@" "$1"
    left=$((left - 1))
    shift
  fi
done
exec {proot} "$@"
"""


@dataclass(frozen=True, slots=True)
class Udocker:
    """One that can run containers here; `home` holds what was pulled or loaded."""

    program: str
    home: Path
    proot: str | None  # the machine's, if uDocker has none of its own
    variables: Mapping[str, str] = field(repr=False)
    mode: Mode = "P1"

    def command(self, *arguments: str) -> list[str]:
        root = ["--allow-root"] if os.geteuid() == 0 else []
        return [self.program, *root, "--quiet", *arguments]

    def environment(self, tools: Path) -> dict[str, str]:
        """What it is started with; TOOLS is where `lend` has put a proot."""
        lent = {"UDOCKER_LIB": str(tools), "UDOCKER_USE_PROOT_EXECUTABLE": str(tools / "proot")}
        mode = {"UDOCKER_DEFAULT_EXECUTION_MODE": self.mode}
        return {**self.variables, "UDOCKER_DIR": str(self.home), **mode, **(lent if self.proot else {})}

    def lend(self, tools: Path) -> None:
        """Make uDocker find the machine's proot, and believe that it was installed."""
        if self.proot:
            tools.mkdir(parents=True, exist_ok=True)
            (tools / "VERSION").write_text("99.0.0\n")
            new = tools / f"proot.{os.getpid()}"
            new.write_text(_PROOT.format(proot=self.proot))
            new.chmod(0o755)
            new.replace(tools / "proot")


def find(environ: Mapping[str, str], mode: Mode = "P1") -> Udocker:
    """Raises ContainerFailed, which says what is missing and how to get it."""
    beside = str(Path(sys.executable).parent)
    program = which("udocker", path=f"{beside}:{environ.get('PATH', os.defpath)}")
    if program is None:
        raise ContainerFailed("udocker was not found: pip install 'deepwhisk[udocker]'")
    home = Path(environ.get("UDOCKER_DIR") or Path(environ.get("HOME", "/")) / ".udocker")
    proot = None if _installed(home, environ) else which("proot", path=environ.get("PATH", os.defpath))
    if proot is None and not _installed(home, environ):
        raise ContainerFailed("uDocker has no proot: run `udocker install`, or install the package proot")
    lack = rebind.why_not()
    if lack:
        raise ContainerFailed(f"containers of uDocker could not have ports of their own: {lack}")
    passed = {
        name: value
        for name, value in environ.items()
        if name.upper() in _PASSED or name.startswith("UDOCKER_")
    }
    return Udocker(program, home, proot, passed, mode)


def _installed(home: Path, environ: Mapping[str, str]) -> bool:
    """Whether `udocker install` was run."""
    programs = Path(environ.get("UDOCKER_BIN") or home / "bin")
    return (Path(environ.get("UDOCKER_LIB") or home / "lib") / "VERSION").exists() and any(
        programs.glob("proot*")
    )
