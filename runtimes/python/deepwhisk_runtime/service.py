"""A loaded model: arguments in, answer out, one call at a time.

Whatever goes wrong is a Fault that names phase and cause; the model stays loaded and the next call works.
"""

import inspect
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from deepwhisk_runtime import model
from deepwhisk_runtime.action import compiled, module_of, print_traceback
from deepwhisk_runtime.arguments import Files
from deepwhisk_runtime.errors import Fault, describe
from deepwhisk_runtime.signature import Signature

Handed = TypeVar("Handed")


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


@dataclass(slots=True)
class Counts:
    """What has happened since the load, for /metrics."""

    loaded_in: float = 0.0
    seconds: float = 0.0
    predictions: int = 0
    faults: dict[str, int] = field(default_factory=dict)


class Service:
    """One model."""

    def __init__(
        self, name: str, folder: Path, description: model.Description, predict: Callable[..., Any]
    ) -> None:
        self.name = name
        self.folder = folder
        self.description = description
        self.signature = Signature(predict)
        self.counts = Counts()
        self._predict = predict
        self._turn = threading.Lock()  # few models can be asked twice at once

    def predict(self, given: Mapping[str, Any], hand_over: Callable[[Any], Handed]) -> Handed:
        """What `hand_over` makes of the model's answer to the arguments; a Fault says why there is none.

        It is called while the files of the call are still there, since an answer may be one of them.
        """
        begun = time.perf_counter()
        try:
            return self._answer(given, hand_over)
        except Fault as fault:
            self.counts.faults[fault.phase] = self.counts.faults.get(fault.phase, 0) + 1
            raise
        finally:
            self.counts.seconds += time.perf_counter() - begun
            self.counts.predictions += 1

    def _answer(self, given: Mapping[str, Any], hand_over: Callable[[Any], Handed]) -> Handed:
        signature = self.signature
        if not signature.files:
            return within("result", hand_over, self._call(within("arguments", signature.check, given)))
        with Files() as files:
            taken = within("arguments", files.take, given, signature.files)
            return within("result", hand_over, self._call(within("arguments", signature.check, taken)))

    def _call(self, arguments: dict[str, Any]) -> Any:
        try:
            with self._turn:
                return self._predict(**arguments)
        except SystemExit as error:
            raise Fault("predict", f"predict ended the program: sys.exit({error.code!r}).", error) from error
        except Exception as error:
            print_traceback(error)
            raise Fault("predict", f"predict raised {describe(error)}", error) from error


def within(phase: str, act: Callable[..., Handed], *given: Any) -> Handed:
    """Act; what the model's own types raise (validators, serializers) is a fault of that phase."""
    try:
        return act(*given)
    except Fault:
        raise
    except Exception as error:
        print_traceback(error)
        raise Fault(phase, f"The {phase} cannot be handled: {describe(error)}", error) from error


def load(folder: Path, name: str, provision: Provision) -> Service:
    """Import the model of a folder and load it; a Fault says why that fails."""
    begun = time.perf_counter()
    try:
        description = model.read(folder)
        sys.path.insert(0, str(folder))
        module = module_of(folder / model.FILE, compiled(folder / model.FILE), "model")
        predict = _predict_of(module, provision, folder) if description.is_class else module.predict
        service = Service(name, folder, description, predict)
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


def _predict_of(module: Any, provision: Provision, folder: Path) -> Callable[..., Any]:
    made = module.Model()
    if load_method := getattr(made, "load", None):
        load_method(**_asked(load_method, provision, folder))
    predict: Callable[..., Any] = made.predict
    return predict


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
