"""What a node is told: the document of an attempt, whose signed links are all the rights it has.

Law: a link allows one thing with one object for a day; the document is written anew well before that, and the
node reads it again at the link `self`. Nobody logs a link.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from deepwhisk.batch.layout import Attempt
from deepwhisk.batch.records import Records
from deepwhisk.batch.training import Training
from deepwhisk.objects.store import LINK_SECONDS, Method

DAY = 24 * 3600
PUTS = ("environment", "metrics", "log", "checkpoint", "result", "artifact")
GETS = ("environment", "metrics", "log", "checkpoint", "result")
GRACE = 30


class Links:
    """Signs and writes the documents of attempts."""

    def __init__(self, records: Records, life: int = DAY) -> None:
        self._records = records
        self.life = min(life, LINK_SECONDS)

    def write(self, training: Training, attempt: int, *, stop: str = "", container: str = "") -> None:
        """Write the document of an attempt, or write it anew; STOP tells the node to end, and why."""
        document = self.document(training, attempt)
        document["container"] = {"image": (training.plan or {}).get("image"), "with": container or None}
        if stop:
            document["stop"] = stop
        self._records.write(training.place.attempt(attempt).job, document)

    def entrance(self, training: Training, attempt: int) -> str:
        """The one link that a job is told: to its document. It lives as long as links can."""
        return self._sign(training.place.attempt(attempt).job, "GET", LINK_SECONDS)

    def document(self, training: Training, attempt: int) -> dict[str, Any]:
        """All that a node needs to know."""
        place, plan, request = training.place, training.plan or {}, training.request
        keys, renew = place.attempt(attempt), datetime.now(UTC) + timedelta(seconds=self.life / 2)
        resources = plan.get("resources") or {}
        return {
            "uuid": place.uuid,
            "kind": request.get("kind", "train"),
            "model": place.model,
            "attempt": attempt,
            "renew": renew.isoformat(timespec="seconds"),
            "self": self.entrance(training, attempt),
            "code": self._digested(plan.get("code")),
            "runtime": self._digested(plan.get("runtime")),
            "environment": plan.get("environment"),
            "arguments": request.get("arguments") or {},
            "files": {name: [self._file(one) for one in files] for name, files in self._files(plan)},
            "many": plan.get("many") or [],
            "resume": self._resume(training, attempt),
            "put": self._puts(keys),
            "get": {name: self._sign(getattr(keys, name)) for name in GETS},
            "artifact": self._digested(plan.get("artifact")),
            "gpus": {"count": resources.get("gpus", 0), "required": resources.get("gpu_required", False)},
            "grace": GRACE,
        }

    def _puts(self, keys: Attempt) -> dict[str, str]:
        own = {name: self._sign(getattr(keys, name), "PUT") for name in PUTS}
        return {**own, "answer": self._sign(f"{keys.prefix}answer", "PUT")}

    def _files(self, plan: Mapping[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
        return list((plan.get("files") or {}).items())

    def _file(self, one: Mapping[str, Any]) -> dict[str, Any]:
        url = self._records.store.link(str(one["bucket"]), str(one["key"]), seconds=self.life)
        name = one.get("name") or str(one["key"]).rpartition("/")[2]
        return {"url": url, "name": name, "size": one["size"], "etag": one["etag"]}

    def _resume(self, training: Training, attempt: int) -> dict[str, str] | None:
        """The last checkpoint of the attempts before."""
        number = checkpoint(training, attempt)
        return {"url": self._sign(training.place.attempt(number).checkpoint)} if number else None

    def _digested(self, part: Mapping[str, Any] | None) -> dict[str, str] | None:
        return {"url": self._sign(part["key"]), "sha256": part["sha256"]} if part else None

    def _sign(self, key: str, method: Method = "GET", seconds: int = 0) -> str:
        return self._records.store.link(
            self._records.bucket, key, method=method, seconds=seconds or self.life
        )


def checkpoint(training: Training, before: int) -> int:
    """The last attempt before one that left a checkpoint; 0 for none."""
    left = [
        number for number, files in training.files.items() if "checkpoint.zip" in files and number < before
    ]
    return max(left, default=0)
