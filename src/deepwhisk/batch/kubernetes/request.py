"""A job of ours as what Kubernetes calls a Job, with its Secret.

Law: a signed link stands in the Secret only, which the Job owns and takes with it. A Job is made suspended
and goes on once its Secret is there, so that whoever is interrupted in between leaves nothing that runs.
"""

import copy
from collections.abc import Mapping
from typing import Any

from deepwhisk.batch.runner import Job

MANAGED = {"app.kubernetes.io/managed-by": "deepwhisk"}
SELECTOR = "app.kubernetes.io/managed-by=deepwhisk"
CANCELLED = "deepwhisk/cancelled"  # an annotation: when
GPU = "nvidia.com/gpu"
KEPT_SECONDS = 3 * 24 * 3600
MOST_LOST_SECONDS = 60  # that a node may be unreachable before its pods are given up

Json = dict[str, Any]


def job_body(job: Job, image: str, pull: str | None, pod: Mapping[str, Any], partition: str | None) -> Json:
    """The Job; POD is what this cluster's pods have beside, PARTITION the label that names a node pool."""
    account = {"deepwhisk/account": job.resources.account} if job.resources.account else {}
    labels = {**MANAGED, **account}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": job.name, "labels": labels},
        "spec": {
            "suspend": True,
            "backoffLimit": 0,
            "podFailurePolicy": {"rules": [_DISRUPTED]},
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": {
                "metadata": {"labels": labels},
                "spec": _pod(job, image, pull, pod, partition),
            },
        },
    }


def secret_body(job: Job, uid: str) -> Json:
    """The variables of a job, which end with it."""
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job.name, "uid": uid}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": job.name, "labels": MANAGED, "ownerReferences": [owner]},
        "stringData": dict(job.variables),
    }


def _pod(job: Job, image: str, pull: str | None, pod: Mapping[str, Any], partition: str | None) -> Json:
    spec: Json = copy.deepcopy(dict(pod))
    own = next(iter(spec.pop("containers", [{}])))
    limits = {"cpu": str(job.resources.cpus), "memory": f"{job.resources.memory}Mi"}
    limits |= {GPU: str(job.resources.gpus)} if job.resources.gpus else {}
    container = own | {
        "name": "job",
        "image": image,
        "command": ["/bin/sh", "-c", job.script.replace("$", "$$")],  # Kubernetes itself knows $(NAME)
        "env": [*own.get("env", []), *_variables(job)],
        "envFrom": [*own.get("envFrom", []), {"secretRef": {"name": job.name}}],
        "resources": {"requests": limits, "limits": limits},
    }
    spec |= {
        "restartPolicy": "Never",
        "containers": [container | ({"imagePullPolicy": pull} if pull else {})],
        "terminationGracePeriodSeconds": job.grace,
        "activeDeadlineSeconds": max(1, job.resources.time - job.grace),  # then it is told, and has its grace
        "tolerations": [*spec.get("tolerations", []), *_LOST],
    }
    spec.setdefault("automountServiceAccountToken", False)
    if not spec.get("hostPID"):
        spec.setdefault("shareProcessNamespace", True)  # a first process would be deaf to SIGTERM
    if partition and job.resources.partition:
        spec["nodeSelector"] = {**spec.get("nodeSelector", {}), partition: job.resources.partition}
    return spec


# So that the Job says why, when the pod is gone.
_DISRUPTED = {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
_LOST = [
    {
        "key": f"node.kubernetes.io/{lost}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": MOST_LOST_SECONDS,
    }
    for lost in ("not-ready", "unreachable")
]


def _variables(job: Job) -> list[Json]:
    """Who it is, and which GPUs: a container sees those that are its own, from 0 on."""
    gpus = ",".join(map(str, range(job.resources.gpus)))
    return [{"name": "USER", "value": "deepwhisk"}, {"name": "CUDA_VISIBLE_DEVICES", "value": gpus}]
