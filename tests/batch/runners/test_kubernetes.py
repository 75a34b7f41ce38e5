"""A real Kubernetes as a batch runner: what only it promises, and what becomes of jobs without pods."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config

from deepwhisk.batch.kubernetes.api import connect
from deepwhisk.batch.kubernetes.request import job_body, secret_body
from deepwhisk.batch.runner import State
from deepwhisk.errors import RunnerRefused
from fixtures.clusters import SLEEPS, SMALL, Cluster, until
from fixtures.kubernetes import KUBECONFIG, options, pod

HEARS = 'trap \'touch "$PLACE/heard"\' TERM\n: >"$PLACE/begun"; while :; do sleep 0.1; done'


@pytest.fixture(scope="module")
def core() -> Any:
    return client.CoreV1Api(config.new_client_from_config(KUBECONFIG))


@pytest.fixture
def with_pods(tmp_path: Path) -> Iterator[Any]:
    """Clusters whose pods have something beside."""
    made: list[Cluster] = []

    def make(**beside: Any) -> Cluster:
        given = options(tmp_path)
        Path(given["pod"]).write_text(yaml.safe_dump({**pod(tmp_path), **beside}))
        made.append(Cluster("kubernetes://here/default", tmp_path / "state", tmp_path, given))
        return made[0]

    yield make
    for each in made:
        each.end_all()


def pod_of(core: Any, name: str) -> str:
    [found] = core.list_namespaced_pod("default", label_selector=f"job-name={name}").items
    return str(found.metadata.name)


def test_a_job_is_what_its_name_says_however_often_it_is_submitted(kubernetes: Cluster) -> None:
    job = kubernetes.job('echo once >>"$PLACE/times"')
    assert kubernetes.submit(job) == kubernetes.submit(job)
    kubernetes.over(job)
    kubernetes.submit(job)
    assert kubernetes.over(job).state is State.DONE
    assert kubernetes.file(job, "times").read_text() == "once\n"


def test_a_job_is_told_before_its_time_is_up_and_then_ended(kubernetes: Cluster) -> None:
    job = kubernetes.job(HEARS, replace(SMALL, time=6), grace=2)
    kubernetes.submit(job)
    status = kubernetes.over(job)
    assert status.state is State.TIMEOUT, status
    assert kubernetes.file(job, "heard").exists()


def test_a_submission_that_was_cut_off_is_finished_by_the_next(kubernetes: Cluster) -> None:
    job = kubernetes.job(': >"$PLACE/begun"')
    body = job_body(job, "deepwhisk.test/python:1", "Never", pod(kubernetes.place), None)
    api = connect("", Path(KUBECONFIG), "")
    made = api.make_job(body)
    assert made is not None
    kubernetes.when(job, lambda status: status.state is State.HELD)
    api.make_secret(secret_body(job, made["metadata"]["uid"]))
    kubernetes.submit(job)
    assert kubernetes.over(job).state is State.DONE


def test_the_secret_goes_with_its_job(kubernetes: Cluster, core: Any) -> None:
    job = kubernetes.job("true", variables={"DEEPWHISK_JOB": "https://signed"})
    kubernetes.submit(job)
    kubernetes.over(job)
    assert core.read_namespaced_secret(job.name, "default").metadata.owner_references[0].name == job.name
    connect("", Path(KUBECONFIG), "").delete_job(job.name)

    def gone() -> bool:
        found = core.list_namespaced_secret("default", field_selector=f"metadata.name={job.name}")
        return not found.items

    until(gone)
    kubernetes.submitted.clear()


def test_no_link_stands_in_the_job(kubernetes: Cluster) -> None:
    job = kubernetes.job("true", variables={"DEEPWHISK_JOB": "https://signed-link"})
    kubernetes.submit(job)
    found = connect("", Path(KUBECONFIG), "").job(job.name)
    assert found is not None
    assert "signed-link" not in str(found)


def test_the_end_of_a_jobs_output_is_kept(kubernetes: Cluster) -> None:
    job = kubernetes.job("echo said; echo wrong >&2")
    [handle] = kubernetes.submit(job)
    kubernetes.over(job)
    assert sorted(kubernetes.runner.log(handle).split()) == ["said", "wrong"]
    assert kubernetes.runner.log("deepwhisk-unknown") == ""


def test_an_image_that_is_not_there_holds_the_job(kubernetes: Cluster) -> None:
    del kubernetes.options["image"]
    kubernetes.runner = kubernetes.opened()
    job = kubernetes.job("true", image="deepwhisk.test/nothing:1")
    [handle] = kubernetes.submit(job)
    status = kubernetes.when(job, lambda status: status.state is State.HELD)
    assert "nothing:1" in status.reason
    kubernetes.runner.cancel(handle)
    assert kubernetes.over(job).state is State.CANCELLED


def test_a_job_whose_pod_is_evicted_was_preempted(kubernetes: Cluster, core: Any) -> None:
    job = kubernetes.job(HEARS, grace=1)
    kubernetes.submit(job)
    kubernetes.running(job)
    name = pod_of(core, job.name)
    core.create_namespaced_pod_eviction(
        name, "default", {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    )
    assert kubernetes.over(job).state is State.PREEMPTED
    assert kubernetes.file(job, "heard").exists()


def test_a_job_whose_pod_is_taken_away_has_lost_its_node(kubernetes: Cluster, core: Any) -> None:
    job = kubernetes.job(SLEEPS)
    kubernetes.submit(job)
    kubernetes.running(job)
    core.delete_namespaced_pod(pod_of(core, job.name), "default", grace_period_seconds=0)
    status = kubernetes.over(job)
    assert status.state is State.NODE_FAILED, status


def test_a_more_important_pod_preempts_a_job(with_pods: Any, core: Any) -> None:
    scheduling = client.SchedulingV1Api(core.api_client)
    urgent = {"metadata": {"name": "urgent"}, "value": 1000, "description": "of a test"}
    if not [each for each in scheduling.list_priority_class().items if each.metadata.name == "urgent"]:
        scheduling.create_priority_class(urgent)
    cluster = with_pods()
    job = cluster.job(SLEEPS, cluster.whole(), grace=1)
    cluster.submit(job)
    cluster.running(job)
    limits = {"cpu": "1", "memory": "50Mi"}
    container = {"name": "urgent", "image": "deepwhisk.test/python:1", "imagePullPolicy": "Never"}
    container |= {"command": ["true"], "resources": {"requests": limits, "limits": limits}}
    spec = {"priorityClassName": "urgent", "restartPolicy": "Never", "containers": [container]}
    core.create_namespaced_pod("default", {"metadata": {"name": "urgent"}, "spec": spec})
    try:
        assert cluster.over(job).state is State.PREEMPTED
    finally:
        core.delete_namespaced_pod("urgent", "default", grace_period_seconds=0)


def test_partitions_are_pools_of_nodes(kubernetes: Cluster) -> None:
    kubernetes.options["partition_label"] = "kubernetes.io/hostname"
    kubernetes.runner = kubernetes.opened()
    [pool] = kubernetes.runner.offer().partitions
    job = kubernetes.job("true", replace(SMALL, partition=pool))
    kubernetes.submit(job)
    assert kubernetes.over(job).state is State.DONE
    with pytest.raises(RunnerRefused, match=rf"no partition 'night'; there are: {pool}"):
        kubernetes.submit(kubernetes.job("true", replace(SMALL, partition="night")))
