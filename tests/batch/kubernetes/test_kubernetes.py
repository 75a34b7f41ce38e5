"""Kubernetes as a batch runner, where there is none: what a real one said, and one that only remembers.

The real one is asked in tests/batch/runners/test_kubernetes.py; tests/data/kubernetes/ is what it answered.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml
from kmock import KubernetesEmulator

from deepwhisk.batch.kubernetes.offer import free, largest, quantity
from deepwhisk.batch.kubernetes.request import CANCELLED, job_body, secret_body
from deepwhisk.batch.kubernetes.states import status_of
from deepwhisk.batch.runner import Job, Resources, Runner, State
from deepwhisk.batch.runners import open_runner
from deepwhisk.errors import RunnerRefused, RunnerUnreachable, SettingsError

RECORDED = {
    name: answers
    for file in sorted((Path(__file__).parents[2] / "data" / "kubernetes").glob("*.json"))
    for name, answers in json.loads(file.read_text()).items()
}
NAME = f"deepwhisk-{'a' * 32}-1"
JOB = Job(NAME, "echo $HOME $$", Resources(2, 4096, 1, 3600), {"DEEPWHISK_JOB": "https://signed"}, grace=30)
NODE = {
    "metadata": {"name": "n1", "labels": {"pool": "gpu"}},
    "spec": {},
    "status": {
        "allocatable": {"cpu": "3920m", "memory": "15Gi", "nvidia.com/gpu": "2"},
        "conditions": [{"type": "Ready", "status": "True"}],
    },
}
KINDS = {"batch/v1/jobs": "Job", "v1/pods": "Pod", "v1/secrets": "Secret", "v1/nodes": "Node"}
Value = TypeVar("Value")


async def off(verb: Callable[..., Value], *arguments: Any) -> Value:
    """The official client waits; the server of this test runs in the loop."""
    return await asyncio.to_thread(verb, *arguments)


def kubeconfig(folder: Path, server: str) -> Path:
    named = {"cluster": {"server": server.rstrip("/")}, "name": "c"}
    context = {"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "ours"}}
    told = {"clusters": [named], "users": [{"name": "u", "user": {}}], "contexts": [context]}
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": "x", **told}))
    return file


@pytest.fixture
def runner(kmock: KubernetesEmulator, tmp_path: Path) -> Runner:
    for name, kind in KINDS.items():
        verbs = ["list", "create", "get", "patch", "delete"]
        kmock.resources[name] = {"kind": kind, "namespaced": kind != "Node", "verbs": verbs}
    kmock.objects["v1/nodes", None, "n1"] = NODE
    options = {
        "kubeconfig": kubeconfig(tmp_path, str(kmock.url)),
        "image": "ours:1",
        "partition_label": "pool",
    }
    return open_runner("kubernetes://x", options, tmp_path / "state")


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_what_a_real_cluster_said_is_read_as_it_was(name: str) -> None:
    said = RECORDED[name]
    status = status_of(said["job"], said["pod"])

    assert (status.state, status.reason) == (said["state"], said["reason"])


@pytest.mark.parametrize(
    ("condition", "state"),
    [
        ("PreemptionByScheduler", State.PREEMPTED),
        ("EvictionByEvictionAPI", State.PREEMPTED),
        ("TerminationByKubelet", State.PREEMPTED),
        ("DeletionByTaintManager", State.NODE_FAILED),
        ("DeletionByPodGC", State.NODE_FAILED),
    ],
)
def test_a_disruption_says_who_took_the_pod(condition: str, state: State) -> None:
    said = json.loads(json.dumps(RECORDED["failed"]))
    disrupted = {"type": "DisruptionTarget", "status": "True", "reason": condition, "message": "told"}
    said["pod"]["status"]["conditions"].append(disrupted)

    assert status_of(said["job"], said["pod"]).state is state


def test_a_pod_evicted_by_its_node_was_preempted() -> None:
    said = json.loads(json.dumps(RECORDED["failed"]))
    said["pod"]["status"] = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."}
    status = status_of(said["job"], said["pod"])

    assert (status.state, status.reason) == (State.PREEMPTED, "Evicted: The node was low on memory.")


def test_a_job_asks_for_what_it_was_given_and_hides_its_link() -> None:
    body = job_body(JOB, "ours:1", None, {"nodeSelector": {"zone": "a"}}, "pool")
    spec = body["spec"]["template"]["spec"]
    [container] = spec["containers"]

    assert container["resources"]["limits"] == {"cpu": "2", "memory": "4096Mi", "nvidia.com/gpu": "1"}
    assert container["command"] == ["/bin/sh", "-c", "echo $$HOME $$$$"]
    assert {"name": "CUDA_VISIBLE_DEVICES", "value": "0"} in container["env"]
    assert (spec["activeDeadlineSeconds"], spec["terminationGracePeriodSeconds"]) == (3570, 30)
    assert body["spec"]["backoffLimit"] == 0
    assert spec["nodeSelector"] == {"zone": "a"}
    assert "https://signed" not in json.dumps(body)
    assert secret_body(JOB, "u")["stringData"] == {"DEEPWHISK_JOB": "https://signed"}


@pytest.mark.parametrize(
    ("text", "number"),
    [("2", 2), ("500m", 0.5), ("16Gi", 16 * 2**30), ("1e3", 1000), ("8M", 8e6), ("x", 0), (None, 0)],
)
def test_quantities_are_numbers(text: Any, number: float) -> None:
    assert quantity(text) == number


def test_the_largest_open_node_counts_and_pods_take_from_it() -> None:
    closed = json.loads(json.dumps(NODE))
    closed["spec"]["unschedulable"] = True
    closed["status"]["allocatable"]["cpu"] = "64"
    requests = {"requests": {"cpu": "1500m", "nvidia.com/gpu": "1"}}
    pod = {
        "spec": {"nodeName": "n1", "containers": [{"resources": requests}]},
        "status": {"phase": "Running"},
    }
    done = {**pod, "status": {"phase": "Succeeded"}}

    assert largest([NODE, closed]) == {"cpus": 3, "memory": 15 * 1024, "gpus": 2}
    assert free([NODE, closed], [pod, done]) == {"cpus": 2, "memory": 15 * 1024, "gpus": 1}


async def test_a_submission_that_was_cut_off_is_finished(runner: Runner, kmock: KubernetesEmulator) -> None:
    body = job_body(JOB, "ours:1", None, {}, None)
    kmock.objects["batch/v1/jobs", "ours", NAME] = {
        **body, "metadata": {**body["metadata"], "uid": "u1", "namespace": "ours"}, "status": {}
    }  # fmt: skip
    assert (await off(runner.statuses))[NAME].state is State.HELD
    assert await off(runner.submit, [JOB]) == [NAME]

    secret = kmock.objects["v1/secrets", "ours", NAME]
    assert secret["stringData"] == {"DEEPWHISK_JOB": "https://signed"}
    assert secret["metadata"]["ownerReferences"][0]["uid"] == "u1"
    assert (await off(runner.statuses))[NAME].state is State.QUEUED


async def test_a_cancelled_job_stays_to_be_told(runner: Runner, kmock: KubernetesEmulator) -> None:
    body = job_body(JOB, "ours:1", None, {}, None)
    body["metadata"] |= {"uid": "u1", "namespace": "ours"}
    kmock.objects["batch/v1/jobs", "ours", NAME] = {**body, "status": {}}
    await off(runner.cancel, NAME)

    assert CANCELLED in kmock.objects["batch/v1/jobs", "ours", NAME]["metadata"]["annotations"]
    assert (await off(runner.statuses))[NAME].state is State.CANCELLED
    assert await off(runner.submit, [JOB]) == [NAME]  # what is cancelled is not begun by a late repetition
    assert (await off(runner.statuses))[NAME].state is State.CANCELLED


async def test_what_no_node_has_is_refused_with_what_there_is(runner: Runner) -> None:
    for asked, why in (
        (Resources(cpus=64), "64 CPUs are wanted; the largest node gives 3"),
        (Resources(gpus=3), "3 GPUs are wanted; the largest node gives 2"),
        (Resources(partition="night"), "no partition 'night'; there are: gpu"),
    ):
        with pytest.raises(RunnerRefused, match=why):
            await off(runner.submit, [Job(NAME, "true", asked)])


async def test_an_offer_counts_all_nodes(runner: Runner) -> None:
    offer = await off(runner.offer)

    assert (offer.cpus, offer.memory, offer.gpus, offer.partitions) == (3, 15360, 2, ("gpu",))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, RunnerRefused),
        (422, RunnerRefused),
        (401, RunnerUnreachable),
        (429, RunnerUnreachable),
        (503, RunnerUnreachable),
    ],
)
async def test_an_answer_is_a_refusal_or_none(
    runner: Runner, kmock: KubernetesEmulator, status: int, error: type[Exception]
) -> None:
    kmock["get /apis/batch/v1/namespaces/ours/jobs"] << status << {"message": "so it is"}
    with pytest.raises(error, match=rf"so it is \({status}\)"):
        await off(runner.statuses)


def test_nobody_there_is_unreachable(tmp_path: Path) -> None:
    options = {"kubeconfig": kubeconfig(tmp_path, "http://127.0.0.1:9")}
    with pytest.raises(RunnerUnreachable, match="does not answer"):
        open_runner("kubernetes://", options, tmp_path / "state").statuses()


def test_a_context_that_is_not_there_is_said(tmp_path: Path) -> None:
    options = {"kubeconfig": kubeconfig(tmp_path, "http://127.0.0.1:9")}
    with pytest.raises(SettingsError, match="can be asked as 'moon'"):
        open_runner("kubernetes://moon/ours", options, tmp_path / "state")


def test_without_its_package_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    with pytest.raises(SettingsError, match=r"pip install 'deepwhisk\[kubernetes\]'"):
        open_runner("kubernetes://", {}, tmp_path / "state")


def test_a_pod_needs_an_image(tmp_path: Path) -> None:
    options = {"kubeconfig": kubeconfig(tmp_path, "http://127.0.0.1:9")}
    with pytest.raises(RunnerRefused, match="needs an image"):
        open_runner("kubernetes://", options, tmp_path / "state").submit([JOB])
