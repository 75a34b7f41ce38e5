"""What the nodes of a Kubernetes cluster could give to one pod."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from deepwhisk.batch.kubernetes.request import GPU

UNITS = {
    "": 1,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
CLOSED = ("NoSchedule", "NoExecute")
SMALLEST = 1e-6

Json = Mapping[str, Any]


def quantity(text: Any) -> float:
    """`500m`, `16Gi`, `2`; 0 for what is no quantity."""
    said = re.fullmatch(r"([\d.]+(?:[eE][+-]?\d+)?)([a-zA-Z]*)", str(text))
    return float(said[1]) * UNITS.get(said[2], 0) if said else 0.0


def largest(nodes: Iterable[Json]) -> dict[str, int]:
    """The most that one pod could have, each for itself: cpus, memory (MB), gpus."""
    found = [_resources(node["status"]["allocatable"]) for node in nodes if _is_open(node)]
    return {what: max((math.floor(each[what] + SMALLEST) for each in found), default=0) for what in _NAMES}


def free(nodes: Iterable[Json], pods: Iterable[Json]) -> dict[str, int]:
    """What is left of all nodes by the pods that run on them."""
    left = {
        node["metadata"]["name"]: _resources(node["status"]["allocatable"])
        for node in nodes
        if _is_open(node)
    }
    for pod in pods:
        node = left.get(str(pod["spec"].get("nodeName")))
        if node is None or pod["status"].get("phase") in ("Succeeded", "Failed"):
            continue
        for container in pod["spec"]["containers"]:
            for what, number in _resources(container.get("resources", {}).get("requests") or {}).items():
                node[what] -= number
    return {what: sum(max(0, math.floor(each[what] + SMALLEST)) for each in left.values()) for what in _NAMES}


_NAMES = {"cpus": ("cpu", 1), "memory": ("memory", 2**20), "gpus": (GPU, 1)}


def _resources(given: Json) -> dict[str, float]:
    return {what: quantity(given.get(name, 0)) / unit for what, (name, unit) in _NAMES.items()}


def _is_open(node: Json) -> bool:
    """Whether ordinary pods may go there now. GPU nodes are often kept for those who ask for one."""
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in node["status"]["conditions"])
    taints = node["spec"].get("taints") or []
    closed = [each for each in taints if each["effect"] in CLOSED and each["key"] != GPU]
    return ready and not node["spec"].get("unschedulable") and not closed
