"""Environments that an engine makes while one waits, minutes the first time, shown as they come."""

import threading
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from deepwhisk.cli.common import err
from deepwhisk.cli.running import ask

POLL_SECONDS = 0.1
ANSWER_SECONDS = 30.0  # for an engine that is busy


@contextmanager
def showing(apihost: str) -> Iterator[Progress]:
    """A live display for the block's own tasks, beside which appears each environment that is being made."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20), TimeElapsedColumn())
    ended = threading.Event()
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        watcher = threading.Thread(target=_watch, args=(apihost, progress, ended), daemon=True)
        watcher.start()
        try:
            yield progress
        finally:
            ended.set()
            watcher.join()


def environments(apihost: str) -> list[dict[str, Any]]:
    """The environments that this engine makes or has made; none where the endpoint does not tell."""
    response = ask(f"{apihost}/environments", ANSWER_SECONDS)
    return list(response.json()) if response is not None and response.ok else []


def await_environments(apihost: str, since: float = 0.0, wanted: Container[str] = ()) -> bool:
    """Return when no environment is being made any more; say which failed. True if none did.

    Those count that failed `since` then, and of those that failed before, the `wanted` digests.
    """
    found = environments(apihost)
    while any(one["state"] == "making" for one in found):
        time.sleep(POLL_SECONDS)
        found = environments(apihost)
    failed = [
        one
        for one in found
        if one["state"] == "failed" and (one["since"] >= since * 1000 or one["digest"] in wanted)
    ]
    for one in failed:
        err.print("[yellow]An environment could not be made:[/]", end=" ")
        err.print(one.get("error"), markup=False)
    return not failed


def _watch(apihost: str, progress: Progress, ended: threading.Event) -> None:
    tasks: dict[str, TaskID] = {}
    while not ended.wait(POLL_SECONDS):
        found = (one for one in environments(apihost) if one["state"] == "making" and one["digest"])
        making = {one["digest"]: one for one in found}
        for digest, one in making.items():
            packages = ", ".join(one["packages"]) or "the base"
            if digest not in tasks:
                tasks[digest] = progress.add_task("", total=None)
                if progress.disable:
                    err.print(f"Making the environment of {packages} …")
            progress.update(tasks[digest], description=f"Environment of {packages}: {str(one['phase'])[:60]}")
        for digest in tasks.keys() - making.keys():
            progress.remove_task(tasks.pop(digest))
