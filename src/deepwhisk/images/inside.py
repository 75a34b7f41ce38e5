"""Says what an image holds, as JSON: run by the Python of that image, so it imports nothing else."""

import hashlib
import importlib.metadata
import json
import subprocess
from pathlib import Path

_QUERY = "${Package}\t${Version}\t${Architecture}\t${db:Status-Status}\n"


def packages() -> list[dict[str, str | None]]:
    """Of Python, with their licenses as they say them."""
    held = [
        {"name": each.metadata["Name"], "version": each.version, "license": _license(each.metadata)}
        for each in importlib.metadata.distributions()
    ]
    return sorted(held, key=lambda each: str(each["name"]).lower())


def _license(told: importlib.metadata.PackageMetadata) -> str | None:
    return next((told[key] for key in ("License-Expression", "License") if key in told), None)


def system() -> list[dict[str, str]]:
    """Packages of Debian, or of what is made of it; none elsewhere."""
    try:
        told = subprocess.run(["dpkg-query", "-W", "-f", _QUERY], capture_output=True, text=True, check=True)
    except FileNotFoundError:
        return []
    rows = [line.split("\t") for line in told.stdout.splitlines()]
    return [
        {"name": row[0], "version": row[1], "architecture": row[2]} for row in rows if row[3] == "installed"
    ]


def weights(folder: Path = Path("/weights")) -> list[dict[str, str]]:
    """Files that build.py made."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return [
        {"name": path.relative_to(folder).as_posix(), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in found
    ]


if __name__ == "__main__":
    print(json.dumps({"packages": packages(), "system": system(), "weights": weights()}))
