"""What a training leaves, as a zip that is the same wherever it is made; and a zip as a folder again.

A zip that comes in is unpacked only when every member was found harmless. Both may be larger than memory.
"""

import hashlib
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from deepwhisk_runtime.batch.errors import Failed
from deepwhisk_runtime.unpack import UNREADABLE, BadArchive, check, extract

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first day that a zip can tell
CHECKPOINT = "checkpoint"
MOST_BYTES = 64 * 1024**3
LARGEST_PUT = 5 * 1024**3  # that a store takes at once


def packed(folder: Path, target: Path, *, only: str = "", without: str = "", level: int = 6) -> int:
    """Write what is in a folder into a zip, in one step; gives how many files that are."""
    new = target.with_name(f".{target.name}.new")
    count = 0
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, path in members(folder):
            first = name.partition("/")[0]
            if (not only or first == only) and (not without or first != without):
                add(archive, name, path)
                count += 1
    if new.stat().st_size > LARGEST_PUT:
        raise Failed(
            "artifact",
            f"{target.stem} has {new.stat().st_size} bytes, more than a store takes at once ({LARGEST_PUT}).",
        )
    os.replace(new, target)
    return count


def sha256(path: Path) -> str:
    """The digest that an artifact is known by."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def add(archive: zipfile.ZipFile, name: str, path: Path) -> None:
    """Put a file into a zip, without its time and its owner."""
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (0o755 if path.stat().st_mode & 0o100 else 0o644) << 16
    entry.file_size = path.stat().st_size  # beyond 4 GB zipfile has to know it before
    with path.open("rb") as source, archive.open(entry, "w") as member:
        shutil.copyfileobj(source, member, 1 << 20)


def members(folder: Path) -> Iterator[tuple[str, Path]]:
    """All files below a folder by name; a link must lead to something inside."""
    home = folder.resolve()
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted([*files, *(each for each in folders if Path(place, each).is_symlink())]):
            path = Path(place, name)
            if path.is_symlink() and not path.resolve().is_relative_to(home):
                inside = path.relative_to(folder)
                raise Failed(
                    "artifact", f"{inside} is a link that leads out of the folder: put the file there."
                )
            if path.is_file():
                yield path.relative_to(folder).as_posix(), path


def state_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What tells whether a file below a folder, or a file itself, was changed."""
    if folder.is_file():
        return ((folder.name, folder.stat().st_size, folder.stat().st_mtime_ns),)
    found = []
    for name, path in members(folder) if folder.is_dir() else ():
        stat = path.stat()
        found.append((name, stat.st_size, stat.st_mtime_ns))
    return tuple(found)


def unpacked(archive: Path, folder: Path, what: str, most: int = MOST_BYTES) -> None:
    """Unpack a zip into a folder. Raises Failed for one that nobody should unpack."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            check(entries, most)
            for entry in entries:
                extract(opened, entry, folder)
    except BadArchive as error:
        raise Failed("download", f"{what} is refused: {error}.") from error
    except UNREADABLE as error:
        raise Failed("download", f"{what} cannot be unpacked: {error}.") from error
