"""Modules from outside: an installed package with an entry point in `deepaas.v2.model`, served as it is.

What the entry point names (a module, a class, an instance) offers any of get_metadata, warm,
get_predict_args, predict, get_train_args, train and schema. What modules import of DEEPaaS is in `compat/`,
last on the path: where DEEPaaS is installed, its own comes first.
"""

import importlib
import inspect
import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from deepwhisk_runtime.action import print_traceback
from deepwhisk_runtime.arguments import Files
from deepwhisk_runtime.calling import spent, within
from deepwhisk_runtime.errors import Fault, describe
from deepwhisk_runtime.fields import FieldSignature, answer_of
from deepwhisk_runtime.moduleanswers import answered, asked, settled
from deepwhisk_runtime.served import Asking, Counts, Handed, Taking

GROUP = "deepaas.v2.model"
COMPAT = Path(__file__).parent / "compat"
CODE = "module"  # the folder, beside the model.py that names it, where its packages may lie


class Module:
    """One module from outside."""

    together = 1
    keeps = False

    def __init__(self, name: str, folder: Path, offered: Any, about: Mapping[str, Any]) -> None:
        self.name = name
        self.folder = folder
        self.counts = Counts()
        self._offered = offered
        self._about = about
        self._turn = threading.Lock()  # few models can be asked twice at once
        schema = getattr(offered, "schema", None)
        self.wraps = schema is None
        self._schema = None if schema is None else answer_of(schema)
        self.signature: Taking = FieldSignature(declared(offered, "get_predict_args"), schema)
        trains = self._offers("train")
        self._training = FieldSignature(declared(offered, "get_train_args")) if trains else None

    @property
    def training(self) -> Taking | None:
        """What a training may be given; None: this module cannot be trained."""
        return self._training

    def _offers(self, name: str) -> bool:
        function = getattr(self._offered, name, None)
        # The base class of DEEPaaS has them all, and they all raise.
        return callable(function) and "BaseModel" not in getattr(function, "__qualname__", "")

    def told(self) -> dict[str, Any]:
        """What is told of the module, where it is and by itself."""
        # YAML is for pages only: a container that is never asked for them does not wait for it.
        from deepwhisk_runtime.metadata import described, members  # noqa: PLC0415

        told = described(self.folder, dict(self._about))
        if not self._offers("get_metadata"):
            return told
        try:
            return told | members(asked("metadata", self._offered.get_metadata))
        except Fault as fault:
            return told | {"metadata_error": fault.message}

    def predict(
        self, given: Mapping[str, Any], hand_over: Callable[[Any], Handed], asking: Asking | None = None
    ) -> Handed:
        """What `hand_over` makes of the answer, which may be one of the files of the call."""
        begun = time.perf_counter()
        try:
            return self._answer(given, hand_over)
        except Fault as fault:
            self.counts.failed(fault.phase)
            raise
        finally:
            self.counts.ended(begun)

    def _answer(self, given: Mapping[str, Any], hand_over: Callable[[Any], Handed]) -> Handed:
        with Files() as files:
            taken = within("arguments", files.take, given, self.signature.files)
            arguments = within("arguments", self.signature.check, taken)
            with self._turn:
                result = asked("predict", getattr(self._offered, "predict", None), arguments)
            answer = within("result", answered, result, arguments.get("accept"), self._schema)
            return within("result", hand_over, answer)

    def train(self, given: Mapping[str, Any], out: Path, note: Callable[[Any], None]) -> Any:
        """Train; what the module leaves, it leaves where it always does."""
        if self.training is None:
            raise Fault("train", f"The module {self.name} cannot be trained: it offers no train.", status=501)
        with Files() as files:
            taken = within("arguments", files.take, given, self.training.files)
            arguments = within("arguments", self.training.check, taken)
            return asked("train", lambda **named: spent(self._offered.train(**named), note), arguments)


def declared(offered: Any, name: str) -> Any:
    """The arguments that a module declares; none where it does not."""
    try:
        return getattr(offered, name, dict)()
    except NotImplementedError:
        return None


def load(folder: Path | None, name: str | None, wanted: str) -> Module:
    """Import the module that an entry point names, and warm it; a Fault says why that fails."""
    begun = time.perf_counter()
    make_way(folder)
    try:
        point = find(wanted)
        offered = point.load()
        offered = offered() if inspect.isclass(offered) else offered
        module = Module(name or point.name, folder or home(point), offered, about(point))
        warmed(offered)
    except Fault:
        raise
    except (Exception, SystemExit) as error:
        print_traceback(error)
        raise Fault("load", f"The module {wanted} cannot be loaded: {describe(error)}", error) from error
    module.counts.loaded_in = time.perf_counter() - begun
    return module


def make_way(folder: Path | None) -> None:
    """Let the module and what it imports of DEEPaaS be found, and what it logs be seen."""
    if folder is not None and (folder / CODE).is_dir():
        sys.path.insert(0, str(folder / CODE))
        if (known := sys.modules.get("pkg_resources")) is not None:
            known.working_set.add_entry(sys.path[0])  # it has looked for packages once, before
    if str(COMPAT) not in sys.path:
        sys.path.append(str(COMPAT))
    importlib.invalidate_caches()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")


def find(wanted: str) -> EntryPoint:
    """The entry point of this name; Fault names those there are."""
    points = entry_points(group=GROUP)
    for point in points:
        if wanted in (point.name, point.dist.name if point.dist else ""):
            return point
    known = ", ".join(sorted({point.name for point in points})) or "none"
    raise Fault(
        "load", f"No installed package has a module {wanted!r} among its {GROUP}; there are: {known}."
    )


def home(point: EntryPoint) -> Path:
    """The folder that a package is installed in."""
    return Path(str(point.dist.locate_file(""))) if point.dist else Path.cwd()


def about(point: EntryPoint) -> dict[str, Any]:
    """What the package of a module tells of itself."""
    if point.dist is None:
        return {"title": point.name}
    given = dict(point.dist.metadata.items())  # type: ignore[attr-defined]
    told = {
        "title": given["Name"],
        "summary": given.get("Summary"),
        "version": given["Version"],
        "author": given.get("Author") or given.get("Author-email"),
        "license": given.get("License-Expression") or given.get("License"),
    }
    return {name: each for name, each in told.items() if each}


def warmed(offered: Any) -> None:
    """Get ready for the first prediction, where a module knows how."""
    warm = getattr(offered, "warm", None)
    if warm is None:
        return
    try:
        settled(warm())
    except NotImplementedError:
        return
