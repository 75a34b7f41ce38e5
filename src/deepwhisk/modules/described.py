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
# What packages say, without the words license and version, and what they mean.
LICENSES = {
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache software": "Apache-2.0",
    "mit": "MIT",
    "bsd": "BSD-3-Clause",
    "bsd 3 clause": "BSD-3-Clause",
    "gplv3": "GPL-3.0-only",
    "gnu general public v3 gplv3": "GPL-3.0-only",
    "gnu general public v3 or later gplv3": "GPL-3.0-or-later",
    "gnu affero general public v3": "AGPL-3.0-only",
    "mozilla public 2.0 mpl 2.0": "MPL-2.0",
}


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
        "version": str(given["Version"]).replace("+", "_"),
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
    if license_ := _license(package):
        told["license"] = license_
    return (
        f"# Made by `deepwhisk import {package.told}` of what the package says; to be edited.\n{dump(told)}"
    )


def _license(package: Package) -> str | None:
    """The license, as SPDX names it where it is one of the usual."""
    given = package.metadata
    classified = [
        str(each).rpartition(" :: ")[2]
        for each in given.get_all("Classifier", [])
        if str(each).startswith("License :: OSI Approved :: ")
    ]
    said = str(given.get("License-Expression") or given.get("License") or (classified or [""])[0]).strip()
    known = re.sub(r"[^a-z0-9.]+", " ", said.lower().replace("license", "").replace("version", "")).strip()
    return LICENSES.get(known, said if said and "\n" not in said else None)


def _home(package: Package) -> str | None:
    urls = [str(each) for each in package.metadata.get_all("Project-URL", [])]
    named = {name.strip().lower(): url.strip() for name, _, url in (each.partition(",") for each in urls)}
    known = ("source", "source code", "repository", "homepage")
    home = package.metadata.get("Home-page")
    return next((named[name] for name in known if name in named), str(home) if home else None)
