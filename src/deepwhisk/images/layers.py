"""Layers and configurations of images, as `docker save` writes and `docker load` reads them.

A layer that the daemon has need not be in what it loads, which makes a small change quick.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from deepwhisk.errors import ImageFailed

EPOCH = 315_532_800  # 1980: the first time that a zip knows, and what Dockerfile says in SOURCE_DATE_EPOCH
_XATTR = "SCHILY.xattr."
_SETTINGS = ("Cmd", "Entrypoint", "Env", "ExposedPorts", "Labels", "User", "Volumes", "WorkingDir")


@dataclass(frozen=True, slots=True)
class Image:
    """A configuration and the layers of it that a daemon may not have yet, in files by their digests."""

    config: dict[str, Any]
    layers: dict[str, Path]

    @property
    def text(self) -> bytes:
        return json.dumps(self.config, sort_keys=True, separators=(",", ":")).encode()

    @property
    def id(self) -> str:
        """What Docker calls it too."""
        return f"sha256:{hashlib.sha256(self.text).hexdigest()}"


def read_image(archive: tarfile.TarFile, kept: Sequence[str], folder: Path) -> Image:
    """What `docker save` wrote, all times forgotten but those of the KEPT layers, which are the base's."""
    (listed,) = json.load(_member(archive, "manifest.json"))
    found = json.load(_member(archive, listed["Config"]))
    digests: list[str] = found["rootfs"]["diff_ids"]
    layers = {}
    for number, name in enumerate(listed["Layers"]):
        if digests[: number + 1] != list(kept[: number + 1]):
            written = _timeless(_member(archive, name), folder / str(number))
            layers[written] = folder / str(number)
            digests[number] = written
    made = [each.get("created_by", "") for each in found["history"] if not each.get("empty_layer")]
    return Image(configured(found, digests, made, iso(EPOCH)), layers)


def configured(
    found: dict[str, Any], digests: list[str], made: Iterable[str], created: str
) -> dict[str, Any]:
    """A configuration that says nothing of the machine it was made on."""
    settings = {key: value for key, value in found["config"].items() if key in _SETTINGS and value}
    return {
        **{key: found[key] for key in ("architecture", "os", "variant") if found.get(key)},
        "config": settings,
        "created": created,
        "history": [{"created": created, "created_by": step} for step in made],
        "rootfs": {"type": "layers", "diff_ids": digests},
    }


def write_image(image: Image, names: list[str], target: Path) -> None:
    """For `docker load`."""
    config = f"{image.id.partition(':')[2]}.json"
    places = [f"{digest.partition(':')[2]}/layer.tar" for digest in image.config["rootfs"]["diff_ids"]]
    listed = [{"Config": config, "RepoTags": names, "Layers": places}]
    with tarfile.open(target, "w") as tar:
        _put(tar, config, image.text)
        _put(tar, "manifest.json", json.dumps(listed).encode())
        for digest, path in image.layers.items():
            tar.add(path, f"{digest.partition(':')[2]}/layer.tar")


def iso(seconds: int) -> str:
    """A time as configurations have it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest_of(path: Path) -> str:
    """Of a layer's file."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _timeless(source: IO[bytes], target: Path) -> str:
    """Write a layer again, without its times; its digest."""
    with (
        tarfile.open(fileobj=source, mode="r:*") as old,
        tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as new,
    ):
        for entry in old:
            entry.mtime = EPOCH
            entry.pax_headers = {
                key: value for key, value in entry.pax_headers.items() if key.startswith(_XATTR)
            }
            new.addfile(entry, old.extractfile(entry) if entry.isreg() else None)
    return digest_of(target)


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    found = archive.extractfile(name)
    if found is None:
        raise ImageFailed(f"What `docker save` wrote has no {name}: this Docker is too new or too old.")
    return found


def _put(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
