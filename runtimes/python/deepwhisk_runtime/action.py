"""A plain action: a file or folder with a function `main(args)`.

What it raises is an answer, not a failure of the container: `{"error": "<what the exception says>"}`.
"""

import contextlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from deepwhisk_runtime.activation import Activation
from deepwhisk_runtime.errors import Exited, Refused, shown
from deepwhisk_runtime.jsontext import NotJSON, dumps

MODULE = "main__"  # what OpenWhisk's own image calls it, and what tracebacks and pickles name
LOCATE = "The action failed to generate or locate a binary. See logs for details."
START = "Cannot start action. Check logs for details."


class Action:
    """The function of a plain action."""

    together = 1

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function

    def run(self, value: Any, activation: Activation) -> bytes:
        """What the function returns, or the error it raised, as JSON text."""
        try:
            result = self._function(value)
        except Exception as error:  # noqa: BLE001 — whatever it raises is its answer
            print_traceback(error)
            result = {"error": shown(error)}
        except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
            print_parting_words(error)
            raise Exited(400, "command exited") from error
        if not isinstance(result, (dict, list, tuple, type(None))):
            raise Refused(502, "The action did not return a dictionary or array.")
        try:
            return dumps(result)
        except NotJSON as error:
            raise unfit(error) from error


def unfit(error: NotJSON) -> Refused:
    """The answer for a result that JSON cannot hold."""
    if isinstance(error.value, float):
        return Refused(502, f"The action did not return a dictionary or array: JSON cannot hold {error}.")
    return Refused(400, f"The action returned what JSON cannot hold: {error}.")


def load(folder: Path, main: str) -> Action:
    """Import the code of a folder; Refused when it cannot be."""
    source = locate(folder)
    code = compiled(source)
    sys.path.insert(0, str(folder))
    activate_virtualenv(folder)
    try:
        module = module_of(source, code)
        function = getattr(module, main, None)
        if not callable(function):
            raise ImportError(
                f"cannot import name {main!r} from {MODULE!r}: the code has no function {main}(args)"
            )
    except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
        print_parting_words(error)
        print("Command exited abruptly during initialization.", file=sys.stderr)
        raise Refused(502, START) from error
    except Exception as error:
        print_traceback(error)
        raise Refused(502, START) from error
    return Action(function)


def locate(folder: Path) -> Path:
    """The file that holds `main`."""
    if (folder / "__main__.py").is_file():
        return folder / "__main__.py"
    if (folder / "exec").is_file():
        return compiled_before(folder) if is_program(folder / "exec") else folder / "exec"
    print("Zip file does not include main__: put __main__.py or model.py at its root.", file=sys.stderr)
    raise Refused(502, LOCATE)


def is_program(file: Path) -> bool:
    """Whether a file is no Python, but what the operating system runs."""
    with file.open("rb") as content:
        return content.read(4).startswith((b"#!", b"\x7fELF"))


def compiled_before(folder: Path) -> Path:
    """The code in a zip that OpenWhisk's own image has made with `-compile`: `exec` starts it there."""
    if (folder / "main__.py").is_file():
        return folder / "main__.py"
    print("Zip file was compiled before, but does not include main__.py.", file=sys.stderr)
    raise Refused(502, START)


def compiled(source: Path) -> CodeType:
    """The code of a file; its errors of syntax go to the log."""
    try:
        return compile(source.read_bytes(), str(source), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        traceback.print_exception(error, limit=0)
        raise Refused(502, LOCATE) from error


def module_of(source: Path, code: CodeType, name: str = MODULE) -> ModuleType:
    """Run the code of a file as a module."""
    spec = importlib.util.spec_from_file_location(name, source, submodule_search_locations=None)
    module = ModuleType(name) if spec is None else importlib.util.module_from_spec(spec)
    module.__file__ = str(source)
    sys.modules[name] = module
    exec(code, module.__dict__)
    return module


def activate_virtualenv(folder: Path) -> None:
    """Let the packages of a `virtualenv` folder in the zip be found."""
    environment = folder / "virtualenv"
    if not environment.is_dir():
        return
    for place in ("bin", "Scripts"):
        script = environment / place / "activate_this.py"
        if script.is_file():
            exec(compiled(script), {"__file__": os.fspath(script), "__name__": "activate_this"})
            return
    print("Invalid virtualenv. Zip file does not include 'activate_this.py'.", file=sys.stderr)
    raise Refused(502, LOCATE)


def print_parting_words(error: BaseException) -> None:
    """What Python prints of `sys.exit("text")`."""
    if isinstance(error, SystemExit) and isinstance(error.code, str):
        with contextlib.suppress(ValueError, OSError):
            print(error.code, file=sys.stderr)


def print_traceback(error: BaseException) -> None:
    """The traceback on stderr, if that is open, from the first frame that is not of the shim."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__package__") == __package__:
        trace = trace.tb_next
    with contextlib.suppress(ValueError, OSError):
        traceback.print_exception(type(error), error, trace or error.__traceback__)
