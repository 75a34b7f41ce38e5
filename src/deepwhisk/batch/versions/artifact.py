"""Whether what a training left can be given to a model: the bytes that were announced, and nothing that runs.

Law: an artifact is data. A zip that would write outside its folder, that hides its size, or that holds a
pickle, by name or by content, however nested, is refused before any container sees it.
"""

import hashlib
import pickletools
import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO

from deepwhisk.errors import TrainingError
from deepwhisk.objects.store import Store

MOST_BYTES = 512 * 1024 * 1024  # what a container downloads and unpacks at most
MOST_FILES = 10_000
DEEPEST = 3  # zips within zips
CHUNK = 1 << 20
PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".dill", ".cloudpickle")
NUMPY, ZIP = b"\x93NUMPY", b"PK\x03\x04"
OBJECTS = re.compile(rb"['\"][|<>=]?O[0-9]*['\"]")  # a type, in the header of an array
NAMES = {"GLOBAL", "STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID"}
"""Opcodes of a pickle that reach for code."""
CALLS = {"REDUCE", "OBJ", "INST", "NEWOBJ", "NEWOBJ_EX", "BUILD", "STOP"}
MOST_OPCODES = 100_000
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    RuntimeError,
    NotImplementedError,
    EOFError,
    OSError,
    ValueError,
)


def check(store: Store, bucket: str, key: str, sha256: str) -> int:
    """The size of an artifact that is harmless and the one announced. Raises TrainingError for any other."""
    with tempfile.TemporaryFile() as file:
        found, size = _copied(store, bucket, key, file)
        if found != sha256:
            raise _refused(f"its sha256 is {found[:12]}…, and {str(sha256)[:12]}… was announced")
        file.seek(0)
        look(file)
    return size


def look(file: IO[bytes], depth: int = 1) -> None:
    """Raise TrainingError for a zip that a model must not be given."""
    with _readable(), zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        _check_size(members)
        for member in members:
            _check_name(member)
            if not member.is_dir():
                _check_content(archive, member, depth)


def _copied(store: Store, bucket: str, key: str, file: IO[bytes]) -> tuple[str, int]:
    """The digest and the size of an object that is written into a file."""
    digest, size = hashlib.sha256(), 0
    with store.get(bucket, key) as body:
        while chunk := body.read(CHUNK):
            size += len(chunk)
            if size > MOST_BYTES:
                raise _refused(f"it is larger than {MOST_BYTES} bytes")
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest(), size


def _check_size(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MOST_FILES:
        raise _refused(f"it holds {len(members)} files, more than {MOST_FILES}")
    if (size := sum(member.file_size for member in members)) > MOST_BYTES:
        raise _refused(f"it unpacks to {size} bytes, more than {MOST_BYTES}")


def _check_name(member: zipfile.ZipInfo) -> None:
    name = member.orig_filename.replace("\\", "/")
    if name.startswith("/") or name[1:2] == ":":
        raise _refused(f"it holds an absolute path: {name[:200]}")
    if ".." in PurePosixPath(name).parts:
        raise _refused(f"it holds a path that leaves its folder: {name[:200]}")
    if "\0" in name:
        raise _refused(f"it holds a name that no file can have: {name[:200]!r}")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(f"it holds what is no file: {name[:200]} (a link or a device)")
    if PurePosixPath(name.lower()).suffix in PICKLES:
        raise _refused(f"it holds a pickle, which runs code when it is read: {name[:200]}")


def _check_content(archive: zipfile.ZipFile, member: zipfile.ZipInfo, depth: int) -> None:
    with archive.open(member) as stream:
        head = stream.read(len(NUMPY))
    if head == NUMPY:
        _check_array(archive, member)
    elif head.startswith(ZIP):
        _check_nested(archive, member, depth)
    elif _is_pickle(archive, member):
        raise _refused(f"it holds a pickle, which runs code when it is read: {member.filename[:200]}")
    else:
        _check_bytes(archive, member)


def _check_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """An array of objects is a pickle behind a header, whose length two or four bytes say."""
    with archive.open(member) as stream:
        start = stream.read(len(NUMPY) + 2)
        length = int.from_bytes(stream.read(2 if start[-2] == 1 else 4), "little")
        header = stream.read(min(length, CHUNK))
    if OBJECTS.search(header):
        raise _refused(f"it holds an array of objects, which is a pickle: {member.filename[:200]}")
    _check_bytes(archive, member)


def _check_nested(archive: zipfile.ZipFile, member: zipfile.ZipInfo, depth: int) -> None:
    if depth >= DEEPEST:
        raise _refused(f"it holds zips within zips, deeper than {DEEPEST}: {member.filename[:200]}")
    with archive.open(member) as stream, tempfile.TemporaryFile() as file:
        while chunk := stream.read(CHUNK):
            file.write(chunk)
        file.seek(0)
        look(file, depth + 1)


def _check_bytes(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Read it to the end, so that a wrong checksum or a false size is found here."""
    with archive.open(member) as stream:
        while stream.read(CHUNK):
            pass


def _is_pickle(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """Whether unpickling it would run something, or it says itself that it is a pickle.

    Any text might be one by chance; so a name of code has to be followed by a use of it.
    """
    with archive.open(member) as stream:
        seen: set[str] = set()
        try:
            for count, (code, _, _) in enumerate(pickletools.genops(stream)):
                known = code.name in CALLS and seen & NAMES and (code.name != "INST" or "MARK" in seen)
                if known or count > MOST_OPCODES:
                    return True
                if code.name == "INST" and "MARK" not in seen:
                    return False
                seen.add(code.name)
        except (ValueError, IndexError, OverflowError, MemoryError):
            return False
        return "PROTO" in seen


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        raise _refused(f"it is no zip that can be read: {error}") from error


def _refused(why: str) -> TrainingError:
    return TrainingError(f"The artifact is refused: {why}. What serves now goes on.", 422)
