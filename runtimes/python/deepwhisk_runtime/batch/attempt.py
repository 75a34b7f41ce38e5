"""One attempt from its inputs to its end: fetched, put into its environment, done, sent back."""

import json
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deepwhisk_runtime.batch import about, containers, memory, zips
from deepwhisk_runtime.batch.containers import Wanted, Wrapped
from deepwhisk_runtime.batch.environment import Environment, Maker
from deepwhisk_runtime.batch.errors import Failed, Interrupted
from deepwhisk_runtime.batch.inputs import Inputs
from deepwhisk_runtime.batch.kept import Kept
from deepwhisk_runtime.batch.logtext import Log
from deepwhisk_runtime.batch.order import Order
from deepwhisk_runtime.batch.patience import Stop
from deepwhisk_runtime.batch.record import Record

RUNTIME = Path(__file__).parents[2]
SHARE = 0.6  # of the grace that a model may take to end; the rest is for what it leaves
NOT_HANDED = ("SLURM_JWT", "DEEPWHISK_JOB", "DEEPWHISK_ARTIFACT")


class Attempt:
    """The folder of it is removed at its end."""

    def __init__(self, order: Order, stop: Stop, cache: Path) -> None:
        self._order, self._stop, self._cache = order, stop, cache
        self.folder = Path(tempfile.mkdtemp(prefix="deepwhisk-job-"))
        for name in ("out", "here", "tmp"):
            (self.folder / name).mkdir()
        self.log = Log()
        self._begun, self._kills = now(), memory.kills()
        self.gpu = about.gpu(order.told.get("gpus") or {})
        self.record = Record(order, self.folder, self.log, self.gpu)

    def run(self) -> str:
        """Do all of it; gives the state that it ended in."""
        try:
            end = self._ended()
            return self._told(end)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _ended(self) -> dict[str, Any]:
        try:
            return self._done()
        except Failed as fault:
            return {"state": "error", "phase": fault.phase, "message": str(fault)}
        except Interrupted as reason:
            return {"state": "interrupted", "phase": "begin", "message": f"Told to end ({reason})."}
        except OSError as error:
            message = f"The node {socket.gethostname()} does not let it: {error}."
            return {"state": "error", "phase": "begin", "message": message}

    def _done(self) -> dict[str, Any]:
        if self._order.unwanted:
            raise Interrupted(self._order.unwanted)
        inputs = Inputs(self._order, self.folder, self.log, self._stop)
        self.record.begin(inputs, self._stop)
        self._greet()
        code, artifact, files = inputs.code(), inputs.artifact(), inputs.files()
        whose = inputs.checkpoint(self.folder / "out")
        if whose:
            self.log.say(f"goes on from the checkpoint of {whose}.")
        kind, environment = self._surroundings(code)
        self._stop.check()
        self._request(code, files, environment, artifact)
        return self._worked(kind, environment, artifact)

    def _surroundings(self, code: Path) -> tuple[str | None, Environment | None]:
        """The sort of container, and the environment unless that is the image's."""
        told = self._order.told
        wanted = told.get("container") or {}
        kind = containers.chosen(wanted.get("with"), wanted.get("image"))
        if kind:
            self.log.say(f"runs in {kind}.")
        if containers.wraps_image(kind):
            return kind, None
        maker = Maker(self._cache, self.log, self._stop)
        return kind, maker.of(code, str(told["model"]), told.get("environment") or {})

    def _greet(self) -> None:
        told = self._order.told
        what = f"{told.get('kind', 'train')} {told['model']}, {told['uuid']}, attempt {told.get('attempt')}"
        self.log.say(f"{what}, on {socket.gethostname()}. {self.gpu['said']}")
        if self.gpu["required"] and self.gpu["asked"] > len(self.gpu["visible"]):
            count = self.gpu["asked"]
            raise Failed("begin", f"{self.gpu['said'].partition(':')[0]}, and the job requires {count}.")

    def _request(
        self, code: Path, files: Mapping[str, Any], environment: Environment | None, artifact: Path | None
    ) -> None:
        told = self._order.told
        request = {
            "kind": told.get("kind") or "train",
            "model": told["model"],
            "code": str(code),
            "arguments": told.get("arguments") or {},
            "files": files,
            "out": str(self.folder / "out"),
            "weights": path(environment.weights if environment else None),
            "artifact": path(artifact),
        }
        (self.folder / "request.json").write_text(json.dumps(request), encoding="utf-8")

    def _worked(
        self, kind: str | None, environment: Environment | None, artifact: Path | None
    ) -> dict[str, Any]:
        variables = self._variables() | ({"DEEPWHISK_ARTIFACT": str(artifact)} if artifact else {})
        wrapped = self._wrapped(kind, environment, variables)
        here, remove = self.folder / "here", ["rm", "-rf", str(self.folder)]
        work = Kept(wrapped.command, here, variables, self.log.write, wrapped.after, remove)
        try:
            code = work.wait(self._stop, patience=SHARE)
        finally:
            work.end()
        return self._end(code)

    def _wrapped(
        self, kind: str | None, environment: Environment | None, variables: Mapping[str, str]
    ) -> Wrapped:
        told = self._order.told
        name = f"deepwhisk-{told['uuid']}-{told.get('attempt')}-{os.getpid()}"
        shown = [RUNTIME, *([self._cache] if environment else [])]
        image = (told.get("container") or {}).get("image")
        wanted = Wanted(name, image, self.folder, shown, variables, bool(self.gpu["used"]))
        if environment is None:
            return containers.OF_IMAGES[str(kind)](wanted)
        command = [str(environment.python), "-m", "deepwhisk_runtime.batch.work", str(self.folder)]
        return Wrapped(command, []) if kind is None else containers.bubblewrap(wanted, command)

    def _variables(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PYTHON") and name not in NOT_HANDED
        }
        cpus = (self._order.told.get("resources") or {}).get("cpus") or os.environ.get("SLURM_CPUS_PER_TASK")
        threads = {"OMP_NUM_THREADS": str(cpus), "OPENBLAS_NUM_THREADS": str(cpus)} if cpus else {}
        return (
            threads
            | kept
            | {
                "PYTHONPATH": str(RUNTIME),
                "PYTHONUNBUFFERED": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
                "TMPDIR": str(self.folder / "tmp"),
                "DEEPWHISK_OUT": str(self.folder / "out"),
            }
        )

    def _end(self, code: int) -> dict[str, Any]:
        """What the process of the model said at its end, or why it could not."""
        path = self.folder / "end.json"
        if path.is_file():
            said: dict[str, Any] = json.loads(path.read_bytes())
            return said | {"exit_code": code}
        if self._stop:
            message = f"Told to end ({self._stop.reason}); the model did not within its time, and was ended."
            return {"state": "interrupted", "phase": "train", "message": message, "exit_code": code}
        how = f"exited with status {code}"
        if code < 0:
            how = f"was ended by signal {-code} ({signal.strsignal(-code)})"
        if memory.kills() > self._kills:
            how += ": it wanted more memory than the job was given"
        elif code == -signal.SIGKILL:
            how += "; a node does that to one that wants more memory than there is"
        phase = str(self._order.told.get("kind") or "train")
        message = f"The process of the model {how}."
        return {"state": "error", "phase": phase, "message": message, "exit_code": code}

    def _told(self, end: dict[str, Any]) -> str:
        """Send everything that is to be kept, the artifact last."""
        end |= {"begun": self._begun, "ended": now(), "gpu": self.gpu}
        if end["state"] == "interrupted":
            end["message"] = end["message"] if not self._stop else f"Told to end ({self._stop.reason})."
            end["state"] = "cancelled" if self._order.cancelled else "interrupted"
        artifact = self.folder / "artifact.zip"
        if end["state"] == "done" and self._order.told.get("kind") != "predict":
            try:
                end["artifact"] = self._packed(artifact)
            except (Failed, OSError) as fault:
                end |= {"state": "error", "phase": "artifact", "message": str(fault)}
        return self.record.end(end, artifact, self._stop)

    def _packed(self, artifact: Path) -> dict[str, Any] | None:
        count = zips.packed(self.folder / "out", artifact, without=zips.CHECKPOINT)
        if not count:
            self.log.say("the training left no file in its folder: there is no artifact.")
            return None
        size = artifact.stat().st_size
        return {"sha256": zips.sha256(artifact), "size": size, "files": count}


def path(given: Path | None) -> str | None:
    """A path as JSON."""
    return None if given is None else str(given)


def now() -> str:
    """The time, as everything of a training tells it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
