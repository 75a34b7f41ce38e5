"""What Kubernetes says of a Job and its pod, in the words of a runner.

Law: an end is believed when the Job has it; why it ended is what the pod says, while there is one.
"""

from collections.abc import Mapping
from typing import Any

from deepwhisk.batch.kubernetes.request import CANCELLED
from deepwhisk.batch.runner import State, Status

# What a pod waits for that does not come by itself.
STUCK = (
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerError",
    "RunContainerError",
)
# Why a pod was taken away: of its condition DisruptionTarget, or of its own status.
TAKEN = {
    "PreemptionByScheduler": State.PREEMPTED,
    "EvictionByEvictionAPI": State.PREEMPTED,
    "TerminationByKubelet": State.PREEMPTED,
    "Evicted": State.PREEMPTED,
    "Preempting": State.PREEMPTED,
    "DeletionByTaintManager": State.NODE_FAILED,
    "DeletionByPodGC": State.NODE_FAILED,
    "NodeLost": State.NODE_FAILED,
    "NodeShutdown": State.NODE_FAILED,
    "Terminated": State.NODE_FAILED,
    "NodeAffinity": State.NODE_FAILED,
    "UnexpectedAdmissionError": State.NODE_FAILED,
    "DeadlineExceeded": State.TIMEOUT,
}

Json = Mapping[str, Any]


def status_of(job: Json, pod: Json | None) -> Status:
    """One Job, with its newest pod if there is one."""
    name, ended = job["metadata"]["name"], conditions(job)
    node = str((pod or {}).get("spec", {}).get("nodeName") or "")
    if "Complete" in ended:
        return Status(name, State.DONE, node=node)
    if CANCELLED in job["metadata"].get("annotations", {}):
        return _cancelled(name, pod, node)
    failed = ended.get("Failed") or ended.get("FailureTarget")
    if failed and ("Failed" in ended or (pod is not None and _lost(pod))):
        state, reason = _failure(failed, pod)
        return Status(name, state, reason, node)
    if pod is None:
        return _without_pod(name, job)
    state, reason = _present(pod)
    return Status(name, state, reason, node)


def _cancelled(name: str, pod: Json | None, node: str) -> Status:
    """Its pod may still be writing what it has."""
    if pod is not None and pod["status"].get("phase") == "Running":
        return Status(name, State.RUNNING, "it was told to end", node)
    return Status(name, State.CANCELLED, node=node)


def _without_pod(name: str, job: Json) -> Status:
    if job["spec"].get("suspend"):
        return Status(name, State.HELD, "it is suspended")
    return Status(name, State.QUEUED, "its pod is not made yet")


def _lost(pod: Json) -> bool:
    """Whether its node will not say any more how it ended."""
    return _taken(pod) is State.NODE_FAILED


def _failure(failed: Json, pod: Json | None) -> tuple[State, str]:
    said = str(failed.get("message") or failed.get("reason") or "")
    if failed.get("reason") == "DeadlineExceeded":
        return State.TIMEOUT, said
    if pod is None and failed.get("reason") == "PodFailurePolicy":
        return State.PREEMPTED, f"its pod was taken away: {said}"
    if pod is None:
        return State.NODE_FAILED, f"its pod is gone: {said}"
    status = pod["status"]
    told = ": ".join(filter(None, (status.get("reason"), status.get("message"))))
    if (taken := _taken(pod)) is not None:
        return taken, told or _disruption(pod).get("message", "")
    ended = _container(pod).get("terminated") or {}
    if ended.get("reason") == "OOMKilled":
        return State.OUT_OF_MEMORY, "OOMKilled"
    if "exitCode" in ended:
        return State.FAILED, f"exit code {ended['exitCode']}"
    return State.FAILED, told or said


def _present(pod: Json) -> tuple[State, str]:
    """A pod that is no end of its Job."""
    status = pod["status"]
    if pod["metadata"].get("deletionTimestamp"):
        return State.RUNNING, _disruption(pod).get("message", "it was told to end")
    if status.get("phase") != "Pending":
        return State.RUNNING, ""
    waiting = _container(pod).get("waiting") or {}
    reason = ": ".join(filter(None, (waiting.get("reason"), waiting.get("message"))))
    if waiting.get("reason") in STUCK:
        return State.HELD, reason
    placed = conditions(pod, "False").get("PodScheduled", {})
    return State.QUEUED, str(placed.get("message") or reason or "it is being started")


def _taken(pod: Json) -> State | None:
    """Why it was taken away, if it was."""
    reason = _disruption(pod).get("reason") or pod["status"].get("reason")
    return TAKEN.get(str(reason))


def _disruption(pod: Json) -> Json:
    found: Json = conditions(pod).get("DisruptionTarget", {})
    return found


def conditions(thing: Json, status: str = "True") -> dict[str, Json]:
    found = thing.get("status", {}).get("conditions") or []
    return {each["type"]: each for each in found if each["status"] == status}


def _container(pod: Json) -> Json:
    found = pod["status"].get("containerStatuses") or [{}]
    state: Json = found[0].get("state") or {}
    return state
