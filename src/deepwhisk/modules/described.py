"""What is told of an imported module: by its own file of metadata, else by what its package says."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deepwhisk.goyaml import dump
from deepwhisk.modules.packages import Package
from deepwhisk.project.metadata import FILES

SCHEMA = "2.3.0"
MEMORY, TIMEOUT = 512, 60_000


def found_metadata(folder: Path) -> Path | None:
    """The file of metadata in a folder."""
    return next((folder / name for name in FILES if (folder / name).is_file()), None)


def as_metadata(package: Package, entry: str) -> str:
    """The AI4OS metadata of a package, as far as it says; the rest is there to be filled in."""
    given = package.metadata
    today = datetime.now(UTC).date().isoformat()
    told: dict[str, Any] = {
        "metadata_version": SCHEMA,
        "title": entry,
        "version": str(given["Version"]),
        "summary": package.summary,
        "description": package.summary,
        "dates": {"created": today, "updated": today},
        "links": {"source_code": _home(package) or f"https://pypi.org/project/{given['Name']}/"},
        "libraries": ["Other"],
        "tasks": ["Other"],
        "categories": ["AI4 inference"],
        "tags": [str(tag) for tag in str(given.get("Keywords") or entry).replace(",", " ").split()],
        "data-type": ["Other"],
        "resources": {"inference": {"cpu": 1, "memory_MB": MEMORY, "timeout_ms": TIMEOUT}},
    }
    license_ = given.get("License-Expression") or given.get("License")
    if license_ and re.fullmatch(r"[A-Za-z0-9.+-]+", license_):
        told["license"] = license_
    return (
        f"# Made by `deepwhisk import {package.told}` of what the package says; to be edited.\n{dump(told)}"
    )


def _home(package: Package) -> str | None:
    urls = [str(each) for each in package.metadata.get_all("Project-URL", [])]
    named = {name.strip().lower(): url.strip() for name, _, url in (each.partition(",") for each in urls)}
    known = ("source", "source code", "repository", "homepage")
    home = package.metadata.get("Home-page")
    return next((named[name] for name in known if name in named), str(home) if home else None)
