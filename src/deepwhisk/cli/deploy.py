"""`deepwhisk deploy` and `undeploy`: show what would change, change it, say what was done."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress

from deepwhisk.cli.common import connect, err, out, print_json
from deepwhisk.cli.options import endpoint_options, json_option
from deepwhisk.cli.progress import await_environments, showing
from deepwhisk.cli.running import Running
from deepwhisk.cli.stores import running_variables
from deepwhisk.deploy import Change, apply, plan_project, plan_removal, unset_names
from deepwhisk.errors import ManifestError
from deepwhisk.manifest import check_current, is_generated
from deepwhisk.project import Project
from deepwhisk.settings import State
from deepwhisk.whisk import Whisk

dry_run_option = click.option("--dry-run", is_flag=True, help="Show the difference and change nothing.")
SIGN = {"create": "[green]+[/]", "update": "[yellow]~[/]", "delete": "[red]-[/]"}


@click.command()
@dry_run_option
@json_option
@endpoint_options
def deploy(dry_run: bool, as_json: bool, state: State, apihost: str | None, auth: str | None) -> None:
    """Make an OpenWhisk endpoint serve this project.

    Creates, updates and removes what differs; a second deploy changes nothing. Works the same on the engine
    here and on Apache OpenWhisk. `$NAME` in the manifest is looked up in the environment; of a running `up`,
    store and feed are known. Exit code 1 also when packages of an action cannot be installed.
    """
    whisk, project = connect(apihost, auth, state), Project.find(Path.cwd())
    warn_if_behind(project)
    environment = _environment(state, whisk)
    for name in unset_names(project, environment):
        err.print(f"[yellow]${name} is not set: what uses it is deployed empty.[/]")
    changes = plan_project(project, whisk, environment)
    _carry_out(changes, whisk, dry_run, as_json)


@click.command()
@dry_run_option
@json_option
@endpoint_options
def undeploy(dry_run: bool, as_json: bool, state: State, apihost: str | None, auth: str | None) -> None:
    """Remove what this project deployed, and nothing else."""
    whisk = connect(apihost, auth, state)
    _carry_out(plan_removal(Project.find(Path.cwd()), whisk), whisk, dry_run, as_json)


def warn_if_behind(project: Project) -> None:
    """Say that the committed manifest is not what is deployed, which the folders say."""
    if is_generated(project.folder):
        try:
            check_current(project)
        except ManifestError as error:
            err.print(f"[yellow]What is deployed is what the folders say.[/] {error}")


def deploy_all(whisk: Whisk, project: Project, environment: Mapping[str, str], progress: Progress) -> None:
    """Deploy for `up`: shown, not asked."""
    changes = plan_project(project, whisk, environment)
    _apply(_real(changes), whisk, progress)


def _environment(state: State, whisk: Whisk) -> dict[str, str]:
    """What `$NAME` means: this process's environment, over what the running `up` at this address knows."""
    running = Running.read(state)
    here = running is not None and running.apihost == whisk.apihost
    return {**(running_variables(running, state) if running and here else {}), **os.environ}


def _carry_out(changes: Sequence[Change], whisk: Whisk, dry_run: bool, as_json: bool) -> None:
    real = _real(changes)
    if as_json:
        print_json({"changes": [_described(change) for change in real], "applied": not dry_run})
    else:
        _show(real, len(changes) - len(real))
    if not dry_run and not _carried_out(real, whisk):
        sys.exit(1)


def _carried_out(changes: Sequence[Change], whisk: Whisk) -> bool:
    """Whether all that was deployed can also be started, as far as the endpoint tells."""
    began = time.time()
    with showing(whisk.apihost) as progress:
        _apply(changes, whisk, progress)
        return await_environments(whisk.apihost, began)


def _real(changes: Sequence[Change]) -> list[Change]:
    return [change for change in changes if change.verb != "keep"]


def _described(change: Change) -> dict[str, Any]:
    fields = [asdict(field) for field in change.fields]
    return {"verb": change.verb, "kind": change.kind, "name": change.name, "fields": fields}


def _show(changes: Sequence[Change], unchanged: int) -> None:
    for change in changes:
        out.print(f"{SIGN[change.verb]} {change.kind} {change.name}")
        for field in change.fields:
            out.print(f"    {field.name}: {field.before!r} → {field.after!r}", markup=False)
    out.print(f"{len(changes)} to change, {unchanged} as they should be.")


def _apply(changes: Sequence[Change], whisk: Whisk, progress: Progress) -> None:
    task = progress.add_task("Deploying", total=len(changes))
    for note in apply(
        changes, whisk, lambda change: progress.update(task, advance=1, description=str(change))
    ):
        err.print(f"[yellow]{note}[/]")
    progress.remove_task(task)
