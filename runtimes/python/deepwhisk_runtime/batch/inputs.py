"""What an attempt begins with: the model's code, its files, its artifact and the checkpoint to go on from.

Law: nothing is used whose digest is not the one that the job names.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from deepwhisk_runtime.batch import transfer, zips
from deepwhisk_runtime.batch.errors import Failed
from deepwhisk_runtime.batch.logtext import Log
from deepwhisk_runtime.batch.order import Order
from deepwhisk_runtime.batch.patience import Stop, persist

AT_ONCE = 8
MD5_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Inputs:
    """Fetches them into a folder."""

    order: Order
    folder: Path
    log: Log
    stop: Stop

    def code(self) -> Path:
        """The model's folder."""
        code = self.folder / "code" / str(self.order.told["model"])
        self._unzipped("code.zip", ("code",), code, "The model's code")
        return code

    def artifact(self) -> Path | None:
        """The promoted artifact, if the job is given one."""
        if not self.order.told.get("artifact"):
            return None
        artifact = self.folder / "artifact"
        self._unzipped("given.zip", ("artifact",), artifact, "The artifact")
        return artifact

    def _unzipped(self, name: str, place: Sequence[Any], target: Path, what: str) -> None:
        archive = self.folder / name
        self._fetch(place, archive, what)
        zips.unpacked(archive, target, what)
        archive.unlink()

    def _fetch(self, place: Sequence[Any], target: Path, what: str) -> None:
        """Fetch what the job tells at this place of it: its link may have become another meanwhile."""

        def told() -> Mapping[str, Any]:
            found: Any = self.order.told
            for step in place:
                found = found[step]
            return dict(found)

        etag = persist("download", lambda: transfer.load(told()["url"], target), self.stop, self.order.renew)
        verified(target, told(), etag, what)

    def files(self) -> dict[str, dict[str, Any]]:
        """For each argument that is a file: its path or its folder, and all files of it."""
        told: Mapping[str, Any] = self.order.told.get("files") or {}
        many = self.order.told.get("many") or ()
        return {
            name: self._argument(name, entries, number, name in many)
            for number, (name, entries) in enumerate(told.items())
        }

    def _argument(self, name: str, entries: list[Any], number: int, many: bool) -> dict[str, Any]:
        home = self.folder / "files" / str(number)
        home.mkdir(parents=True)
        paths = laid_out(home, [str(each["name"]) for each in entries])
        with ThreadPoolExecutor(AT_ONCE) as pool:
            tasks = [
                pool.submit(self._fetch, ("files", name, index), path, f"The file {path.name} of {name!r}")
                for index, path in enumerate(paths)
            ]
            for task in tasks:
                task.result()
        several = many or any(each.get("many") for each in entries) or len(paths) != 1
        return {"path": str(home if several else paths[0]), "files": [str(path) for path in paths]}

    def checkpoint(self, out: Path) -> str | None:
        """Lay out the checkpoint to go on from: this attempt's own, else the one before's. Tells whose."""
        archive = self.folder / "resume.zip"
        for whose, url in (
            ("its own", lambda: self.order.link("get", "checkpoint")),
            ("the attempt before", lambda: (self.order.told.get("resume") or {}).get("url")),
        ):
            if url() and self.there(url, archive):
                zips.unpacked(archive, out, "The checkpoint")
                archive.unlink()
                return whose
        return None

    def there(self, url: Any, target: Path) -> bool:
        """Whether there is something behind a link, which then lies in that file."""
        try:
            persist("download", lambda: transfer.load(str(url()), target), self.stop, self.order.renew)
        except Failed as fault:
            if isinstance(fault.__cause__, FileNotFoundError):
                return False
            raise
        return True


def laid_out(home: Path, names: list[str]) -> list[Path]:
    """A path of its own for each file, below one folder; no name leads out of it."""
    taken: set[Path] = set()
    for number, name in enumerate(names):
        parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part != "/"]
        if ".." in parts or "\0" in name:
            raise Failed("download", f"No file can have the name {name!r}: it leads out of its folder.")
        path = home.joinpath(*parts or ["file"])
        if path in taken or any(each in taken for each in path.parents):
            path = home / f"{number}" / path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        taken.add(path)
        names[number] = str(path)
    return [Path(name) for name in names]


def verified(path: Path, told: Mapping[str, Any], etag: str, what: str) -> None:
    """Refuse a file that is not what the job says: by SHA-256, else by size and ETag."""
    if wanted := told.get("sha256"):
        found = transfer.digest(path)
        if found != wanted:
            raise Failed("download", f"{what} has the digest {found}, not {wanted}: refused.")
        return
    size = told.get("size")
    if size is not None and path.stat().st_size != int(size):
        raise Failed("download", f"{what} has {path.stat().st_size} bytes, not {size}: it was changed since.")
    asked = str(told.get("etag") or "").strip('"')
    if asked and etag and asked != etag:
        raise Failed("download", f"{what} has the ETag {etag}, not {asked}: it was changed since.")
