"""A loaded model: arguments in, answer out, one call at a time or in batches.

Whatever goes wrong is a Fault that names phase and cause; the model stays loaded and the next call works.
"""

import functools
import inspect
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepwhisk_runtime import answers, model, texts
from deepwhisk_runtime.action import compiled, module_of, print_traceback
from deepwhisk_runtime.arguments import Files
from deepwhisk_runtime.batching import line_of
from deepwhisk_runtime.calling import called, spent, within
from deepwhisk_runtime.errors import Fault, describe
from deepwhisk_runtime.served import JSON, Asking, Counts, Handed, Served, Taking
from deepwhisk_runtime.signature import Signature

if TYPE_CHECKING:
    from deepwhisk_runtime.kept import Kept

OUT = "out"  # the argument of `train` that is not the caller's: where it leaves what comes of it


@dataclass(frozen=True, slots=True)
class Provision:
    """What a model may ask for in `load`, by name."""

    weights: Path | None = None
    artifact: Path | None = None

    @classmethod
    def of_environment(cls, variables: Mapping[str, str] = os.environ) -> "Provision":
        """As the container's environment variables say."""
        weights, artifact = variables.get("DEEPWHISK_WEIGHTS"), variables.get("DEEPWHISK_ARTIFACT")
        return cls(Path(weights) if weights else None, Path(artifact) if artifact else None)


class Service:
    """The model of a folder."""

    wraps = True

    def __init__(
        self,
        name: str,
        folder: Path,
        description: model.Description,
        made: Any,
        provision: Provision = Provision(),
    ) -> None:
        self.name = name
        self.folder = folder
        self.description = description
        self.signature: Taking = Signature(made.predict)
        self.counts = Counts()
        self._line = line_of(made)
        self._kept = kept_of(made, folder, provision)
        self._train: Callable[..., Any] | None = getattr(made, "train", None)

    @property
    def together(self) -> int:
        """How many calls it answers at once."""
        return self._line.most

    @property
    def keeps(self) -> bool:
        """Whether its answers are kept."""
        return self._kept is not None

    @functools.cached_property
    def training(self) -> Taking | None:
        """What a training may be given; None: this model cannot be trained."""
        return None if self._train is None else Signature(self._train, without=(OUT,))

    def told(self) -> dict[str, Any]:
        """What the model's folder tells people about it."""
        # YAML is for pages only: a container that is never asked for them does not wait for it.
        from deepwhisk_runtime.metadata import metadata  # noqa: PLC0415

        return metadata(self.folder, self.description)

    def predict(
        self, given: Mapping[str, Any], hand_over: Callable[[Any], Handed], asking: Asking | None = None
    ) -> Handed:
        """What `hand_over` makes of the model's answer to the arguments; a Fault says why there is none.

        It is called while the files of the call are still there, since an answer may be one of them.
        """
        begun = time.perf_counter()
        try:
            return self._answer(given, hand_over, asking or Asking())
        except Fault as fault:
            self.counts.failed(fault.phase)
            raise
        finally:
            self.counts.ended(begun)

    def _answer(self, given: Mapping[str, Any], hand_over: Callable[[Any], Handed], asking: Asking) -> Handed:
        signature = self.signature
        given = within("arguments", texts.resolved, given, signature)
        if not signature.files:
            arguments = within("arguments", signature.check, given)
            return within("result", hand_over, self._call(arguments, asking))
        with Files() as files:
            taken = within("arguments", files.take, given, signature.files)
            arguments = within("arguments", signature.check, taken)
            return within("result", hand_over, self._call(arguments, asking))

    def _call(self, arguments: dict[str, Any], asking: Asking) -> Any:
        if self._kept is None:
            return self._ask(arguments, asking)
        return within("result", self._kept.answer, arguments, asking, lambda: self._ask(arguments, asking))

    def _ask(self, arguments: dict[str, Any], asking: Asking) -> Any:
        result = self._line.call(arguments, asking.gone)
        wanted = arguments.get("accept") if self.signature.accepts else None
        return result if wanted in (None, JSON) else within("result", answers.typed, result, wanted)

    def train(self, given: Mapping[str, Any], out: Path, note: Callable[[Any], None]) -> Any:
        """Train, and leave in `out` what comes of it; each metrics that it yields is noted.

        Gives what `train` returns, or the last that it yields.
        """
        train = self._train
        if train is None or self.training is None:
            raise Fault("train", f"The model {self.name} cannot be trained: it has no method `train`.")
        with Files() as files:
            taken = within("arguments", files.take, given, self.training.files)
            arguments = within("arguments", self.training.check, taken)
            if OUT in inspect.signature(train).parameters:
                arguments |= {OUT: out}
            return called("train", lambda **named: spent(train(**named), note), arguments)


def load(folder: Path, name: str, provision: Provision) -> Served:
    """Import the model of a folder and load it; a Fault says why that fails."""
    begun = time.perf_counter()
    try:
        description = model.read(folder)
        if description.module is not None:
            # Nothing of this is for models of our own to wait for.
            from deepwhisk_runtime import modules  # noqa: PLC0415

            return modules.load(folder, name, description.module)
        sys.path.insert(0, str(folder))
        module = module_of(folder / model.FILE, compiled(folder / model.FILE), "model")
        made = _made(module, provision, folder) if description.is_class else module
        service = Service(name, folder, description, made, provision)
    except Fault:
        raise
    except model.NotAModel as error:
        message = str(error).replace(f"{folder}/", "")
        raise Fault("load", f"The model cannot be read: {message}.", error.__cause__) from error
    except (Exception, SystemExit) as error:
        print_traceback(error)
        raise Fault("load", f"The model {name} cannot be loaded: {describe(error)}", error) from error
    service.counts.loaded_in = time.perf_counter() - begun
    return service


def kept_of(made: Any, folder: Path, provision: Provision) -> "Kept | None":
    """Where the answers of a model are kept that says it is deterministic."""
    if getattr(made, "deterministic", False) is not True:
        return None
    # Few models say so: no other waits for this.
    from deepwhisk_runtime import identity, kept  # noqa: PLC0415

    version = functools.cache(lambda: identity.version_of(folder, provision.weights, provision.artifact))
    return kept.Kept(version, kept.folder_of())


def _made(module: Any, provision: Provision, folder: Path) -> Any:
    made = module.Model()
    if load_method := getattr(made, "load", None):
        load_method(**_asked(load_method, provision, folder))
    return made


def _asked(load_method: Callable[..., Any], provision: Provision, folder: Path) -> dict[str, Path | None]:
    known = {"weights": provision.weights, "artifact": provision.artifact}
    asked: dict[str, Path | None] = {}
    for parameter in inspect.signature(load_method).parameters.values():
        if parameter.name in known:
            asked[parameter.name] = known[parameter.name]
        elif parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            raise Fault("load", f"load asks for {parameter.name!r}; it may ask for artifact and weights.")
    if "weights" in asked and provision.weights is None and (folder / "build.py").is_file():
        message = (
            "The weights are not made: run build.py with a folder to fill, and name it in DEEPWHISK_WEIGHTS."
        )
        raise Fault("load", message)
    return asked
