"""Trainings as DEEPaaS V2 has them: begun, listed, looked at, cancelled.

Each is a folder, so that it outlives this process and is seen by all that serve the same model. It runs in a
process of its own (`training.py`), which holds a lock for as long as it lives: that, not a number in a file,
says whether it runs. A prediction never waits for one.

    STATE/NAME/UUID/  training.json   the object, as it is answered
                      request.json    model and arguments, for the process
                      files/  out/    what was uploaded; what the training leaves
                      metrics.jsonl  log  pid  lock
"""

import contextlib
import datetime
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepwhisk_runtime.answers import encode
from deepwhisk_runtime.arguments import Files, Unusable, file_name, opened
from deepwhisk_runtime.calling import within
from deepwhisk_runtime.errors import Fault, Invalid
from deepwhisk_runtime.served import Served, Taking
from deepwhisk_runtime.training import RECORD, REQUEST, replace

NAME = re.compile(r"[0-9a-f]{32}")
END_SECONDS = 10
GONE = "The process of the training ended without a word: it was killed, or the machine was restarted."


class Trainings:
    """The trainings of one model."""

    def __init__(self, state: Path, service: Served) -> None:
        self._home = state.absolute() / service.name
        self._service = service

    def start(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Begin a training; Invalid when the arguments do not fit."""
        signature = self._service.training
        assert signature is not None, "who has no `train` is not asked"
        folder = made(self._home / uuid.uuid4().hex)
        try:
            kept, told = checked(given, signature, folder)
        except BaseException:
            shutil.rmtree(folder)
            raise
        record = {
            "date": str(datetime.datetime.now()),
            "args": told,
            "uuid": folder.name,
            "status": "running",
        }
        model = {"folder": str(self._service.folder), "name": self._service.name}
        replace(folder / REQUEST, {**model, **kept})
        launch(folder, record)
        return record

    def all(self) -> list[dict[str, Any]]:
        """All trainings, the oldest first."""
        names = [path.name for path in self._home.iterdir()] if self._home.is_dir() else []
        found = [record for name in names if (record := self.one(name))]
        return sorted(found, key=lambda record: str(record["date"]))

    def one(self, uuid: str) -> dict[str, Any] | None:
        """One training; None when there is none of this name."""
        folder = self._home / uuid
        if not NAME.fullmatch(uuid) or not (folder / RECORD).is_file():
            return None
        record = read(folder)
        if record["status"] == "running" and not lives(folder):
            record = read(folder)  # it may have ended well between the two
            if record["status"] == "running":
                record |= {"status": "error", "message": GONE}
                replace(folder / RECORD, record)
        return record

    def cancel(self, uuid: str) -> dict[str, Any] | None:
        """End a training that runs; what has ended before stays as it ended."""
        record = self.one(uuid)
        if record is None or record["status"] != "running":
            return record
        folder = self._home / uuid
        end(folder)
        record = read(folder)
        if record["status"] == "running":
            record["status"] = "cancelled"
            replace(folder / RECORD, record)
        return record


def made(folder: Path) -> Path:
    """The folder of a new training."""
    try:
        (folder / "out").mkdir(parents=True)
    except OSError as error:
        message = (
            f"A training cannot be kept in {folder.parent}: {error.strerror}. Name another with --state."
        )
        raise Fault("train", message, error) from error
    return folder


def checked(
    given: Mapping[str, Any], signature: Taking, folder: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments as the process reads them, and as people do."""
    files = {name: kept(name, given[name], folder) for name in signature.files if given.get(name) is not None}
    with Files() as temporary:
        taken = within("arguments", temporary.take, {**given, **files}, signature.files)
        arguments = within("arguments", signature.check, taken)
        told = json.loads(within("arguments", encode, arguments | dict.fromkeys(files)))
    names = {name: named(each) for name, each in files.items()}
    plain = {name: each for name, each in given.items() if name not in files}
    return {"arguments": plain, "files": {name: paths(each) for name, each in files.items()}}, told | names


def kept(name: str, value: Any, folder: Path) -> Path | list[Path]:
    """A file, or several, of a request, kept for as long as the training is."""
    if isinstance(value, list):
        return [kept_one(name, each, folder) for each in value]
    return kept_one(name, value, folder)


def kept_one(name: str, value: Any, folder: Path) -> Path:
    """One file, kept."""
    try:
        incoming = opened(value)
    except Unusable as error:
        raise Invalid({name: [str(error)]}, transient=error.transient) from error
    place = folder / "files" / uuid.uuid4().hex
    place.mkdir(parents=True)
    path = place / file_name(incoming)
    with incoming.stream as stream, path.open("wb") as target:
        shutil.copyfileobj(stream, target)
    return path


def named(value: Path | list[Path]) -> Any:
    """A file as the training object tells it."""
    return [each.name for each in value] if isinstance(value, list) else value.name


def paths(value: Path | list[Path]) -> Any:
    """A file as the process reads it."""
    return [str(each) for each in value] if isinstance(value, list) else str(value)


def launch(folder: Path, record: dict[str, Any]) -> None:
    """Start the process of a training; it inherits the lock, taken before the object is seen."""
    package = str(Path(__file__).parents[1])
    search = os.pathsep.join(each for each in (package, os.environ.get("PYTHONPATH")) if each)
    with (folder / "lock").open("wb") as lock, (folder / "log").open("wb") as log:
        fcntl.flock(lock, fcntl.LOCK_EX)
        replace(folder / RECORD, record)
        process = subprocess.Popen(
            [sys.executable, "-m", "deepwhisk_runtime.training", str(folder)],
            env=os.environ | {"PYTHONPATH": search},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock.fileno()],
            start_new_session=True,  # it outlives the server, and all that it starts can be ended with it
        )
        replace(folder / "pid", process.pid)
    threading.Thread(target=process.wait, daemon=True).start()


def lives(folder: Path) -> bool:
    """Whether the process of a training is there."""
    with (folder / "lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def end(folder: Path) -> None:
    """End the process of a training and all that it started."""
    until = time.monotonic() + END_SECONDS
    while True:
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # it has just ended, or just begins
            os.killpg(int((folder / "pid").read_text()), signal.SIGKILL)
        if not lives(folder) or time.monotonic() > until:
            return
        time.sleep(0.01)


def read(folder: Path) -> dict[str, Any]:
    """The object of a training."""
    record: dict[str, Any] = json.loads((folder / RECORD).read_bytes())
    return record
