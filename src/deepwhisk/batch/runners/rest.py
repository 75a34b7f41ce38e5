"""`slurm+rest://HOST:PORT`, a cluster reached by slurmrestd with a JSON Web Token.

Law: the token goes over TLS, or stays on this machine, unless the site says otherwise. slurmrestd keeps no
output of jobs that could be read, so `log` is empty here.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult

import requests

from deepwhisk.batch.options import file, known
from deepwhisk.batch.runner import Job, Offer, State, Status
from deepwhisk.batch.slurm import request, shapes
from deepwhisk.batch.slurm.listing import by_name
from deepwhisk.batch.slurm.nodes import Capacity
from deepwhisk.batch.slurm.token import read_token
from deepwhisk.errors import RunnerError, RunnerRefused, RunnerUnreachable, SettingsError

OPTIONS = ("user", "token", "version", "tls", "output")
SECONDS = 60.0
_HERE = ("127.0.0.1", "localhost", "::1")
_UNKNOWN, _ENDED = 2017, 2021  # Slurm's numbers for a job that is not there, or over
_VERSION = re.compile(r"/slurm/v0\.0\.(\d+)/jobs/?")
_HANDLE = re.compile(r"\d+(_\d+)?")


def open_one(url: SplitResult, options: Mapping[str, Any], folder: Path) -> "RestRunner":
    """`slurm+rest://HOST:PORT`, with the name of the user and the file of the token."""
    known("slurm+rest:", options, OPTIONS)
    token, user = file("slurm+rest:", options, "token"), options.get("user") or url.username
    if not url.hostname or not user or token is None:
        raise SettingsError(
            f"{url.geturl()!r} is not whole: write slurm+rest://HOST:PORT, "
            "with the options user and token (a file)."
        )
    usual = "no" if url.hostname in _HERE else "yes"
    scheme = "https" if str(options.get("tls", usual)).lower() in ("yes", "true", "1") else "http"
    version = str(options.get("version", ""))
    return RestRunner(
        f"{scheme}://{url.netloc.rpartition('@')[2]}",
        str(user),
        token,
        version,
        str(options.get("output", "")),
    )


class RestRunner:
    """A cluster behind slurmrestd."""

    def __init__(self, base: str, user: str, token: Path, version: str, logs: str) -> None:
        self._base = base
        self._user = user
        self._token = token
        self._logs = logs or request.LOGS
        self._version = _number(version) if version else None
        self._withdrawn: set[str] = set()
        self._session = requests.Session()
        self._capacity = Capacity(
            lambda: shapes.nodes(self._ask("GET", "/nodes"), self._ask("GET", "/partitions"))
        )

    def submit(self, jobs: Sequence[Job]) -> list[str]:
        """Queue jobs, those that are alike as arrays."""
        there = list(request.batches(jobs))
        for batch in there:
            request.check(batch, self._capacity.offer(batch[0].resources.partition))
        return [handle for batch in there for handle in self._submit(batch)]

    def _submit(self, batch: Sequence[Job]) -> list[str]:
        told = self._ask("POST", "/job/submit", shapes.submission(batch, self._logs, self._known_version()))
        return request.handles(str(told["job_id"]), batch)

    def statuses(self) -> dict[str, Status]:
        return by_name(shapes.jobs(self._ask("GET", "/jobs"), self._user), self._withdrawn)

    def cancel(self, handle: str, *, hard: bool = False) -> None:
        if not _HANDLE.fullmatch(handle):
            return
        waits = self._waits(handle)
        if hard or waits:
            self._end(f"/job/{handle}")
        else:
            flags = "&flags=BATCH_JOB" if self._known_version() > 39 else ""
            self._end(f"/job/{handle}?signal=TERM{flags}")
        if waits:
            self._withdrawn.add(handle)

    def _waits(self, handle: str) -> bool:
        said = {each.handle: each.state for each in self.statuses().values()}
        return said.get(handle) in (State.QUEUED, State.HELD)

    def log(self, handle: str) -> str:
        return ""

    def offer(self) -> Offer:
        told = self._ask("GET", "/jobs")["jobs"]
        return self._capacity.renewed(sum("PENDING" in shapes.words(job["job_state"]) for job in told))

    def _end(self, path: str) -> None:
        try:
            self._ask("DELETE", path)
        except _Said as said:
            if not said.numbers & {_UNKNOWN, _ENDED}:
                raise

    def _known_version(self) -> int:
        if self._version is None:
            paths = self._send("GET", "/openapi/v3").json()["paths"]
            there = {int(found[1]) for path in paths if (found := _VERSION.fullmatch(path))}
            if not there & set(shapes.VERSIONS):
                raise RunnerRefused(
                    f"{self._base} speaks none of v0.0.{shapes.VERSIONS[0]} to v0.0.{shapes.VERSIONS[-1]}."
                )
            self._version = max(there & set(shapes.VERSIONS))
        return self._version

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._send(method, f"/slurm/v0.0.{self._known_version()}{path}", body)
        try:
            told = answer.json()
        except requests.JSONDecodeError:
            raise RunnerUnreachable(
                f"{self._base} answers {answer.status_code}: {answer.text[:200]}"
            ) from None
        if answer.ok and ("job_id" in told or not told.get("errors")):
            return told
        raise _failure(told.get("errors") or [{"error": f"status {answer.status_code}"}], self._user)

    def _send(self, method: str, path: str, body: Any = None) -> requests.Response:
        headers = {"X-SLURM-USER-NAME": self._user, "X-SLURM-USER-TOKEN": read_token(self._token)}
        try:
            answer = self._session.request(
                method, self._base + path, json=body, headers=headers, timeout=SECONDS
            )
        except requests.RequestException as error:
            raise RunnerUnreachable(f"slurmrestd at {self._base} cannot be reached: {error}") from error
        if answer.status_code in (401, 403):
            raise RunnerRefused(f"slurmrestd at {self._base} does not take the token of {self._user}.")
        return answer


class _Said(RunnerRefused):
    """What Slurm says no to, with its numbers."""

    numbers: frozenset[int] = frozenset()


def _failure(errors: Sequence[Mapping[str, Any]], user: str) -> RunnerError:
    numbers = frozenset(int(each.get("error_number") or each.get("error_code") or 0) for each in errors)
    texts = (each.get("error") or each.get("description") for each in errors)
    told = ", ".join(dict.fromkeys(str(text) for text in texts if text))
    if any(2000 <= each < 3000 or each >= 9000 for each in numbers):
        refused = _Said(f"Slurm refuses: {told}")
        refused.numbers = numbers
        return refused
    return RunnerUnreachable(f"Slurm does not answer, or does not take the token of {user}: {told}")


def _number(version: str) -> int:
    told = version.rpartition(".")[2]
    if not told.isdecimal() or int(told) not in shapes.VERSIONS:
        raise SettingsError(f"No version of slurmrestd is called {version!r}; v0.0.38 to v0.0.42 are known.")
    return int(told)
