"""Photographs to learn from: a zip with a folder for each class."""

import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import picture

LARGEST = 50_000_000  # bytes of one photograph


def read(archive: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Give class and picture of each photograph; a `ValueError` says what is wrong with the zip."""
    try:
        with zipfile.ZipFile(archive) as file:
            for entry in file.infolist():
                if not skipped(entry):
                    with file.open(entry) as photograph:
                        yield (
                            PurePosixPath(entry.filename).parent.name,
                            picture.read(photograph, entry.filename),
                        )
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ValueError(
            f"{archive.name} is no zip that can be read: {error}. Pack a folder for each class."
        ) from error


def skipped(entry: zipfile.ZipInfo) -> bool:
    """Whether it is no photograph: a folder, or what a file manager added."""
    path = PurePosixPath(entry.filename)
    if entry.is_dir() or path.name.startswith(".") or "__MACOSX" in path.parts:
        return True
    if not path.parent.name:
        raise ValueError(
            f"{entry.filename} lies in no folder: put each photograph into one named after its class."
        )
    if entry.file_size > LARGEST:
        raise ValueError(
            f"{entry.filename} has {entry.file_size:,} bytes; a photograph may have {LARGEST:,}."
        )
    return False
