"""Trainings and long predictions over a web action: handed to the actions training/*, by whoever asks.

Law: a web action is for everybody, and these cost: each request needs the caller's own OpenWhisk key, with
which everything here is asked, so that nobody has more here than with that key itself. What arrives as a file
goes into the store first; arguments are checked before anything is begun.
"""

import os
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import request

from deepwhisk_runtime.errors import Fault
from deepwhisk_runtime.served import Served, Taking
from deepwhisk_runtime.trainings import checked
from deepwhisk_runtime.uploads import put, references
from deepwhisk_runtime.whisk import Caller, Unanswered

PAGE, MOST = 200, 2000
UNAUTHORIZED, MISSING, NOT_HERE = 401, 404, 501
KEY = "This needs your OpenWhisk key: Authorization: Basic, with what `wsk property get --auth` tells."
NO_PACKAGE = "Trainings and long predictions need the package `training`; deploy it beside the models."
ENDED = ("done", "error", "cancelled", "refused", "lost")


class Jobs:
    """The trainings and long predictions of one model."""

    def __init__(self, service: Served, variables: Mapping[str, str] = os.environ) -> None:
        self._service = service
        self._host = variables.get("__OW_API_HOST", "")
        self._namespace = (variables.get("__OW_ACTION_NAME") or "/_").split("/")[1]

    def start(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Begin a training; Invalid when the arguments do not fit."""
        assert self._service.training is not None, "who has no `train` is not asked"
        return shown(self._submitted("train", given, self._service.training))

    def all(self) -> list[dict[str, Any]]:
        """All trainings, the oldest first."""
        found: list[dict[str, Any]] = []
        while len(found) < MOST:
            given = {"model": self._service.name, "limit": PAGE, "skip": len(found)}
            page = self._asked("list", given)["trainings"]
            found += page
            if len(page) < PAGE:
                break
        return [shown(each) for each in reversed(found) if each.get("kind") != "predict"]

    def one(self, uuid: str) -> dict[str, Any] | None:
        """One training; None when there is none of this name."""
        return self._own("show", uuid, "train")

    def cancel(self, uuid: str) -> dict[str, Any] | None:
        """End a training that runs; what has ended before stays as it ended."""
        return self.one(uuid) and self._own("cancel", uuid, "train")

    def predict(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Begin a prediction that takes longer than a call may."""
        return shown(self._submitted("predict", given, self._service.signature))

    def prediction(self, uuid: str) -> dict[str, Any] | None:
        """A long prediction, with its result or a link to that; None when there is none of this name."""
        return self._own("result", uuid, "predict")

    def stop(self, uuid: str) -> dict[str, Any] | None:
        """End a long prediction."""
        return self.prediction(uuid) and self._own("cancel", uuid, "predict")

    def _own(self, verb: str, uuid: str, kind: str) -> dict[str, Any] | None:
        try:
            found = self._asked(verb, {"uuid": uuid})
        except Fault as fault:
            if fault.status == MISSING:
                return None
            raise
        of_this = (found.get("model"), found.get("kind", "train")) == (self._service.name, kind)
        return shown(found) if of_this else None

    def _submitted(self, kind: str, given: Mapping[str, Any], signature: Taking) -> dict[str, Any]:
        caller = self._caller()
        with tempfile.TemporaryDirectory(prefix="job-") as folder:
            known, plain = references(given, signature, Path(folder))
            kept, told = checked(plain, signature, Path(folder))
            try:
                files = {name: known.get(name) or put(caller, each) for name, each in kept["files"].items()}
            except Unanswered as error:
                raise faulty(error) from error
        arguments = {name: each for name, each in told.items() if name not in signature.files}
        asked = {"model": self._service.name, "kind": kind, "via": "web", "arguments": arguments}
        return {**self._asked("submit", {**asked, "files": files}), "args": told}

    def _asked(self, verb: str, given: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self._caller().ask(f"training/{verb}", given, seconds=60)
        except Unanswered as error:
            raise faulty(error) from error

    def _caller(self) -> Caller:
        """Whoever asks, with the key that came along."""
        authorization = request.headers.get("Authorization", "")
        if not authorization.lower().startswith("basic "):
            raise Fault("arguments", KEY, status=UNAUTHORIZED)
        return Caller(self._host, self._namespace, authorization)


def faulty(error: Unanswered) -> Fault:
    """What an action has refused, as this API says it."""
    if error.status == MISSING and not error.of_action:
        return Fault("train", NO_PACKAGE, status=NOT_HERE)
    if error.status == UNAUTHORIZED:
        return Fault("train", KEY, status=UNAUTHORIZED)
    fault = Fault("train", str(error), status=error.status)
    fault.transient = error.transient
    return fault


def shown(found: Mapping[str, Any]) -> dict[str, Any]:
    """A training as clients of DEEPaaS know it, with the state that it is really in."""
    state = str(found.get("state") or "submitted")
    told: dict[str, Any] = {
        "date": plain(found.get("date")),
        "args": found.get("args", found.get("arguments") or {}),
        "uuid": found.get("uuid"),
        "status": status_of(state),
        "state": state,
    }
    why = found.get("waiting") or (found.get("result") or {}).get("message") or found.get("message")
    if why := why or found.get("reason"):
        told["message"] = why
    if state == "done" and found.get("kind") != "predict":
        told["result"] = result_of(found)
    return told | {name: found[name] for name in ("output", "link", "answer", "version") if found.get(name)}


def status_of(state: str) -> str:
    """One of the four words that clients know."""
    if state not in ENDED:
        return "running"
    return state if state in ("done", "cancelled") else "error"


def result_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """What came of a training, and when."""
    output = (found.get("result") or {}).get("output", found.get("metrics"))
    told = {"output": output, "finish_date": plain(found.get("ended"))}
    begun, ended = found.get("begun") or found.get("date"), found.get("ended")
    if begun and ended:
        told["duration"] = str(moment(ended) - moment(begun))
    return told


def moment(written: Any) -> datetime:
    """A time that was written down."""
    return datetime.fromisoformat(str(written).replace("Z", "+00:00"))


def plain(written: Any) -> str | None:
    """A time as DEEPaaS writes it; ours are in UTC."""
    return str(moment(written).replace(tzinfo=None)) if written else None
