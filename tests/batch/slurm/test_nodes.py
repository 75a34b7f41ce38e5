"""Nodes as `sinfo` tells them."""

import pytest

from deepwhisk.batch.slurm.nodes import FORMAT, read_nodes

WIDTHS = {
    name: int(width)
    for name, _, width in (each.partition(":") for each in FORMAT.partition("=")[2].split(","))
}
TOLD = {
    "Partition": "batch*",
    "Available": "up",
    "Time": "1-00:00:00",
    "CPUs": "8",
    "Memory": "16000",
    "Gres": "gpu:fake:2",
    "GresUsed": "gpu:fake:1(IDX:0)",
    "CPUsState": "3/5/0/8",
    "StateLong": "mixed",
    "NodeList": "node1",
}


def listing(**changes: str) -> str:
    told = {**TOLD, **changes}
    return "".join(told[name].ljust(width) for name, width in WIDTHS.items()) + "\n"


def test_a_node_is_what_it_has_and_what_of_it_is_free() -> None:
    [node] = read_nodes(listing())

    assert (node.name, node.partition, node.usual, node.time) == ("node1", "batch", True, 86400)
    assert (node.cpus, node.memory, node.gpus) == (8, 16000, 2)
    assert (node.free_cpus, node.free_gpus) == (5, 1)


@pytest.mark.parametrize("state", ["idle", "mixed", "allocated", "completing"])
def test_a_node_takes_jobs_also_while_one_ends_on_it(state: str) -> None:
    [node] = read_nodes(listing(StateLong=state))

    assert (node.free_cpus, node.free_gpus) == (5, 1)


@pytest.mark.parametrize(
    "state", ["idle*", "down", "down*", "drained", "draining", "completing*", "reserved"]
)
def test_nothing_is_free_on_a_node_that_takes_none(state: str) -> None:
    [node] = read_nodes(listing(StateLong=state))

    assert (node.cpus, node.free_cpus, node.free_gpus) == (8, 0, 0)


def test_a_partition_that_is_closed_has_no_nodes() -> None:
    assert read_nodes(listing(Available="down")) == []
