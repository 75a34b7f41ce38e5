"""The program of the node as a zip, which is the same wherever it is made, and known by its digest."""

import hashlib
from pathlib import Path

from deepwhisk.environments import runtime_package, runtime_requirements
from deepwhisk.manifest.archive import zip_files


def runtime_zip() -> tuple[bytes, str]:
    """The zip of `deepwhisk_runtime`, with what it needs named inside as in a wheel; and its SHA-256."""
    package = runtime_package()
    members = {
        f"{package.name}/{path.relative_to(package).as_posix()}": path
        for path in package.rglob("*")
        if path.is_file() and _belongs(path.relative_to(package))
    }
    members[f"{package.name}/requirements.txt"] = runtime_requirements()
    content = zip_files(members)
    return content, hashlib.sha256(content).hexdigest()


def _belongs(path: Path) -> bool:
    return not any(part == "__pycache__" or part.startswith(".") for part in path.parts)
