"""Answers of a model that says of itself that it is `deterministic`: the same call is not worked for twice.

They are files below one folder, which all containers of a machine may share, named by the digest of the
model's version and the checked arguments. Law: what is handed out was written whole by this version for these
arguments; anything else is thrown away. Faults are never kept. The folder stays below a size and an age.
"""

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deepwhisk_runtime.answers import Encoded, Held, Outgoing, encode, file_of
from deepwhisk_runtime.identity import Unknowable, digest_of
from deepwhisk_runtime.served import Asking

LARGEST_ANSWER = 192 * 1024  # bytes; from about there on an answer leaves as a reference, which soon expires
SIZE, AGE = 256 << 20, 24 * 3600.0  # bytes and seconds that the folder may have
LOOKS = 32  # parts of its size that are added between two looks at the folder
VARIABLE = "DEEPWHISK_ANSWERS"
HIT, MISS, BYPASS = "hit", "miss", "bypass"


class Kept:
    """The answers of one version of a model."""

    def __init__(self, version: Callable[[], str], folder: Path, size: int = SIZE, age: float = AGE) -> None:
        self._version = version
        self._folder = folder
        self._size = size
        self._age = age
        self._added = size  # unknown at first: the first answer that is kept looks at the folder

    def answer(self, arguments: Mapping[str, Any], asking: Asking, ask: Callable[[], Any]) -> Any:
        """The answer to a call, from the folder or from the model; ASKING learns which."""
        asking.cached = BYPASS
        path = None if asking.wish == "no-store" else self._path(arguments)
        if path is None:
            return ask()
        if asking.wish != "no-cache":
            if (found := self._read(path)) is not None:
                asking.cached = HIT
                return found
            asking.cached = MISS
        return self._keep(path, ask(), asking)

    def _path(self, arguments: Mapping[str, Any]) -> Path | None:
        """Before the model is asked: it may change what it is given."""
        try:
            digest = digest_of(self._version(), arguments)
        except (Unknowable, OSError):
            return None
        return self._folder / digest[:2] / digest[2:]

    def _read(self, path: Path) -> Any:
        found = None
        try:
            if time.time() - path.stat().st_mtime <= self._age:
                found = unpacked(path.read_bytes(), path.name)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError):
            found = None  # cut short, or written by somebody else: as if it were not there
        if found is None:
            with contextlib.suppress(OSError):
                path.unlink()
        return found

    def _keep(self, path: Path, result: Any, asking: Asking) -> Any:
        """The answer in the form in which it will be read again, so that nobody can tell."""
        plain = standing(result)
        content = packed(plain, path.name)
        if len(content) > LARGEST_ANSWER:
            asking.cached = BYPASS
            return result if isinstance(plain, Encoded) else plain
        try:
            self._write(path, content)
        except OSError:  # there is no place to keep it: it is worked for again
            asking.cached = BYPASS
        return plain

    def _write(self, path: Path, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor, new = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.replace(new, path)
        except BaseException:
            os.unlink(new)
            raise
        self._added += len(content)
        if self._added > self._size // LOOKS:
            self._added = 0
            shrink(self._folder, self._size, self._age)


def standing(result: Any) -> Any:
    """A result that is still the same when the files of its call are gone."""
    if isinstance(result, Outgoing):
        return result
    file = file_of(result)
    return Encoded(encode(result)) if file is None else Held(file)


def packed(answer: Any, name: str) -> bytes:
    """An answer as a file: its digest with its name, what it is, its bytes."""
    file = None if isinstance(answer, Encoded) else answer.file if isinstance(answer, Held) else answer
    content = answer.text if file is None else file.content
    told = {"form": type(answer).__name__} | (
        {} if file is None else {"contentType": file.content_type, "name": file.name}
    )
    rest = json.dumps(told).encode() + b"\n" + content
    return seal(rest, name) + rest


def unpacked(content: bytes, name: str) -> Any:
    """The answer that a file holds; ValueError when it was not written whole, or under another name."""
    length = hashlib.sha256().digest_size
    if content[:length] != seal(content[length:], name):
        raise ValueError("it is not what was written")
    head, _, rest = content[length:].partition(b"\n")
    told = json.loads(head)
    if told["form"] == Encoded.__name__:
        return Encoded(rest)
    file = Outgoing(rest, told["contentType"], told["name"])
    return Held(file) if told["form"] == Held.__name__ else file


def seal(content: bytes, name: str) -> bytes:
    """The digest of a file's content and name."""
    return hashlib.sha256(name.encode() + b"\0" + content).digest()


def shrink(folder: Path, size: int, age: float) -> None:
    """Remove what is too old, and the oldest until a tenth of the size is free."""
    found = []
    for path in folder.glob("??/*"):
        with contextlib.suppress(FileNotFoundError):  # another container removes, too
            stat = path.stat()
            found.append((stat.st_mtime, stat.st_size, path))
    found.sort(reverse=True)
    until, kept = time.time() - age, 0
    for written, length, path in found:
        kept += length
        if written < until or kept > size * 0.9:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()


def folder_of(variables: Mapping[str, str] = os.environ) -> Path:
    """Where answers are kept: as DEEPWHISK_ANSWERS says, in the user cache, or where this may write."""
    if named := variables.get(VARIABLE):
        return Path(named)
    cache = Path(variables.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")).absolute()
    nearest = next(each for each in (cache, *cache.parents) if each.is_dir())
    if os.access(nearest, os.W_OK):
        return cache / "deepwhisk" / "answers"
    return Path(tempfile.gettempdir()) / f"deepwhisk-answers-{os.getpid()}"
