"""The state of a container: nothing, then one action, for good.

Texts and statuses are those of OpenWhisk's own proxy. A line on stdout and stderr ends the log of every run
and of every init that failed; it is written before the answer, so that whoever has the answer finds the log
whole. Whoever reads both as pipes does without: DEEPWHISK_LOG_ENDS=answer spares two writes, and waking him.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from deepwhisk_runtime import action, model
from deepwhisk_runtime.action import print_traceback
from deepwhisk_runtime.activation import Activation, Gone, Variables, never
from deepwhisk_runtime.errors import Exited, Fault, Refused, describe
from deepwhisk_runtime.held import held_model
from deepwhisk_runtime.jsontext import dumps, loads
from deepwhisk_runtime.packages import install
from deepwhisk_runtime.unpack import BadArchive, unpack

SENTINEL = b"XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n"
TWICE = "Cannot initialize the action more than once."
Answer = tuple[int, bytes]


class Runnable(Protocol):
    """What a container runs: a plain action or a model."""

    @property
    def together(self) -> int: ...

    def run(self, value: Any, activation: Activation) -> bytes: ...


class Container:
    """One action and its folder."""

    def __init__(self) -> None:
        self._initialized = False
        self._runnable: Runnable | None = None
        self._variables = Variables(keep_secret=False)
        self._folder: Path | None = None
        self._before = Path.cwd()
        self._marks = os.environ.pop("DEEPWHISK_LOG_ENDS", "") != "answer"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clear()

    @property
    def together(self) -> int:
        """How many calls it answers at once."""
        return 1 if self._runnable is None else self._runnable.together

    def answer(self, method: str, path: str, body: bytes, beside: Gone | None = None) -> Answer:
        """Status and body for one request; BESIDE others it may run, whose caller may have gone."""
        if path == "/run" and method == "POST":
            return self._run(body, beside)
        if path == "/init" and method == "POST":
            return self._init(body)
        if path in ("/run", "/init"):
            return refuse(405, f"{path} takes POST, not {method}.")
        return refuse(404, f"There is no {path[:200]} here: the container answers POST /init and POST /run.")

    def _init(self, body: bytes) -> Answer:
        if self._initialized:
            print(TWICE, file=sys.stderr)
            return refuse(403, TWICE)
        try:
            self._runnable = self._load(init_message(body))
        except Exception as error:  # noqa: BLE001 — as in a run
            self._clear()
            refusal = refused(error)
            self._end_log()
            return refusal
        self._initialized = True
        flush()
        return 200, b'{"ok":true}\n'

    def _load(self, value: dict[str, Any]) -> Runnable:
        folder = self._folder = Path(tempfile.mkdtemp(prefix="action-"))
        put(value, folder)
        env = value.get("env") or {}
        is_model = model.is_model(folder)
        self._variables = Variables(keep_secret=is_model)
        self._variables.init(env)
        os.chdir(folder)
        install(folder)
        return load_model(folder, env) if is_model else action.load(folder, value.get("main") or "main")

    def _run(self, body: bytes, beside: Gone | None) -> Answer:
        if self._runnable is None:
            return refuse(500, "no action defined yet")
        try:
            status, answer = 200, self._call(self._runnable, run_message(body), beside)
        except Exception as error:  # noqa: BLE001 — one bad call must not end the door for the next
            status, answer = refused(error)
        self._end_log()
        return status, answer

    def _call(self, runnable: Runnable, message: dict[str, Any], beside: Gone | None) -> bytes:
        value = message.pop("value", {})
        if beside is None:  # variables are of the process: calls that overlap would find each other's
            self._variables.run(message)
        try:
            return runnable.run(value, Activation.of(message, beside or never))
        except Exited:
            self._runnable = None
            raise

    def _end_log(self) -> None:
        flush()
        if self._marks:
            mark()

    def _clear(self) -> None:
        if self._folder is not None:
            os.chdir(self._before)
            shutil.rmtree(self._folder, ignore_errors=True)


def put(value: dict[str, Any], folder: Path) -> None:
    """The code that was sent, else that of the model in this image, into the action's folder."""
    held = held_model()
    if held is not None and not value.get("code"):
        shutil.copytree(held, folder, dirs_exist_ok=True)
        return
    try:
        unpack(value["code"], bool(value.get("binary")), folder)
    except BadArchive as error:
        raise Refused(400, f"cannot decode the request: {error}") from error


def load_model(folder: Path, env: dict[str, Any]) -> Runnable:
    """Load the model of a folder; Refused says why that failed."""
    # pydantic is not for plain actions to wait for; a zygote has it already.
    from deepwhisk_runtime import artifact, call, service  # noqa: PLC0415

    name = str(env.get("__OW_ACTION_NAME") or "model").rpartition("/")[2]
    try:
        artifact.settle(env)
        return call.ModelAction(service.load(folder, name, service.Provision.of_environment()))
    except Fault as fault:
        print(fault.message, file=sys.stderr)
        raise Refused(502, fault.as_object(env.get("__OW_ACTIVATION_ID"))) from fault


def refuse(status: int, error: Any) -> Answer:
    """An answer that is an error."""
    return status, dumps({"error": error})


def refused(error: Exception) -> Answer:
    """The answer for what was raised, on purpose or not."""
    if isinstance(error, Refused):
        return refuse(error.status, error.error)
    print_traceback(error)
    return refuse(500, f"Internal error. {describe(error)}")


def init_message(body: bytes) -> dict[str, Any]:
    """The `value` of an `/init` body that holds code, or needs none."""
    value = run_message(body).get("value") or {}
    if not isinstance(value, dict):
        raise Refused(400, f"Error unmarshaling request: value is no object: {type(value).__name__}")
    if not value.get("code"):
        if held_model() is not None:
            return value
        raise Refused(403, "Missing main/no code to execute.")
    if not isinstance(value["code"], str):
        raise Refused(400, f"Error unmarshaling request: code is no string: {type(value['code']).__name__}")
    return value


def run_message(body: bytes) -> dict[str, Any]:
    """The object that a body holds."""
    try:
        message = loads(body)
    except ValueError as error:
        raise Refused(400, f"Error unmarshaling request: {error}") from error
    if not isinstance(message, dict):
        raise Refused(400, f"Error unmarshaling request: the body is no object: {type(message).__name__}")
    return message


def mark() -> None:
    """The line that ends a log, on both streams."""
    for stream in (1, 2):
        with contextlib.suppress(OSError):  # an action may have closed it; then nobody reads there
            os.write(stream, SENTINEL)


def flush() -> None:
    """Hand over what was printed. An action may have closed or replaced its streams."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (ValueError, OSError, AttributeError):
            continue
