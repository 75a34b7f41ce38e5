"""Trainings as the service tells of them: a summary for lists, all of it for one.

Law: no link and no secret is in an answer; `status` is the word that clients of DEEPaaS know, `state` ours.
"""

from typing import Any

from deepwhisk.batch.placement import Found
from deepwhisk.batch.training import Phase, Training
from deepwhisk.batch.view import Known


def summary(known: Known, version: int | None = None) -> dict[str, Any]:
    """What a list tells of a training."""
    training, last = known.training, known.training.end or known.training.last
    request, began = training.request, _began(training)
    arguments = request.get("arguments")
    epochs = arguments.get("epochs") if isinstance(arguments, dict) else None
    return {
        "uuid": training.uuid,
        "kind": request.get("kind", "train"),
        "model": training.model,
        "date": request.get("date"),
        "by": request.get("by"),
        "via": request.get("via"),
        "state": training.phase.value,
        "status": training.phase.shown,
        "reason": (last.reason if last else "") or known.waits,
        "attempt": training.attempt,
        "site": training.site,
        "job": training.job,
        "handle": training.handle,
        "node": _node(training),
        "arguments": arguments or {},
        "sweep": request.get("sweep"),
        "promote": (training.plan or {}).get("promote"),
        "metrics": known.metrics or _output(training),
        "epochs": int(str(epochs)) if str(epochs).isdecimal() else None,
        "begun": began,
        "ended": training.end.at if training.end else None,
        "version": version,
    }


def whole(known: Known, environment: dict[str, Any] | None, version: int | None) -> dict[str, Any]:
    """All that is known of a training."""
    training = known.training
    return {
        **summary(known, version),
        "request": training.request,
        "plan": training.plan,
        "cancel": training.cancel,
        "history": [entry.body() for entry in training.history],
        "result": training.result,
        "environment": environment,
        "files": {str(number): files for number, files in sorted(training.files.items())},
    }


def site(found: Found, under_way: list[Training]) -> dict[str, Any]:
    """What is told of a site."""
    offer = found.offer
    here = [one for one in under_way if one.site == found.site.name]
    return {
        "name": found.site.name,
        "runner": found.site.shown,
        "reachable": offer is not None,
        "reason": found.reason,
        "offer": None if offer is None else {name: getattr(offer, name) for name in OFFERED},
        "waiting": sum(one.phase is not Phase.RUNNING for one in here),
        "running": sum(one.phase is Phase.RUNNING for one in here),
    }


OFFERED = ("cpus", "memory", "gpus", "time", "partitions", "waiting", "free_cpus", "free_gpus")


def _began(training: Training) -> str | None:
    """When it ran first: as the history has it, or as the node said when nobody looked."""
    seen = next((entry.at for entry in training.history if entry.phase is Phase.RUNNING), None)
    return seen or (training.result or {}).get("begun")


def _output(training: Training) -> dict[str, Any] | None:
    """The last metrics of a training that has ended, as its result repeats them."""
    output = (training.result or {}).get("output")
    return output if isinstance(output, dict) and training.request.get("kind") != "predict" else None


def _node(training: Training) -> str:
    nodes = [entry.node for entry in training.history if entry.node]
    return nodes[-1] if nodes else str((training.result or {}).get("node") or "")
