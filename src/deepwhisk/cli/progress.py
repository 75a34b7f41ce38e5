"""Environments being made, which can take minutes the first time, shown while they are."""

import time
from typing import Any

import requests
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from deepwhisk.cli.common import err

POLL_SECONDS = 0.1


def environments(apihost: str) -> list[dict[str, Any]]:
    """The environments that this engine makes or has made; none where the endpoint does not tell."""
    response = requests.get(f"{apihost}/environments", timeout=5)
    return list(response.json()) if response.ok else []


def follow_environments(apihost: str) -> None:
    """Show each environment being made until none is left. Say which could not be made."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        tasks: dict[str, TaskID] = {}
        while True:
            found = environments(apihost)
            making = [one for one in found if one["state"] == "making"]
            if not making:
                break
            for one in making:
                text = f"Making an environment: {one['phase']}"
                if one["digest"] not in tasks:
                    tasks[one["digest"]] = progress.add_task(text)
                progress.update(tasks[one["digest"]], description=text)
            time.sleep(POLL_SECONDS)
    for one in found:
        if one["state"] == "failed":
            err.print(f"[yellow]An environment could not be made:[/] {one.get('error')}")
