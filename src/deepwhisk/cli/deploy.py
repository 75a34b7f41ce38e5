"""`deepwhisk deploy` and `undeploy`: show what would change, change it, say what was done."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click
from rich.progress import Progress

from deepwhisk.cli.common import err, out, print_json
from deepwhisk.cli.options import json_option
from deepwhisk.cli.origins import Target, find_order, find_target, known_here, origin_options, target_options
from deepwhisk.cli.progress import await_environments, showing
from deepwhisk.cli.wanted import wanted_environments
from deepwhisk.deploy import Change, Gateway, Order, apply, plan_deployment, plan_removal
from deepwhisk.errors import ManifestError
from deepwhisk.manifest import Endpoint, Manifest, Origin, check_current, is_generated
from deepwhisk.project import Project, read_project
from deepwhisk.whisk import Whisk

dry_run_option = click.option(
    "--dry-run", "--preview", "dry_run", is_flag=True, help="Show the difference and change nothing."
)
SIGN = {"create": "[green]+[/]", "update": "[yellow]~[/]", "delete": "[red]-[/]"}


@click.command()
@origin_options
@click.option(
    "--managed/--unmanaged",
    default=None,
    help="As a project, whose things are removed when they are declared no longer; or only as single things. "
    "[default: as a project when it has a name]",
)
@dry_run_option
@json_option
@target_options
def deploy(dry_run: bool, as_json: bool, **words: Any) -> None:
    """Make an OpenWhisk endpoint serve this project.

    Creates, updates and removes what differs; a second deploy changes nothing. Works the same on the engine
    here and on Apache OpenWhisk, with any manifest of wskdeploy. `$NAME` in it is looked up in the
    environment; of a running `up`, store and feed are known. Exit code 1 also when packages of an action
    cannot be installed.
    """
    order = find_order(words, os.environ)
    if is_generated(order.origin.folder):
        warn_if_behind(read_project(order.origin.folder))
    target = find_target(words, order.manifest().endpoint)
    order = known_here(order, words["state"], target.whisk)
    changes = plan_deployment(order, target.whisk, target.gateway, _warn)
    _carry_out(changes, target, dry_run, as_json)


@click.command()
@origin_options
@dry_run_option
@json_option
@target_options
def undeploy(dry_run: bool, as_json: bool, **words: Any) -> None:
    """Remove what this project deployed, and nothing else.

    With --projectname no manifest is needed: what carries that name goes.
    """
    if words["projectname"]:
        manifest, said = Manifest(words["projectname"], "", ()), Endpoint()
    else:
        manifest = find_order({**words, "managed": None}, os.environ).manifest()
        said = manifest.endpoint
    target = find_target(words, said)
    changes = plan_removal(manifest, target.whisk, target.gateway)
    _carry_out(changes, target, dry_run, as_json)


def warn_if_behind(project: Project) -> None:
    """Say that the committed manifest is not what is deployed, which the folders say."""
    if is_generated(project.folder):
        try:
            check_current(project)
        except ManifestError as error:
            err.print(f"[yellow]What is deployed is what the folders say.[/] {error}")


def deploy_all(whisk: Whisk, origin: Origin, environment: Mapping[str, str], progress: Progress) -> None:
    """Deploy for `up`: shown, not asked."""
    changes = plan_deployment(Order(origin, environment), whisk)
    _apply(_real(changes), Target(whisk, Gateway(whisk)), progress, [])


def _warn(manifest: Manifest) -> None:
    for name in manifest.unset:
        err.print(f"[yellow]${name} is not set: what uses it is deployed empty.[/]")
    for warning in manifest.warnings:
        err.print(warning, style="yellow", markup=False)


def _carry_out(changes: Sequence[Change], target: Target, dry_run: bool, as_json: bool) -> None:
    real, made = _real(changes), list[Change]()
    if not as_json:
        _show(real, len(changes) - len(real))
    for change in changes:
        if change.note:
            err.print(change.note, style="yellow", markup=False)
    try:
        whole = dry_run or _carried_out(changes, target, made)
    finally:
        if as_json:
            described = [_described(change, change in made) for change in real]
            print_json({"changes": described, "applied": not dry_run and len(made) == len(real)})
    if not whole:
        sys.exit(1)


def _carried_out(changes: Sequence[Change], target: Target, made: list[Change]) -> bool:
    """Whether all that is deployed can also be started, as far as the endpoint tells."""
    began, apihost = time.time(), target.whisk.apihost
    with showing(apihost) as progress:
        _apply(_real(changes), target, progress, made)
        return await_environments(apihost, began, wanted_environments(changes))


def _real(changes: Sequence[Change]) -> list[Change]:
    return [change for change in changes if change.verb != "keep"]


def _described(change: Change, made: bool) -> dict[str, Any]:
    fields = [asdict(field) for field in change.fields]
    return {"verb": change.verb, "kind": change.kind, "name": change.name, "fields": fields, "made": made}


def _show(changes: Sequence[Change], unchanged: int) -> None:
    for change in changes:
        out.print(f"{SIGN[change.verb]} {change.kind} {change.name}")
        for field in change.fields:
            out.print(f"    {field.name}: {field.before!r} → {field.after!r}", markup=False)
    out.print(f"{len(changes)} to change, {unchanged} as they should be.")


def _apply(changes: Sequence[Change], target: Target, progress: Progress, made: list[Change]) -> None:
    task = progress.add_task("Deploying", total=len(changes))

    def step(change: Change) -> None:
        made.append(change)
        progress.update(task, advance=1, description=str(change))

    try:
        for note in apply(changes, target.whisk, step, target.gateway):
            err.print(note, style="yellow", markup=False)
    except KeyboardInterrupt:
        err.print(f"{len(made)} of {len(changes)} changes are made; deploy again to make the others.")
        raise
    progress.remove_task(task)
