"""`deepwhisk trainings cancel, rerun, delete, versions`: what changes trainings, and what came of them."""

from collections.abc import Callable
from typing import Any

import click

from deepwhisk.cli.common import err, print_json
from deepwhisk.cli.options import json_option
from deepwhisk.cli.promote import show_versions
from deepwhisk.cli.training_calls import OVER, Trainings, asks_trainings, short
from deepwhisk.cli.watching import watch

uuids_argument = click.argument("uuids", nargs=-1, required=True, metavar="UUID…")


@click.command()
@uuids_argument
@json_option
@asks_trainings
def cancel(uuids: tuple[str, ...], as_json: bool, calls: Trainings) -> None:
    """End trainings: gracefully at first; each keeps what it has, its checkpoint too."""

    def say(done: dict[str, Any]) -> str:
        return "was over before" if done["state"] in OVER - {"cancelled"} else "is being cancelled"

    _each(calls, "cancel", uuids, as_json, say)


@click.command()
@click.argument("uuid")
@click.option("--follow", "-f", "following", is_flag=True, help="Watch the new one until it is over.")
@json_option
@asks_trainings
def rerun(uuid: str, following: bool, as_json: bool, calls: Trainings) -> None:
    """Begin a new training with all that this one was asked; print its UUID."""
    begun = calls.ask("rerun", uuid=calls.uuid(uuid))
    if as_json:
        print_json(begun)
    else:
        click.echo(begun["uuid"])
    if following:
        watch(calls, [begun["uuid"]], as_json)


@click.command()
@uuids_argument
@json_option
@asks_trainings
def delete(uuids: tuple[str, ...], as_json: bool, calls: Trainings) -> None:
    """Remove trainings that have ended, with all that they left.

    What a model serves, and what still runs, is refused.
    """
    _each(calls, "delete", uuids, as_json, lambda _done: "is deleted")


@click.command()
@click.argument("name")
@json_option
@asks_trainings
def versions(name: str, as_json: bool, calls: Trainings) -> None:
    """What the model NAME has served, and serves: promotions and rollbacks."""
    show_versions(calls, name, as_json)


def _each(
    calls: Trainings, verb: str, starts: tuple[str, ...], as_json: bool, say: Callable[[dict[str, Any]], str]
) -> None:
    """The same for all, once it is clear which all of them are."""
    uuids = [calls.uuid(start) for start in starts]
    done = [calls.ask(verb, uuid=uuid) for uuid in uuids]
    if as_json:
        print_json(done if len(done) > 1 else done[0])
        return
    for uuid, each in zip(uuids, done, strict=True):
        err.print(f"{short(uuid)} {say(each)}.", markup=False)
