"""`deepwhisk trainings`: what became of them, their numbers, logs and versions; cancel, rerun, delete."""

import time
from typing import Any

import click

from deepwhisk.cli import told
from deepwhisk.cli.common import connect, out, print_json
from deepwhisk.cli.comparison import as_plain, compared
from deepwhisk.cli.comparison import table as beside
from deepwhisk.cli.options import endpoint_options, json_option
from deepwhisk.cli.training_calls import (
    OVER,
    REST_SECONDS,
    WAIT_SECONDS,
    Trainings,
    asks_trainings,
)
from deepwhisk.cli.training_verbs import cancel, delete, rerun, versions
from deepwhisk.cli.trainings_shown import draw, table
from deepwhisk.cli.trainings_shown import show as show_one
from deepwhisk.cli.watching import watch
from deepwhisk.errors import SettingsError
from deepwhisk.settings import State


@click.group(invoke_without_command=True)
@json_option
@endpoint_options
@click.pass_context
def trainings(
    context: click.Context, as_json: bool, state: State, apihost: str | None, auth: str | None
) -> None:
    """Trainings: list, watch, compare, cancel and repeat them.

    A training is named by its UUID or the beginning of it, 4 characters or more. `deepwhisk train` begins
    one.

    \b
    deepwhisk trainings                          the newest
    deepwhisk trainings follow 3f2a              a live view, until it is over
    deepwhisk trainings compare --model plankton --by accuracy
    deepwhisk trainings cancel 3f2a
    """
    if context.invoked_subcommand is None:
        _list(Trainings(connect(apihost, auth, state)), 20, {}, as_json)


@trainings.command("list")
@click.option("--model", help="Only those of one model.")
@click.option("--only", metavar="STATE", help="Only those that are running, done, error, …")
@click.option("--sweep", metavar="UUID", help="Only those of one sweep.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@json_option
@asks_trainings
def list_trainings(
    model: str | None,
    only: str | None,
    sweep: str | None,
    limit: int,
    as_json: bool,
    calls: Trainings,
) -> None:
    """The newest first: state, node, progress and last metrics of each."""
    filters = {"model": model, "state": only, "sweep": sweep}
    _list(calls, limit, filters, as_json)


@trainings.command()
@click.argument("uuid")
@json_option
@asks_trainings
def show(uuid: str, as_json: bool, calls: Trainings) -> None:
    """All that is known: request, plan, history of states, last metrics, result."""
    found = calls.show(calls.uuid(uuid))
    if as_json:
        print_json(found)
    else:
        show_one(found)


@trainings.command()
@click.argument("uuids", nargs=-1, required=True, metavar="UUID…")
@json_option
@asks_trainings
def follow(uuids: tuple[str, ...], as_json: bool, calls: Trainings) -> None:
    """Watch until it is over: state, node, epoch, metrics, a small plot.

    Exit code 0 when it is done, 1 when it failed or was cancelled. Ctrl-C ends the looking, not the training.
    In a pipe there is a line for each state and for each line of metrics; with --json, each is an object.
    """
    watch(calls, [calls.uuid(each) for each in uuids], as_json)


@trainings.command()
@click.argument("uuid")
@click.option("--follow", "-f", "following", is_flag=True, help="Go on until the training is over.")
@asks_trainings
def log(uuid: str, following: bool, calls: Trainings) -> None:
    """What the training printed."""
    offset = 0
    uuid = calls.uuid(uuid)
    while True:
        began = time.monotonic()
        wait = WAIT_SECONDS if following else None
        answer = calls.ask("log", uuid=uuid, offset=offset, wait=wait)
        click.echo(answer["log"], nl=False)
        offset = answer["next"]
        if not answer["log"] and (not following or answer["state"] in OVER):
            return
        if not answer["log"] and time.monotonic() - began < REST_SECONDS:
            time.sleep(REST_SECONDS)


@trainings.command()
@click.argument("uuid")
@click.option("--plot", "plotted", metavar="METRIC", help="Draw this one.")
@json_option
@asks_trainings
def metrics(uuid: str, plotted: str | None, as_json: bool, calls: Trainings) -> None:
    """Every line of metrics, as the model wrote them."""
    lines = calls.metrics(calls.uuid(uuid))
    if as_json:
        print_json(lines)
    elif plotted is not None:
        draw(lines, plotted)
    else:
        for line in lines:
            click.echo(told.values(line))


@trainings.command()
@click.argument("uuids", nargs=-1, metavar="[UUID]…")
@click.option("--model", help="All of one model.")
@click.option("--sweep", metavar="UUID", help="All of one sweep.")
@click.option("--by", metavar="NAME", help="Sort by this metric or argument. [default: what promotes]")
@click.option("--lower/--higher", default=None, help="Which is better. [default: by the metric's name]")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most so many.")
@json_option
@asks_trainings
def compare(
    uuids: tuple[str, ...],
    model: str | None,
    sweep: str | None,
    by: str | None,
    lower: bool | None,
    limit: int,
    as_json: bool,
    calls: Trainings,
) -> None:
    """One table: the arguments that differ, the last metrics, the best one marked.

    \b
    deepwhisk trainings compare 3f2a 91c0
    deepwhisk trainings compare --sweep 77d1 --by loss
    """
    if not (uuids or model or sweep):
        raise click.UsageError("Say which: UUIDs, --model NAME or --sweep UUID.")
    found = [calls.show(calls.uuid(each)) for each in uuids]
    if not uuids:
        found = calls.all(limit, model=model, sweep=_sweep(calls, sweep))
    compared_ = compared(found, by, lower=lower)
    if as_json:
        print_json(as_plain(compared_))
    else:
        out.print(beside(compared_) if found else "No trainings.")


for _command in (cancel, rerun, delete, versions):
    trainings.add_command(_command)


def _sweep(calls: Trainings, start: str | None) -> str | None:
    """A sweep's whole name from its beginning, or from that of one of its trainings."""
    if start is None or len(start) == 32:
        return start
    of_sweeps = [each["sweep"]["id"] for each in calls.all(1000) if each.get("sweep")]
    found = sorted({each for each in of_sweeps if each.startswith(start)})
    if len(found) != 1:
        raise SettingsError(f"{len(found) or 'No'} sweep{'s' * (len(found) != 1)} begin with {start}.")
    return str(found[0])


def _list(calls: Trainings, limit: int, filters: dict[str, Any], as_json: bool) -> None:
    filters["sweep"] = _sweep(calls, filters.get("sweep"))
    found = calls.all(limit, **filters)
    if as_json:
        print_json(found)
    elif found:
        out.print(table(found))
    else:
        out.print("No trainings. Begin one with `deepwhisk train NAME`.")
