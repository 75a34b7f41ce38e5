"""What is known of an attempt, in the store while it runs and at its end.

Law: the result is written last but for the artifact, whose arrival is an event of its own.
"""

import json
import os
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepwhisk_runtime.batch import about, transfer
from deepwhisk_runtime.batch.errors import Failed
from deepwhisk_runtime.batch.inputs import Inputs
from deepwhisk_runtime.batch.logtext import Log
from deepwhisk_runtime.batch.mirror import Mirror
from deepwhisk_runtime.batch.order import Order
from deepwhisk_runtime.batch.patience import SECONDS, Stop, persist


class Record:
    """Metrics, log, checkpoint, environment and result of one attempt."""

    def __init__(self, order: Order, folder: Path, log: Log, gpu: Mapping[str, Any]) -> None:
        self._order, self._folder, self._log = order, folder, log
        self._machine = about.machine() | {"gpu": dict(gpu)}
        self._mirrors: list[Mirror] = []
        self._ended = threading.Event()
        self._restarts = 0

    def begin(self, inputs: Inputs, stop: Stop) -> None:
        """Go on from what this very attempt has left in the store; then keep the store up to date."""
        metrics = self._folder / "metrics.jsonl"
        earlier = self._folder / "log.txt"
        for name, path in (("metrics", metrics), ("log", earlier)):
            if self._order.link("get", name) and inputs.there(
                lambda n=name: self._order.link("get", n), path
            ):
                self._restarts = max(1, int(os.environ.get("SLURM_RESTART_COUNT") or 1))
        if earlier.exists():
            self._log.restore(earlier.read_bytes())
            self._log.say("begun again.")
        whole_lines(metrics)
        self._follow(metrics)
        threading.Thread(target=self._order.watch, args=[stop, self._ended], daemon=True).start()

    def _follow(self, metrics: Path) -> None:
        checkpoint, packages = self._folder / "checkpoint.zip", self._folder / "packages.json"
        environment = Mirror(self._order, "environment", lambda: (stamp(packages),), self._environment)
        environment.anew()
        self._mirrors = [
            environment,
            Mirror(self._order, "metrics", lambda: stamp(metrics), lambda: lines(metrics)),
            Mirror(self._order, "checkpoint", lambda: stamp(checkpoint), lambda: checkpoint),
            Mirror(self._order, "log", lambda: self._log.size, self._log.text, pause=0.5),
        ]
        for mirror in self._mirrors:
            mirror.start()

    def _environment(self) -> bytes:
        path = self._folder / "packages.json"
        packages = json.loads(path.read_bytes()) if path.is_file() else {}
        return json.dumps(self._machine | packages | {"restarts": self._restarts}, indent=1).encode()

    def end(self, end: dict[str, Any], artifact: Path, stop: Stop) -> str:
        """Send the rest. Gives the state of it all."""
        self._ended.set()
        seconds = SECONDS
        self._log.say(" ".join(filter(None, (f"{end['state']}.", end.get("message")))))
        troubles = [said for mirror in self._mirrors if (said := mirror.finish(stop, seconds))]
        end |= {
            "node": socket.gethostname(),
            "restarts": self._restarts,
            "attempt": self._order.told.get("attempt"),
        }
        end |= self._answered(end, stop)
        end = {"output": None, "artifact": None, "answer": None, "exit_code": None} | end
        try:
            self._write("result", json.dumps(end).encode(), stop)
            if end["artifact"] is not None:
                self._artifact(end, artifact, stop)
        except Failed as fault:
            troubles.append(str(fault))
        for trouble in troubles:
            print(f"deepwhisk: could not be kept: {trouble}", flush=True)
        return str(end["state"])

    def _answered(self, end: Mapping[str, Any], stop: Stop) -> dict[str, Any]:
        """Send a prediction's answer, where there is a place for it."""
        answer = self._folder / "answer"
        if not end.get("answer") or self._order.link("put", "answer") is None:
            return {"answer": None}
        told = end["answer"] | {"size": answer.stat().st_size, "sha256": transfer.digest(answer)}
        try:
            self._write("answer", answer, stop)
        except Failed as fault:
            return {"answer": None, "state": "error", "phase": "upload", "message": str(fault)}
        return {"answer": told}

    def _artifact(self, end: dict[str, Any], artifact: Path, stop: Stop) -> None:
        try:
            self._write("artifact", artifact, stop)
        except Failed as fault:
            end |= {"state": "error", "phase": "upload", "message": str(fault), "artifact": None}
            self._write("result", json.dumps(end).encode(), stop)
            raise

    def _write(self, name: str, body: bytes | Path, stop: Stop) -> None:
        def write() -> None:
            link = self._order.link("put", name)
            if link is None:
                raise Failed("upload", f"The job has no place for {name}.")
            transfer.write(link, body)

        persist("upload", write, stop, self._order.renew, until_end=True)


def stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file does; None while there is none."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_size, stat.st_mtime_ns


def whole_lines(path: Path) -> None:
    """Forget the line that a killed process had not ended."""
    if path.is_file():
        path.write_bytes(lines(path))


def lines(path: Path) -> bytes:
    """The lines of a file that are whole."""
    content = path.read_bytes()
    return content[: content.rfind(b"\n") + 1]
