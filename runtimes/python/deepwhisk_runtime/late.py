"""Whether predictions take longer than a call may: metadata says so, `resources.inference.async: true`."""

from pathlib import Path
from typing import Any

from deepwhisk_runtime.errors import Fault

FILES = ("ai4-metadata.yml", "ai4-metadata.yaml", "ai4-metadata.json", "metadata.json")


def answers_later(folder: Path) -> bool:
    """What the metadata of a model's folder says; a file that cannot be read says nothing."""
    path = next((folder / name for name in FILES if (folder / name).is_file()), None)
    if path is None or b"async" not in path.read_bytes():
        return False
    # YAML is for the few that have the word: no other container waits for it.
    import yaml  # noqa: PLC0415

    from deepwhisk_runtime.metadata import read  # noqa: PLC0415

    try:
        found: Any = read(path)
    except (yaml.YAMLError, OSError, Fault, ValueError, RecursionError):
        return False
    for name in ("resources", "inference", "async"):
        found = found.get(name) if isinstance(found, dict) else None
    return found is True
