"""`kubernetes://CONTEXT/NAMESPACE`: a Job of one pod for each job, by the official client.

Law: every verb is safe to repeat. What was submitted twice is one Job, since a job's name is the Job's; a
cancelled one stays, suspended, so that it can be told from one that was never there.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote

import yaml

from deepwhisk.batch.kubernetes.api import KubeApi, connect
from deepwhisk.batch.kubernetes.offer import free, largest
from deepwhisk.batch.kubernetes.request import CANCELLED, KEPT_SECONDS, job_body, secret_body
from deepwhisk.batch.kubernetes.states import conditions, status_of
from deepwhisk.batch.options import file, known, whole
from deepwhisk.batch.runner import Job, Offer, Status
from deepwhisk.errors import RunnerRefused, SettingsError

OPTIONS = ("kubeconfig", "image", "pull", "pod", "partition_label", "cpus", "memory", "gpus")
TAIL_BYTES = 20_000
NODES_SECONDS = 60.0  # that nodes are remembered

Json = dict[str, Any]


def open_one(url: SplitResult, options: Mapping[str, Any], _folder: Path) -> "KubernetesRunner":
    """`kubernetes://CONTEXT/NAMESPACE`; each may be left out, for what the kubeconfig says."""
    known("kubernetes:", options, OPTIONS)
    api = connect(
        unquote(url.netloc), file("kubernetes:", options, "kubeconfig"), unquote(url.path.strip("/"))
    )
    return KubernetesRunner(api, options)


class KubernetesRunner:
    """The Jobs of one namespace."""

    def __init__(self, api: KubeApi, options: Mapping[str, Any]) -> None:
        self._api = api
        self._options = options
        self._pod = _read_pod(file("kubernetes:", options, "pod"))
        said = (name for name in ("cpus", "memory", "gpus") if name in options)
        self._most = {name: whole("kubernetes:", options, name, 0) for name in said}
        self._nodes: tuple[float, list[Json]] = (-NODES_SECONDS, [])

    def submit(self, jobs: Sequence[Job]) -> list[str]:
        """Each with its Secret; one whose name is there already is that one."""
        bodies = [self._body(job) for job in jobs]
        for job, body in zip(jobs, bodies, strict=True):
            self._put(job, body)
        return [job.name for job in jobs]

    def statuses(self) -> dict[str, Status]:
        jobs = {each["metadata"]["name"]: each for each in self._api.jobs()}
        pods = {each["metadata"]["labels"].get("job-name"): each for each in self._api.pods()}
        found = {name: status_of(job, pods.get(name)) for name, job in jobs.items()}
        for name, job in jobs.items():
            if found[name].state.over and _is_old(job):
                self._api.delete_job(name)
        return found

    def cancel(self, handle: str, *, hard: bool = False) -> None:
        """Suspending a Job ends its pod, gracefully; hard is a grace of a second."""
        job = self._api.job(handle)
        if job is None or conditions(job).keys() & {"Complete", "Failed"}:
            return
        told = {CANCELLED: datetime.now(UTC).isoformat()}
        self._api.change_job(handle, {"metadata": {"annotations": told}, "spec": {"suspend": True}})
        for pod in self._api.pods(handle) if hard else ():
            self._api.kill_pod(pod["metadata"]["name"])

    def log(self, handle: str) -> str:
        pods = self._api.pods(handle)
        if not pods:
            return ""
        return self._api.log(pods[-1]["metadata"]["name"])[-TAIL_BYTES:].decode(errors="replace")

    def offer(self) -> Offer:
        """The largest node, as far as nodes may be listed; what the site says goes before."""
        nodes, pods, own = self._look(0), self._api.all_pods(), self._api.pods()
        left = free(nodes, own if pods is None else pods)
        return Offer(
            **{**largest(nodes), **self._most},
            time=None,
            partitions=self._pools(nodes),
            waiting=sum(each["status"].get("phase") == "Pending" for each in own),
            free_cpus=left["cpus"],
            free_gpus=left["gpus"],
        )

    def _look(self, seconds: float) -> list[Json]:
        """The nodes, as they were at most so long ago."""
        at, nodes = self._nodes
        if time.monotonic() - at > seconds:
            nodes = self._api.nodes()
            self._nodes = time.monotonic(), nodes
        return nodes

    def _pools(self, nodes: list[Json]) -> tuple[str, ...]:
        label = self._options.get("partition_label")
        found = {each["metadata"].get("labels", {}).get(label) for each in nodes} - {None}
        return tuple(sorted(map(str, found)))

    def _body(self, job: Job) -> Json:
        """Raises RunnerRefused for what this cluster never has, to the newest that is known of it."""
        image = self._options.get("image") or job.image
        if not image:
            raise RunnerRefused("A pod needs an image: give the site `image`, or the model one of its own.")
        if self._lacks(job, self._look(NODES_SECONDS)) and (said := self._lacks(job, self._look(0))):
            raise RunnerRefused(said)
        pull, label = self._options.get("pull"), self._options.get("partition_label")
        return job_body(job, str(image), pull, self._pod, label)

    def _lacks(self, job: Job, nodes: list[Json]) -> str | None:
        asked, most = job.resources, {**largest(nodes), **self._most}
        for what, wanted, there in (
            ("CPUs", asked.cpus, most["cpus"]),
            ("MB of memory", asked.memory, most["memory"]),
            ("GPUs", asked.gpus, most["gpus"]),
        ):
            if wanted > there:
                return f"{wanted} {what} are wanted; the largest node gives {there}."
        if asked.partition and asked.partition not in (pools := self._pools(nodes)):
            named = ", ".join(pools) or "none; name the label of node pools in `partition_label`"
            return f"There is no partition {asked.partition!r}; there are: {named}."
        return None

    def _put(self, job: Job, body: Json) -> None:
        """Suspended, with its Secret, and on: whichever of these was done before is not done again."""
        made = self._api.make_job(body) or self._api.job(job.name)
        if made is None or not made["spec"].get("suspend"):
            return
        if CANCELLED not in made["metadata"].get("annotations", {}):
            self._api.make_secret(secret_body(job, made["metadata"]["uid"]))
            self._api.change_job(job.name, {"spec": {"suspend": False}})


def _is_old(job: Json) -> bool:
    """Kubernetes removes what has ended; what was suspended for ever it keeps."""
    at = job["metadata"].get("annotations", {}).get(CANCELLED)
    return at is not None and time.time() - datetime.fromisoformat(at).timestamp() > KEPT_SECONDS


def _read_pod(path: Path | None) -> Json:
    """What this cluster's pods have beside: a PodSpec, of whose containers the first is the job's."""
    if path is None:
        return {}
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"The file {path} of the option `pod` cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise SettingsError(f"The file {path} of the option `pod` is no PodSpec, which is a mapping.")
    return found
