"""The deployed action of a model, as OpenWhisk has it: its code, and what the code says a training needs.

Law: a training runs what is deployed, and nothing else; the code is read through OpenWhisk's own REST API.
"""

import ast
import base64
import binascii
import hashlib
import io
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from deepwhisk.errors import TrainingError, WhiskError
from deepwhisk.project.metadata import FILES, read_metadata
from deepwhisk.whisk import NOT_FOUND, Whisk

PACKAGE = "models"
LARGEST = 64 << 20  # bytes of one file in the zip that is read here
KEPT = 64  # zips


@dataclass(frozen=True, slots=True)
class Deployed:
    """A model's code, and what it says."""

    zip: bytes
    sha256: str
    image: str | None
    requirements: str
    build: str | None
    metadata: Mapping[str, Any]
    trainable: bool
    files: tuple[str, ...] | None  # arguments of `train` that are files, in order; None: nobody can tell


class Models:
    """The deployed models of a namespace; a zip is fetched again only when its action changed."""

    def __init__(self, whisk: Whisk) -> None:
        self._whisk = whisk
        self._lock = Lock()
        self._known: dict[str, tuple[str, Deployed]] = {}

    def find(self, name: str, kind: str = "train") -> Deployed:
        """The model that is deployed now. Raises TrainingError where there is none, or none of the kind."""
        about = self._get(name, code=False)
        version = f"{about.get('version')} {about.get('updated')}"
        known = self._known.get(name)
        if known is None or known[0] != version:
            known = version, deployed(self._get(name, code=True), name)
            self._keep(name, known)
        if kind == "train" and not known[1].trainable:
            raise TrainingError(f"The model {name} cannot be trained: it has no method `train`.")
        return known[1]

    def _keep(self, name: str, known: tuple[str, Deployed]) -> None:
        with self._lock:
            self._known.pop(name, None)
            self._known[name] = known
            while len(self._known) > KEPT:
                del self._known[next(iter(self._known))]

    def _get(self, name: str, *, code: bool) -> dict[str, Any]:
        try:
            return self._whisk.get("actions", f"{PACKAGE}/{name}", code=code)
        except WhiskError as error:
            if error.status != NOT_FOUND:
                raise
            raise TrainingError(
                f"There is no model {name} at {self._whisk.apihost}; deploy it first."
            ) from error


def deployed(action: Mapping[str, Any], name: str) -> Deployed:
    """What an action with its code says. Raises TrainingError for one that is no zip."""
    exec_ = action.get("exec", {})
    try:
        content = base64.b64decode(exec_.get("code") or "", validate=True)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _described(archive, content, exec_.get("image"))
    except (binascii.Error, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise TrainingError(f"The code of the model {name} is no zip that can be read: {error}.") from error


def _described(archive: zipfile.ZipFile, content: bytes, image: str | None) -> Deployed:
    return Deployed(
        content,
        hashlib.sha256(content).hexdigest(),
        image,
        _text(archive, "requirements.txt") or "",
        _text(archive, "build.py"),
        _metadata(archive),
        *training(_text(archive, "model.py")),
    )


def _text(archive: zipfile.ZipFile, name: str) -> str | None:
    if name not in archive.namelist():
        return None
    with archive.open(name) as file:
        return file.read(LARGEST).decode("utf-8-sig")


def _metadata(archive: zipfile.ZipFile) -> Mapping[str, Any]:
    for name in FILES:
        if (said := _text(archive, name)) is not None:
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / name).write_text(said, encoding="utf-8")
                return read_metadata(Path(folder) / name, name).current
    return {}


def training(source: str | None) -> tuple[bool, tuple[str, ...] | None]:
    """Whether a model can be trained, and which arguments of `train` are files; read by syntax alone."""
    if source is None:
        return True, None
    tree = ast.parse(source)
    model = next(
        (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Model"), None
    )
    functions = (model or tree).body
    train = next((one for one in functions if isinstance(one, ast.FunctionDef) and one.name == "train"), None)
    if train is None:
        return bool(model.bases) if model else _from_outside(tree), None
    arguments = [*train.args.posonlyargs, *train.args.args, *train.args.kwonlyargs]
    return True, tuple(one.arg for one in arguments if one.arg not in ("self", "out") and _is_file(one))


def _from_outside(tree: ast.Module) -> bool:
    """Whether what is not in the file may be imported by it, or named as its MODULE."""
    targets = [
        ast.unparse(target) for node in tree.body if isinstance(node, ast.Assign) for target in node.targets
    ]
    return "MODULE" in targets or any(isinstance(node, ast.ImportFrom) for node in tree.body)


def _is_file(argument: ast.arg) -> bool:
    said = ast.unparse(argument.annotation) if argument.annotation else ""
    return "Path" in said or "Image" in said or "bytes" in said
