"""`python -m deepwhisk_runtime.batch.work FOLDER`: the process of the model, in the model's environment.

It tells what it does by files in that folder, each of which is replaced whole or grows by lines; it knows no
link. Asked to end (SIGTERM, SIGUSR1), a training ends where it next yields: between two steps.

    request.json → packages.json, metrics.jsonl, checkpoint.zip, answer, end.json
"""

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from deepwhisk_runtime.answers import Outgoing, encode, file_of
from deepwhisk_runtime.batch import about
from deepwhisk_runtime.batch.checkpoints import Checkpoints
from deepwhisk_runtime.batch.errors import Failed
from deepwhisk_runtime.batch.lines import Lines
from deepwhisk_runtime.errors import Fault
from deepwhisk_runtime.served import Served
from deepwhisk_runtime.service import Provision, load

ASKED = (signal.SIGTERM, signal.SIGUSR1)


class Ended(BaseException):
    """Raised between two steps of a training that was asked to end; no model catches it by mistake."""


class Work:
    """One training or prediction."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._asked = False
        self.request: dict[str, Any] = json.loads((folder / "request.json").read_bytes())
        self.out = Path(self.request["out"])
        self._lines = Lines(folder / "metrics.jsonl")
        self._checkpoints = Checkpoints(self.out, folder / "checkpoint.zip")

    def listen(self) -> None:
        """Take signals as the wish to end."""
        for number in ASKED:
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True

    def done(self) -> dict[str, Any]:
        """Do it; gives how it ended."""
        try:
            service = self._loaded()
            self._check()
            kind = self.request["kind"]
            return self._predicted(service) if kind == "predict" else self._trained(service)
        except Ended:
            pass  # only what follows has let go of the model's frames, and with them closed its generator
        except (Fault, Failed) as fault:
            return {"state": "error", "phase": fault.phase, "message": str(fault)}
        self._checkpoints.keep()
        return {
            "state": "interrupted",
            "phase": "train",
            "message": "It ended between two steps.",
            **self._last(),
        }

    def _loaded(self) -> Served:
        weights, artifact = self.request["weights"], self.request["artifact"]
        weights = weights or os.environ.get("DEEPWHISK_WEIGHTS")  # of an image
        provision = Provision(Path(weights) if weights else None, Path(artifact) if artifact else None)
        return load(Path(self.request["code"]), self.request["model"], provision)

    def _trained(self, service: Served) -> dict[str, Any]:
        if service.training is None:
            raise Fault("train", f"The model {service.name} cannot be trained: it has no method `train`.")
        given = self._given(service.training.files)
        output = service.train(given, self.out, self._note)
        self._checkpoints.keep()
        told = None if output is None else self._lines.plain(output)
        return {"state": "done", "phase": "train", "message": "", "output": told}

    def _predicted(self, service: Served) -> dict[str, Any]:
        given = self._given(service.signature.files)
        output = service.predict(given, self._answer)
        return {"state": "done", "phase": "predict", "message": "", **output}

    def _answer(self, result: Any) -> dict[str, Any]:
        """Lay the answer down; it may be one of the files of the call, which are gone after it."""
        text = encode(result)
        file = file_of(result) or Outgoing(text, "application/json")
        (self._folder / "answer").write_bytes(file.content)
        told = {"contentType": file.content_type, "filename": file.name}
        return {"output": json.loads(text), "answer": told}

    def _given(self, files: Any) -> dict[str, Any]:
        """The arguments as they were said, and the files where they lie."""
        given = dict(self.request["arguments"])
        for name, place in self.request["files"].items():
            many = name in files and files[name].many
            given[name] = [Path(each) for each in place["files"]] if many else Path(place["path"])
        return given

    def _note(self, metrics: Any) -> None:
        self._lines.add(metrics)
        self._checkpoints.look()
        self._check()

    def _check(self) -> None:
        if self._asked:
            raise Ended

    def _last(self) -> dict[str, Any]:
        return {"output": self._lines.last} if self._lines.last is not None else {}


def write(path: Path, value: Any) -> None:
    """Write a file whole: whoever reads it sees the one before or this one."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(json.dumps(value), encoding="utf-8")
    os.replace(new, path)


def main(folder: Path) -> int:
    """Do the work and write how it ended."""
    work = Work(folder)
    work.listen()
    write(folder / "packages.json", about.packages())
    sys.path.insert(0, work.request["code"])
    end = work.done()
    sys.stdout.flush()
    write(folder / "end.json", end)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
