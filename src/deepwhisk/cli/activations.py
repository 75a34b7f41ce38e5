"""`deepwhisk activations`: what was called, what came of it, and what is being called now.

Works on any OpenWhisk; what a call used of the machine (container, memory, processor time) is told by this
project's engine only.
"""

import re
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from deepwhisk.cli.common import connect, out, print_json
from deepwhisk.cli.following import newcomers
from deepwhisk.cli.options import endpoint_options, json_option
from deepwhisk.settings import State
from deepwhisk.whisk import Whisk

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
STATUSES = ("success", "application error", "action developer error", "whisk internal error")
COLUMNS = ("started", "status", "duration", "container", "memory", "action", "activation")


def read_moment(text: str, now: float) -> int:
    """`10m`, `2026-11-22T08:00` or ms since the epoch, as the last; ValueError for anything else."""
    ago = re.fullmatch(r"(\d{1,9})([smhd])", text)
    if ago:
        return int((now - int(ago[1]) * UNITS[ago[2]]) * 1000)
    if re.fullmatch(r"\d{11,15}", text):
        return int(text)
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def _moment(_context: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return read_moment(text, time.time())
    except (ValueError, OverflowError, OSError) as error:
        raise click.BadParameter(
            f"{text!r} is no moment: say 10m (s, m, h, d ago), 2026-11-22T08:00, or ms since the epoch."
        ) from error


@click.command()
@click.argument("activation", required=False)
@click.option("--name", help="Only those of one action: NAME or PACKAGE/NAME.")
@click.option("--since", callback=_moment, help="Only from this moment on: 10m, 2026-11-22T08:00, or ms.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@click.option("--failed", is_flag=True, help="Only those that did not succeed.")
@click.option("--follow", "-f", is_flag=True, help="Go on, with logs, until interrupted.")
@json_option
@endpoint_options
def activations(
    activation: str | None,
    name: str | None,
    since: int | None,
    limit: int,
    failed: bool,
    follow: bool,
    as_json: bool,
    state: State,
    apihost: str | None,
    auth: str | None,
) -> None:
    """List, show and follow what is called.

    Without ACTIVATION the newest are listed; with one, it is shown with its result and logs.

    \b
    deepwhisk activations --name models/image-classification --failed
    deepwhisk activations --follow
    deepwhisk activations 01a201c404cba297fd81d52e98cbf799 --json
    """
    whisk = connect(apihost, auth, state)
    query = {"name": name} if name else {}
    if activation is not None:
        _show(whisk.get("activations", activation, usage=True), as_json)
    elif follow:
        for record in newcomers(whisk, query, since or int(time.time() * 1000)):
            if not (failed and record["response"]["success"]):
                _print_followed(record, as_json)
    else:
        found = list(islice(_listed(whisk, query, since, failed), limit))
        print_json(found) if as_json else _table(found)


def _listed(whisk: Whisk, query: dict[str, Any], since: int | None, failed: bool) -> Iterator[dict[str, Any]]:
    """The newest first, for as long as somebody asks. A trigger's record never fails."""
    query |= {"usage": True} | ({} if since is None else {"since": since})
    for item in whisk.pages("activations", **query):
        if item.get("statusCode") or not failed:
            yield item


def _table(found: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in ("duration", "memory") else "left")
    for item in found:
        table.add_row(*_row(item, STATUSES[item.get("statusCode", 0)]))
    out.print(table) if found else out.print("No activations.")


def _row(item: dict[str, Any], status: str) -> tuple[str, ...]:
    usage = item.get("usage", {})
    duration = f"{item['duration']} ms" if "duration" in item else ""
    memory = f"{usage['memoryPeak'] / 1e6:.0f} MB" if "memoryPeak" in usage else ""
    return (
        datetime.fromtimestamp(item["start"] / 1000).strftime("%m-%d %H:%M:%S.%f")[:-3],
        f"[{'green' if status == 'success' else 'red'}]{status}[/]",
        duration,
        usage.get("container", ""),
        memory,
        escape(_path(item)),
        item["activationId"],
    )


def _path(item: dict[str, Any]) -> str:
    """The full name of what was called; a trigger's record has no path."""
    for note in item["annotations"]:
        if note["key"] == "path":
            return str(note["value"])
    return f"{item['namespace']}/{item['name']}"


def _print_followed(record: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(record)
        return
    out.print("  ".join(filter(None, _row(record, record["response"]["status"]))))
    _print_logs(record)


def _show(record: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(record)
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for column, value in zip(COLUMNS, _row(record, record["response"]["status"]), strict=True):
        if value:
            table.add_row(column, value)
    if "cpuTime" in record.get("usage", {}):
        table.add_row("processor", f"{record['usage']['cpuTime'] * 1000:.1f} ms")
    for note in record["annotations"]:
        if note["key"] in ("waitTime", "initTime"):
            table.add_row(note["key"], f"{note['value']} ms")
    out.print(table)
    out.print("\n[bold]result[/]")
    print_json(record["response"].get("result"))
    if record["logs"]:
        out.print("\n[bold]logs[/]")
        _print_logs(record)


def _print_logs(record: dict[str, Any]) -> None:
    for line in record["logs"]:
        out.print(f"  {line}", markup=False)
