"""Files on their way in: from whatever a call carries to what the parameter wants.

A file arrives as an upload, `{"$bytes": …}`, plain base64, a data URI, an `{"$object": …}` reference or a
link; the model gets a Path, bytes or a PIL image. Temporary files live as long as the call.
"""

import binascii
import io
import mimetypes
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import pybase64

from deepwhisk_runtime import links
from deepwhisk_runtime.errors import Invalid, describe
from deepwhisk_runtime.signature import FileKind, FileParameter

DATA_URI = re.compile(r"data:([^;,]*)((?:;[^;,]*)*?)(;base64)?,", re.IGNORECASE)
IN_MEMORY = 8 * 1024 * 1024  # what is larger goes over the disk
LONGEST_NAME = 120


class Unusable(ValueError):
    """Raised when a value is no file in any form; says what it is, and whether it may be one later."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file as it arrives."""

    stream: IO[bytes]
    name: str = ""
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as modules from outside want it: where it lies, and what its sender said of it."""

    path: Path
    content_type: str
    name: str


class Files:
    """The files of one call; leaving the context removes them."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._paths: list[Path] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder is not None:
            remove(self._folder, self._paths)

    def take(self, given: Mapping[str, Any], parameters: Mapping[str, FileParameter]) -> dict[str, Any]:
        """The arguments with each file as its parameter wants it; Invalid names those that are none."""
        taken, faults = dict(given), {}
        for name, parameter in parameters.items():
            if (value := given.get(name)) is None:
                continue
            try:
                taken[name] = self._take(value, parameter)
            except Unusable as error:
                faults[name] = error
        if faults:
            transient = all(fault.transient for fault in faults.values())
            raise Invalid({name: [str(fault)] for name, fault in faults.items()}, transient=transient)
        return taken

    def _take(self, value: Any, parameter: FileParameter) -> Any:
        if parameter.many:
            return [
                self._one(each, parameter.kind) for each in (value if isinstance(value, list) else [value])
            ]
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        return self._one(value, parameter.kind)

    def _one(self, value: Any, kind: FileKind) -> Any:
        if isinstance(value, Path) and kind == "path":
            return value
        incoming = opened(value)
        with incoming.stream as stream:
            if not stream.read(1):
                raise Unusable("The file is empty (0 bytes).")
            stream.seek(0)
            return self._made(incoming, kind)

    def _made(self, incoming: Incoming, kind: FileKind) -> Any:
        if kind == "bytes":
            return incoming.stream.read()
        if kind == "image":
            return image(incoming)
        path = self._place() / file_name(incoming)
        self._paths.append(path)
        with path.open("wb") as target:
            shutil.copyfileobj(incoming.stream, target)
        return upload(path, incoming) if kind == "upload" else path

    def _place(self) -> Path:
        """A folder for one file: several may have the same name."""
        if self._folder is not None:
            return Path(tempfile.mkdtemp(dir=self._folder))
        self._folder = Path(tempfile.mkdtemp(prefix="files-"))
        return self._folder


def remove(folder: Path, paths: Iterable[Path]) -> None:
    """Remove a folder of files; what else a model has put there costs a walk."""
    try:
        for path in paths:
            path.unlink()
        folder.rmdir()
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)


def upload(path: Path, incoming: Incoming) -> Upload:
    """A file that was put down, and what its sender said of it."""
    guessed = incoming.content_type or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Upload(path, guessed, incoming.name or path.name)


def opened(value: Any) -> Incoming:
    """The file that a value of a call stands for."""
    if isinstance(value, Incoming):
        return value
    if isinstance(value, Path):
        return Incoming(value.open("rb"), value.name)
    if isinstance(value, dict) and "$bytes" in value:
        stream = decoded(value["$bytes"])
        return Incoming(stream, str(value.get("filename") or ""), str(value.get("contentType") or ""))
    if isinstance(value, dict) and isinstance(value.get("$object"), dict):
        return referred(value["$object"])
    if isinstance(value, str):
        return written(value)
    kinds = 'a reference {"$object": …}, {"$bytes": …}, base64, a data URI or an http(s) link'
    raise Unusable(f"A file is expected: an upload, {kinds} (got {type(value).__name__}).")


def written(text: str) -> Incoming:
    """The file that a text stands for."""
    if links.is_link(text):
        return linked(text)
    if match := DATA_URI.match(text):
        if not match[3]:
            raise Unusable("The data URI is not in base64; write data:TYPE;base64,…")
        return Incoming(decoded(text[match.end() :]), content_type=match[1])
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text):
        raise Unusable(f"Only http and https links are followed (got {text.partition('?')[0][:80]!r}).")
    return Incoming(decoded(text))


def decoded(text: Any) -> IO[bytes]:
    """The bytes that base64 stands for, with or without line ends and padding, in either alphabet."""
    if not isinstance(text, str):
        raise Unusable(f"Base64 is a text (got {type(text).__name__}).")
    try:
        plain = text.strip()
        if not plain.isascii() or any(each in plain for each in "-_\n\r \t"):
            plain = "".join(plain.split()).replace("-", "+").replace("_", "/")
        return io.BytesIO(pybase64.b64decode(plain + "=" * (-len(plain) % 4), validate=True))
    except (binascii.Error, ValueError) as error:
        start = text[:40] + ("…" if len(text) > 40 else "")
        raise Unusable(f"Neither a link nor base64: {error} (got {start!r}).") from error


def referred(reference: dict[str, Any]) -> Incoming:
    """The object behind a reference."""
    where = f"{reference.get('bucket', '?')}/{reference.get('key', '?')}"
    url = reference.get("url")
    if not isinstance(url, str) or not links.is_link(url):
        raise Unusable(f"The reference to {where} carries no http(s) link in `url`.")
    incoming = linked(url)
    name = str(reference.get("key") or incoming.name).rpartition("/")[2]
    return Incoming(incoming.stream, name, str(reference.get("contentType") or incoming.content_type))


def linked(url: str) -> Incoming:
    """What a link points to."""
    stream = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 — whoever takes the file closes it
    try:
        name, content_type = links.download(url, stream)
    except links.Unreachable as error:
        stream.close()
        raise Unusable(f"The file cannot be fetched: {error}.", transient=error.transient) from error
    stream.seek(0)
    return Incoming(stream, name, content_type)


def image(incoming: Incoming) -> Any:
    """A PIL image, read whole; the model asked for one, so PIL is there."""
    content = incoming.stream.read()
    try:
        opened_image = sys.modules["PIL.Image"].open(io.BytesIO(content))
        opened_image.load()
    except Exception as error:  # PIL's plugins raise what they like
        what = f"{incoming.name or 'the file'} ({len(content)} bytes)"
        raise Unusable(f"No image can be read from {what}: {describe(error)}.") from error
    return opened_image


def file_name(incoming: Incoming) -> str:
    """A name that is safe in a folder of its own and keeps its ending, which models look at."""
    name = re.sub(r"[/\\\0]", "_", incoming.name.strip()).strip(".") or "file"
    stem, dot, ending = name.rpartition(".")
    if not dot:
        known = incoming.content_type not in ("", "application/octet-stream")
        guessed = mimetypes.guess_extension(incoming.content_type) if known else None
        stem, ending = name, (guessed or "").lstrip(".")
    kept = stem.encode()[:LONGEST_NAME].decode("utf-8", "ignore")
    return f"{kept}.{ending[:16]}" if ending else kept
