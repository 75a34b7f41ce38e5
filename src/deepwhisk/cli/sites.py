"""`deepwhisk sites`: where trainings can go, what each could give now, and how long its queue is."""

from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from deepwhisk.cli.common import out, print_json
from deepwhisk.cli.options import json_option
from deepwhisk.cli.training_calls import Trainings, asks_trainings

COLUMNS = ("site", "state", "runner", "cpus", "memory", "gpus", "time", "waiting", "running", "partitions")


@click.command()
@json_option
@asks_trainings
def sites(as_json: bool, calls: Trainings) -> None:
    """Show where trainings can go, and what each could give.

    Sites stand in sites.yaml of the project; without one there is `local`, this machine.
    """
    found = calls.ask("sites")["sites"]
    if as_json:
        print_json(found)
        return
    table = Table(box=None, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in COLUMNS[3:9] else "left")
    for each in found:
        table.add_row(*_row(each))
    out.print(table)
    for each in found:
        if each.get("reason"):
            out.print(f"{each['name']}: {each['reason']}", style="yellow", markup=False)


def _row(each: dict[str, Any]) -> list[str]:
    up = each.get("reachable")
    offer = each.get("offer") or {}
    return [
        escape(str(each["name"])),
        "[green]up[/]" if up else "[red]down[/]",
        escape(str(each.get("runner") or "")),
        _of(offer, "cpus"),
        f"{offer['memory'] / 1024:.1f} GB" if "memory" in offer else "",
        _of(offer, "gpus"),
        _time(offer.get("time")) if offer else "",
        str(each.get("waiting", offer.get("waiting", ""))),
        str(each.get("running", "")),
        escape(", ".join(offer.get("partitions") or ())),
    ]


def _of(offer: dict[str, Any], what: str) -> str:
    """How many are free of those that one training could get."""
    if what not in offer:
        return ""
    free = offer.get(f"free_{what}")
    return str(offer[what]) if free is None else f"{free} of {offer[what]}"


def _time(seconds: int | None) -> str:
    if seconds is None:
        return "any"
    days, rest = divmod(seconds, 86_400)
    return (f"{days} d " if days else "") + f"{rest // 3600}:{rest % 3600 // 60:02}"
