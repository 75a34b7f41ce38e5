"""What a build is given: the Dockerfile, the shim and the files of one model, with their modes made plain."""

import io
import stat
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from deepwhisk.environments import runtime_package, runtime_requirements
from deepwhisk.images.layers import EPOCH
from deepwhisk.manifest import LEFT_OUT
from deepwhisk.project import Model

Files = Mapping[str, Path]
DOCKERFILE = "runtimes/python/Dockerfile"
ENVIRONMENT = ("requirements.txt", "build.py")  # of a model: what all but its code is made of


def tool_files() -> Files:
    """Of the tool, by their names in the build's context."""
    package = runtime_package()
    inside = package / "Dockerfile"
    shim = {f"runtimes/python/{package.name}/{name}": path for name, path in _under(package)}
    return {
        DOCKERFILE: inside if inside.exists() else package.parent / "Dockerfile",
        "runtimes/python/requirements.txt": runtime_requirements(),
        **shim,
    }


def model_files(model: Model) -> Files:
    """Of a model, without what only its tests need."""
    return {
        f"catalog/{model.name}/{name}": path
        for name, path in _under(model.folder)
        if name.partition("/")[0] not in LEFT_OUT
    }


def lay_out(files: Files, folder: Path) -> None:
    """Copy files to their places in FOLDER, readable by all whatever they were here."""
    for name, path in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
        target.chmod(_mode(path))
    for made in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        made.chmod(0o755)


def layer(files: Files) -> bytes:
    """The same files as a layer of an image."""
    held = io.BytesIO()
    parents = {parent.as_posix() for name in files for parent in Path(name).parents} - {"."}
    with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted({*files, *parents}):
            entry = tarfile.TarInfo(name)
            entry.mtime = EPOCH
            if name in parents:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            else:
                content = files[name].read_bytes()
                entry.size, entry.mode = len(content), _mode(files[name])
                tar.addfile(entry, io.BytesIO(content))
    return held.getvalue()


def _under(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix(), path


def _mode(path: Path) -> int:
    return 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644
