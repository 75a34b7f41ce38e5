"""Trainings as tables and plots, for people."""

from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from deepwhisk.cli import told
from deepwhisk.cli.common import out, print_json
from deepwhisk.cli.plot import plot
from deepwhisk.cli.training_calls import Training, short
from deepwhisk.errors import SettingsError

COLUMNS = ("training", "model", "state", "site", "node", "progress", "metrics", "begun", "time", "version")
MEMBERS = (
    "uuid", "model", "kind", "state", "reason", "by", "via", "date", "begun", "ended", "site", "node",
    "handle", "attempt", "version",
)  # fmt: skip


def table(found: list[Training]) -> Table:
    made = Table(box=None, pad_edge=False)
    for column in COLUMNS:
        made.add_column(column)
    for each in found:
        last = each.get("metrics") or {}
        known = told.share(each, last)
        color = told.COLORS.get(each["state"], "default")
        cells = (each.get("site"), each.get("node"), f"{known[0]}/{known[1]}" if known else "",
                 told.values({name: value for name, value in last.items() if name not in told.COUNTS}),
                 told.moment(each.get("begun")), told.duration(each), each.get("version"))  # fmt: skip
        plain = (escape(str(cell)) if cell else "" for cell in cells)
        made.add_row(short(each["uuid"]), escape(each["model"]), f"[{color}]{each['state']}[/]", *plain)
    return made


def show(found: Training) -> None:
    made = Table(box=None, pad_edge=False, show_header=False)
    for member in MEMBERS:
        if found.get(member) not in (None, ""):
            made.add_row(member, escape(str(found[member])))
    for name, value in (found.get("arguments") or {}).items():
        made.add_row(f"  -i {escape(name)}", escape(str(value)))
    out.print(made)
    out.print("\n[bold]history[/]")
    for each in found.get("history", []):
        out.print(f"  {told.moment(each.get('at'))}  {told.where(each)}", markup=False)
    for part in ("metrics", "result", "environment"):
        if found.get(part):
            out.print(f"\n[bold]{part}[/]")
            print_json(found[part])


def draw(lines: list[dict[str, Any]], name: str) -> None:
    course = [value for line in lines for key, value in told.numbers(line).items() if key == name]
    if not course:
        names = dict.fromkeys(key for line in lines for key in told.numbers(line))
        raise SettingsError(f"There are no numbers {name}; there are: {', '.join(names) or 'none'}.")
    for row in plot(course):
        click.echo(row)
