"""`deepwhisk promote` and `rollback`: which training a model serves; and the versions it has had."""

import sys
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from deepwhisk.cli import told
from deepwhisk.cli.common import err, out, print_json
from deepwhisk.cli.options import json_option
from deepwhisk.cli.training_calls import Trainings, asks_trainings, short


@click.command()
@click.argument("uuid")
@click.option(
    "--force", is_flag=True, help="Even though it is not better, as the rule of its promotion asks."
)
@json_option
@asks_trainings
def promote(uuid: str, force: bool, as_json: bool, calls: Trainings) -> None:
    """Let the model serve what the training UUID has left.

    The next call is answered by the new version; calls that run end on the old one, which stays a
    `deepwhisk rollback` away. What is no sound artifact is refused, whatever is forced.

    \b
    deepwhisk promote 3f2a
    """
    done = calls.ask("promote", uuid=calls.uuid(uuid), force=force or None)
    _tell(done, as_json)


@click.command()
@click.argument("name")
@click.argument("version", type=click.IntRange(min=0), required=False)
@json_option
@asks_trainings
def rollback(name: str, version: int | None, as_json: bool, calls: Trainings) -> None:
    """Let the model NAME serve VERSION, or the one before.

    Version 0 is the model as it was deployed, without any training.

    \b
    deepwhisk rollback plankton
    deepwhisk rollback plankton 3
    """
    _tell(calls.ask("rollback", model=name, version=version), as_json)


def show_versions(calls: Trainings, model: str, as_json: bool) -> None:
    """What a model has served, the newest first."""
    found = calls.ask("versions", model=model)
    if as_json:
        print_json(found)
        return
    table = Table(box=None, pad_edge=False)
    for column in ("", "version", "training", "at", "by", "why", "metrics"):
        table.add_column(column)
    for each in sorted(found["versions"], key=lambda each: -int(each["version"])):
        table.add_row(*_row(each, each["version"] == found.get("serving")))
    if found["versions"]:
        out.print(table)
    else:
        out.print(
            f"{model} serves what it was deployed with: none of its trainings was promoted.", markup=False
        )


def _row(each: dict[str, Any], serving: bool) -> list[str]:
    cells = (each["version"], short(each.get("training") or ""), told.moment(each.get("at")), each.get("by"),
             each.get("why"), told.values(each.get("metrics") or {}))  # fmt: skip
    return ["[green]serves[/]" if serving else "", *(escape(str(cell)) if cell else "" for cell in cells)]


def _tell(done: dict[str, Any], as_json: bool) -> None:
    """What serves now; exit with 1 when that is not what was asked for."""
    if as_json:
        print_json(done)
    elif not done.get("promoted", True):
        err.print(f"Not promoted: {done.get('reason') or 'it says not why'}. See --force.", markup=False)
    else:
        serves = done.get("serves", done["version"])
        click.echo(serves)
        training = f", of training {short(done['training'])}" if done.get("training") else ""
        what = f"Version {serves} serves{training}" if serves else "The model serves as it was deployed"
        err.print(f"{what}.", markup=False)
    if not done.get("promoted", True):
        sys.exit(1)
