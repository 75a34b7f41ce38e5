"""Trainings as they run: a live view on a terminal, plain lines in a pipe, JSON lines for programs.

Law: looking changes nothing. Ctrl-C ends the looking, says that the training goes on, and how to end it.
"""

import sys
import time
from typing import Any

import click
import orjson
from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from deepwhisk.cli import told
from deepwhisk.cli.common import err, out
from deepwhisk.cli.comparison import compared, table
from deepwhisk.cli.interrupts import settle
from deepwhisk.cli.plot import plot, sparkline
from deepwhisk.cli.training_calls import OVER, PAGE, Trainings, short

SWEEP_SECONDS = 1.0

Line = dict[str, Any]
Training = dict[str, Any]


def watch(trainings: Trainings, uuids: list[str], as_json: bool) -> None:
    """Return when all have ended; exit with 1 when one did not end well."""
    try:
        ended = _watch_one(trainings, uuids[0], as_json) if len(uuids) == 1 else _watch_all(trainings, uuids)
    except KeyboardInterrupt:
        settle()
        err.print(_goes_on(uuids), markup=False)
        raise
    if any(each["state"] != "done" for each in ended):
        sys.exit(1)


def _goes_on(uuids: list[str]) -> str:
    if len(uuids) == 1:
        one = short(uuids[0])
        return (
            f"\nThe training goes on. See it with `deepwhisk trainings follow {one}`, "
            f"end it with `deepwhisk trainings cancel {one}`."
        )
    some = " ".join(map(short, uuids[:4])) + (" …" if len(uuids) > 4 else "")
    return (
        "\nThe trainings go on. See them with `deepwhisk trainings list`, "
        f"end them with `deepwhisk trainings cancel {some}`."
    )


def _watch_one(trainings: Trainings, uuid: str, as_json: bool) -> list[Training]:
    if as_json:
        return _print_json(trainings, uuid)
    if not out.is_terminal:
        return _print_lines(trainings, uuid)
    return _show_live(trainings, uuid)


def _print_json(trainings: Trainings, uuid: str) -> list[Training]:
    """A line for each news: a state as `{"training": …}`, metrics as `{"metrics": …}`."""
    said: Training = {}
    for lines, training in trainings.news(uuid):
        for line in lines:
            click.echo(orjson.dumps({"metrics": line}))
        if training["state"] != said.get("state"):
            click.echo(orjson.dumps({"training": training}))
        said = training
    return [said]


def _print_lines(trainings: Trainings, uuid: str) -> list[Training]:
    said: Training = {}
    for lines, training in trainings.news(uuid):
        for line in lines:
            click.echo(f"{short(uuid)}  {told.values(line)}")
        if training["state"] != said.get("state"):
            click.echo(f"{short(uuid)}  {told.where(training)}{_result(training)}")
        said = training
    return [said]


def _show_live(trainings: Trainings, uuid: str) -> list[Training]:
    lines: list[Line] = []
    with Live(console=out, auto_refresh=False) as live:
        for new, training in trainings.news(uuid):
            lines += new
            live.update(view(training, lines), refresh=True)
    return [training]


def view(training: Training, lines: list[Line]) -> Group:
    """State and node, progress, each metric with its course, and a plot of the one that counts."""
    last = lines[-1] if lines else {}
    color = told.COLORS.get(training["state"], "default")
    head = f"[bold]{escape(training['model'])}[/] {short(training['uuid'])}  "
    parts = [Text.from_markup(f"{head}[{color}]{escape(told.where(training))}[/]{_result(training)}")]
    parts.append(Text("  ".join(filter(None, (told.progress(training, last), told.duration(training))))))
    courses = _courses(lines)
    width = max(map(len, courses), default=0)
    for name, course in courses.items():
        parts.append(Text(f"{name:{width}} {told.number(course[-1]):>10}  {sparkline(course)}"))
    main = told.main_metric([training], list(courses))
    if main is not None and len(courses[main]) > 2:
        parts += [Text(f"\n{main}"), *map(Text, plot(courses[main]))]
    return Group(*parts)


def _courses(lines: list[Line]) -> dict[str, list[float]]:
    """The numbers of each metric in their order."""
    found: dict[str, list[float]] = {}
    for line in lines:
        for name, value in told.numbers(line).items():
            found.setdefault(name, []).append(value)
    return found


def _result(training: Training) -> str:
    """The version that a training became."""
    return f"; version {training['version']} of {training['model']} serves" if training.get("version") else ""


def _watch_all(trainings: Trainings, uuids: list[str]) -> list[Training]:
    """A sweep as one table, which is what it is about."""
    wanted, said = set(uuids), ""
    with Live(console=out, auto_refresh=False) as live:
        while True:
            found = [each for each in _listed(trainings, uuids) if each["uuid"] in wanted]
            if out.is_terminal:
                live.update(table(compared(found)), refresh=True)
            elif (now := _counts(found)) != said:
                said = now
                click.echo(now)
            if len(found) == len(wanted) and all(each["state"] in OVER for each in found):
                break
            time.sleep(SWEEP_SECONDS)
    if not out.is_terminal:
        out.print(table(compared(found)))
    return found


def _listed(trainings: Trainings, uuids: list[str]) -> list[Training]:
    first = trainings.show(uuids[0])
    sweep = (first.get("sweep") or {}).get("id")
    return trainings.all(max(PAGE, len(uuids)), sweep=sweep) if sweep else [trainings.show(u) for u in uuids]


def _counts(found: list[Training]) -> str:
    states = sorted({each["state"] for each in found})
    return ", ".join(f"{sum(each['state'] == state for each in found)} {state}" for state in states)
