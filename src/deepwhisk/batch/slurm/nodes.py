"""What a cluster has: its nodes, in each of the partitions they are in."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from deepwhisk.batch.runner import Offer
from deepwhisk.batch.slurm.states import seconds

FRESH_SECONDS = 300  # what a cluster has changes seldom
_COLUMNS = {
    "Partition": 64,
    "Available": 10,
    "Time": 20,
    "CPUs": 12,
    "Memory": 20,
    "Gres": 200,
    "GresUsed": 200,
    "CPUsState": 40,
    "StateLong": 20,
    "NodeList": 200,
}
FORMAT = "--Format=" + ",".join(f"{name}:{width}" for name, width in _COLUMNS.items())
# A node on which a job ends is "completing" for a moment; others have a mark: not responding, drained…
_WORKS = ("idle", "mixed", "allocated", "completing")
_GPUS = re.compile(r"gpu(?::[^:,()]+)*:(\d+)")


@dataclass(frozen=True, slots=True)
class Node:
    """One node in one partition."""

    name: str
    partition: str
    usual: bool  # the partition of jobs that name none
    time: int | None
    cpus: int
    memory: int
    gpus: int
    free_cpus: int
    free_gpus: int


class Capacity:
    """The nodes as they were told last, for as long as that is good enough."""

    def __init__(self, ask: Callable[[], list[Node]]) -> None:
        self._ask = ask
        self._nodes: list[Node] = []
        self._until = 0.0

    def offer(self, partition: str | None) -> Offer:
        """What one job in a partition, or in the usual one, could have at most."""
        if time.monotonic() >= self._until:
            self.renewed(0)
        named = set(partition.split(",")) if partition else None
        chosen = [node for node in self._nodes if (node.partition in named if named else node.usual)]
        # Without a usual partition, or with one that is not there, Slurm has the last word.
        offer = offered(chosen or self._nodes)
        return replace(offer, partitions=offered(self._nodes).partitions)

    def renewed(self, waiting: int) -> Offer:
        """What could be had in any partition, asked now."""
        self._nodes = self._ask()
        self._until = time.monotonic() + FRESH_SECONDS
        return replace(offered(self._nodes), waiting=waiting)


def offered(nodes: Sequence[Node]) -> Offer:
    """The best of the nodes for one job, and what is free on all."""
    each = {node.name: node for node in nodes}.values()
    return Offer(
        cpus=max((node.cpus for node in nodes), default=0),
        memory=max((node.memory for node in nodes), default=0),
        gpus=max((node.gpus for node in nodes), default=0),
        time=None
        if any(node.time is None for node in nodes)
        else max((node.time or 0 for node in nodes), default=0),
        partitions=tuple(sorted({node.partition for node in nodes})),
        free_cpus=sum(node.free_cpus for node in each),
        free_gpus=sum(node.free_gpus for node in each),
    )


def read_nodes(listing: str) -> list[Node]:
    """What `sinfo --Node` tells; partitions that take no jobs are left out."""
    rows = (_cells(line) for line in listing.splitlines() if line.strip())
    return [_node(cells) for cells in rows if cells["Available"] == "up"]


def _cells(line: str) -> dict[str, str]:
    cells = {}
    for name, width in _COLUMNS.items():
        cells[name], line = line[:width].strip(), line[width:]
    return cells


def _node(cells: dict[str, str]) -> Node:
    works = cells["StateLong"] in _WORKS
    gpus, idle = count_gpus(cells["Gres"]), int(cells["CPUsState"].split("/")[1])
    return Node(
        name=cells["NodeList"],
        partition=cells["Partition"].rstrip("*"),
        usual=cells["Partition"].endswith("*"),
        time=seconds(cells["Time"]),
        cpus=int(cells["CPUs"].rstrip("+")),
        memory=int(cells["Memory"].rstrip("+")),
        gpus=gpus,
        free_cpus=idle if works else 0,
        free_gpus=max(0, gpus - count_gpus(cells["GresUsed"])) if works else 0,
    )


def count_gpus(resources: str) -> int:
    """`gpu:2`, `gpu:a100:4(S:0-1)`, several with commas; used ones with `(IDX:0-1)`."""
    return sum(int(count) for count in _GPUS.findall(resources))
