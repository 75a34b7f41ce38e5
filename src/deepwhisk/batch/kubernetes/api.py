"""The API of one Kubernetes namespace, by the official client: answers as JSON, errors as ours.

Law: an answer that will not change is a refusal; of anything else it is only known that it was not answered.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deepwhisk.batch.kubernetes.request import SELECTOR
from deepwhisk.errors import RunnerRefused, RunnerUnreachable, SettingsError

TIMEOUT = (5, 30)  # seconds to connect, and to answer
LINES = 500  # of a log
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, TOO_MANY = 400, 401, 403, 404, 409, 429
EXPECTED = {"missing": NOT_FOUND, "existing": CONFLICT, "forbidden": FORBIDDEN, "early": BAD_REQUEST}

Json = dict[str, Any]


class KubeApi:
    """What a runner asks of a namespace."""

    def __init__(self, batch: Any, core: Any, namespace: str) -> None:
        self._batch, self._core, self._namespace = batch, core, namespace

    def jobs(self) -> list[Json]:
        return list(
            self._ask(self._batch.list_namespaced_job, self._namespace, label_selector=SELECTOR)["items"]
        )

    def pods(self, job: str | None = None) -> list[Json]:
        """Of all our Jobs or of one, the oldest first."""
        selector = f"{SELECTOR},job-name={job}" if job else SELECTOR
        found = self._ask(self._core.list_namespaced_pod, self._namespace, label_selector=selector)["items"]
        return sorted(found, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def nodes(self) -> list[Json]:
        """None of them where they may not be listed."""
        return list(self._ask(self._core.list_node, forbidden={"items": []})["items"])

    def all_pods(self) -> list[Json] | None:
        """Everybody's; None where those may not be listed."""
        answer = self._ask(self._core.list_pod_for_all_namespaces, forbidden=None)
        return None if answer is None else list(answer["items"])

    def job(self, name: str) -> Json | None:
        found: Json | None = self._ask(self._batch.read_namespaced_job, name, self._namespace, missing=None)
        return found

    def make_job(self, body: Json) -> Json | None:
        """The new one; None when there is one of this name."""
        made: Json | None = self._ask(self._batch.create_namespaced_job, self._namespace, body, existing=None)
        return made

    def make_secret(self, body: Json) -> None:
        self._ask(self._core.create_namespaced_secret, self._namespace, body, existing=None)

    def change_job(self, name: str, patch: Json) -> None:
        self._ask(self._batch.patch_namespaced_job, name, self._namespace, patch, missing=None)

    def delete_job(self, name: str) -> None:
        verb = self._batch.delete_namespaced_job
        self._ask(verb, name, self._namespace, missing=None, propagation_policy="Background")

    def kill_pod(self, name: str) -> None:
        """With a grace of a second, so that its end is still seen."""
        verb = self._core.delete_namespaced_pod
        self._ask(verb, name, self._namespace, missing=None, grace_period_seconds=1)

    def log(self, pod: str) -> bytes:
        """The end of it; nothing before it begins."""
        verb = self._core.read_namespaced_pod_log
        given = {"container": "job", "tail_lines": LINES, "missing": b"", "early": b""}
        return bytes(self._send(verb, (pod, self._namespace), given))

    def _ask(self, verb: Callable[..., Any], *arguments: Any, **given: Any) -> Any:
        """The answer as JSON, or what is given for a status that is expected."""
        answer = self._send(verb, arguments, given)
        return json.loads(answer) if isinstance(answer, bytes) else answer

    def _send(self, verb: Callable[..., Any], arguments: tuple[Any, ...], given: Json) -> Any:
        from kubernetes.client import ApiException  # noqa: PLC0415 — it takes half a second
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        expected = {status: given.pop(name) for name, status in EXPECTED.items() if name in given}
        try:
            return verb(*arguments, **given, _preload_content=False, _request_timeout=TIMEOUT).data
        except ApiException as error:
            if error.status in expected:
                return expected[error.status]
            raise _ours(error) from error
        except (HTTPError, OSError) as error:
            raise RunnerUnreachable(f"Kubernetes does not answer: {error}") from error


def connect(context: str, kubeconfig: Path | None, namespace: str) -> KubeApi:
    """The API of a context of the kubeconfig, `in-cluster`, or of its current one where none is named.

    Raises SettingsError where there is no such, or the client's package is missing.
    """
    try:
        from kubernetes import client, config  # noqa: PLC0415 — not everybody has it
    except ImportError as error:
        raise SettingsError(
            "A runner kubernetes: needs the package kubernetes: pip install 'deepwhisk[kubernetes]'."
        ) from error
    settings = client.Configuration()
    path = str(kubeconfig) if kubeconfig else None
    try:
        if context == "in-cluster":
            config.load_incluster_config(settings)  # type: ignore[no-untyped-call]
        else:
            config.load_kube_config(path, context or None, settings)  # type: ignore[no-untyped-call]
            contexts = config.list_kube_config_contexts(path)  # type: ignore[no-untyped-call]
            namespace = namespace or _namespace(contexts, context)
    except (config.ConfigException, OSError) as error:
        asked = repr(context) if context else "the current context"
        raise SettingsError(f"No Kubernetes cluster can be asked as {asked}: {error}") from error
    settings.retries = False
    connected = client.ApiClient(settings)
    return KubeApi(client.BatchV1Api(connected), client.CoreV1Api(connected), namespace or "default")


def _namespace(contexts: tuple[list[Json], Json], context: str) -> str:
    """The one that a context of the kubeconfig names."""
    known, current = contexts
    named = next((each for each in known if each["name"] == context), current)
    return str(named["context"].get("namespace") or "")


def _ours(error: Any) -> RunnerRefused | RunnerUnreachable:
    try:
        said = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        said = error.reason
    if error.status and error.status < 500 and error.status not in (UNAUTHORIZED, TOO_MANY):
        return RunnerRefused(f"Kubernetes refused: {said} ({error.status})")
    return RunnerUnreachable(f"Kubernetes does not answer: {said} ({error.status})")
