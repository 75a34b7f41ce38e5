"""An export on disk: a manifest and its files in a folder that was empty, for its owner's eyes."""

import os
import shlex
from pathlib import Path

from deepwhisk.deploy.export.composing import Export
from deepwhisk.errors import ProjectError
from deepwhisk.project import MANIFEST

SECRETS = "secrets.env"  # what a shell reads: the values of `$NAME` in the manifest


def write(export: Export, folder: Path) -> None:
    """Write everything. Raises ProjectError when the folder holds something, or cannot be written to."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ProjectError(f"{folder} is not empty; name another folder with -o.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in export.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _write_private(folder / MANIFEST, export.text)
        if export.environ:
            lines = (f"{name}={shlex.quote(value)}\n" for name, value in export.environ.items())
            _write_private(folder / SECRETS, "".join(lines))
            (folder / ".gitignore").write_text(f"/{SECRETS}\n", encoding="utf-8")
    except OSError as error:
        raise ProjectError(f"{folder} cannot be written to: {error}.") from error


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
