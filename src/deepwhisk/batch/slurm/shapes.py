"""The JSON of slurmrestd, which differs from version to version: v0.0.38 to v0.0.42 (Slurm 22.05 to 24.11).

Before v0.0.39 numbers are numbers and states are words; since then numbers are `{"set", "infinite",
"number"}` and states are lists. What is asked for is named as every version takes it, where that can be.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from deepwhisk.batch.runner import Job
from deepwhisk.batch.slurm import request
from deepwhisk.batch.slurm.listing import Row
from deepwhisk.batch.slurm.nodes import Node, count_gpus
from deepwhisk.batch.slurm.states import minutes, status_of

VERSIONS = range(38, 43)
Tree = Mapping[str, Any]
_WORKS = {"idle", "mixed", "allocated"}
_WORKS_NOT = {
    "down",
    "drain",
    "fail",
    "not_responding",
    "maintenance",
    "powered_down",
    "powering_down",
    "reboot",
}
_SECONDS = 60


def submission(batch: Sequence[Job], logs: str, version: int) -> dict[str, Any]:
    """The body that submits a batch. Its script tells itself to end in time: v0.0.38 cannot signal that."""
    job, asked = batch[0], batch[0].resources
    told: dict[str, Any] = {
        "name": job.name,
        "comment": request.comment(batch),
        "tasks": 1,
        "cpus_per_task": asked.cpus,
        "memory_per_node": _set(asked.memory, version),
        "time_limit": _set(minutes(asked.time), version),
        "requeue": True,
        "current_working_directory": "/tmp",
        "standard_input": "/dev/null",
        "standard_output": "/dev/null",
        "standard_error": "/dev/null",
        "nodes": "1" if version > 38 else [1, 1],
        "environment": [f"PATH={request.PATH}"] if version > 38 else {"PATH": request.PATH},
    }
    if asked.gpus:
        told |= {"tres_per_job": f"gres/gpu:{asked.gpus}"} if version > 38 else {"gpus": str(asked.gpus)}
    if len(batch) > 1:
        told["array"] = f"0-{len(batch) - 1}"
    told |= {name: word for name in ("partition", "account") if (word := getattr(asked, name))}
    return {"script": request.script(batch, logs, warned=True), "job": told}


def _set(number: int, version: int) -> Any:
    return {"set": True, "infinite": False, "number": number} if version > 38 else number


def jobs(body: Tree, user: str) -> Iterator[Row]:
    """The jobs of a user; elements of an array that wait are told as one, and told here one by one."""
    for job in body["jobs"]:
        if job["user_name"] == user:
            for handle in _handles(job):
                yield _row(job, handle)


def _handles(job: Tree) -> list[str]:
    array, index = number(job["array_job_id"]), number(job["array_task_id"])
    if array and index is not None:
        return [f"{array}_{index}"]
    waiting = [f"{array}_{place}" for place in places(job["array_task_string"] or "")]
    return waiting or [str(job["job_id"])]


def _row(job: Tree, handle: str) -> Row:
    code = exit_status(job["exit_code"])
    status = status_of(handle, words(job["job_state"]), job["state_reason"] or "", job["nodes"] or "", code)
    return Row(job["name"], text(job["comment"]), status)


def places(told: str) -> Iterator[int]:
    """`0-2,5%1`: the places in an array that wait; `%` says how many may run at once."""
    for part in told.partition("%")[0].strip("[]").split(","):
        first, _, last = part.partition("-")
        if first.isdigit():
            yield from range(int(first), int(last or first) + 1)


def nodes(of_nodes: Tree, of_partitions: Tree) -> list[Node]:
    """Every node in each of its partitions that take jobs."""
    taking = {each["name"]: each for each in of_partitions["partitions"] if "UP" in _state_of(each)}
    return [
        _node(node, taking[name])
        for node in of_nodes["nodes"]
        for name in node["partitions"]
        if name in taking
    ]


def _state_of(partition: Tree) -> list[str]:
    return words(partition.get("state") or partition["partition"]["state"])


def _node(node: Tree, partition: Tree) -> Node:
    limit = partition.get("max_time_limit", partition.get("maximums", {}).get("time"))
    longest = number(limit)
    works = _works(words(node["state"]) + words(node.get("state_flags") or []))
    gpus = count_gpus(node["gres"] or "")
    return Node(
        name=node["name"],
        partition=partition["name"],
        usual="default" in (flag.lower() for flag in partition.get("flags", ())),
        time=longest * _SECONDS if longest is not None and longest > 0 else None,
        cpus=int(node["cpus"]),
        memory=int(node["real_memory"]),
        gpus=gpus,
        free_cpus=max(0, int(node["cpus"]) - int(node["alloc_cpus"])) if works else 0,
        free_gpus=max(0, gpus - count_gpus(node.get("gres_used") or "")) if works else 0,
    )


def _works(said: Iterable[str]) -> bool:
    told = {word.lower() for word in said}
    return bool(told & _WORKS) and not told & _WORKS_NOT


def number(value: Any) -> int | None:
    """A number in either form; None where none is set, or it is infinite."""
    if isinstance(value, Mapping):
        return int(value["number"]) if value.get("set") and not value.get("infinite") else None
    return None if value is None else int(value)


def words(value: Any) -> list[str]:
    """A word, or a list of them."""
    return [value] if isinstance(value, str) else list(value)


def text(value: Any) -> str:
    """A text; in v0.0.39 a comment stands under `job`."""
    return str(value.get("job") or "") if isinstance(value, Mapping) else str(value or "")


def exit_status(value: Any) -> int:
    """A wait status, which v0.0.38 gives as it is."""
    if not isinstance(value, Mapping):
        return number(value) or 0
    signal = value.get("signal", {})
    killed = number(signal.get("id", signal.get("signal_id"))) or 0
    return (number(value.get("return_code")) or 0) << 8 | killed
