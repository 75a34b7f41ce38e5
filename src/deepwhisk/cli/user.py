"""`deepwhisk user …`: users, their keys and limits, as `wskadmin` has them on a cluster.

A key is shown once, where it is made; the engine's operator API needs the key of `whisk.system`.
"""

import sys
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from deepwhisk.cli.common import err, out, print_json
from deepwhisk.cli.operator import Operator, operator_options
from deepwhisk.cli.options import json_option
from deepwhisk.cli.user_limits import limits
from deepwhisk.errors import SettingsError
from deepwhisk.settings import write_wskprops

name_argument = click.argument("name")
namespace_option = click.option(
    "--namespace", help="The namespace that the key opens. [default: the one of the user's name]"
)
key_option = click.option(
    "--key", "auth", metavar="UUID:KEY", help="A key that the user has elsewhere, instead of a new one."
)
config_option = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write address and key to this wskprops file, for its owner only, instead of showing the key.",
)


@click.group()
def user() -> None:
    """Make, block and delete users; their keys and limits.

    What `wskadmin` does on a cluster of Apache OpenWhisk. A user has a namespace of his name, and keys to
    others if you wish.

    \b
      deepwhisk user create ada --config ada.wskprops
      WSK_CONFIG_FILE=ada.wskprops wsk list
      deepwhisk user limits ada invocationsPerMinute=60
    """


user.add_command(limits)


@user.command()
@name_argument
@namespace_option
@key_option
@config_option
@json_option
@operator_options
def create(
    name: str, namespace: str | None, auth: str | None, config: Path | None, as_json: bool, operator: Operator
) -> None:
    """Make a user, or give one a key to another namespace; the key is shown once."""
    made = operator.ask("PUT", f"users/{name}", _said(namespace=namespace, auth=auth))
    err.print(f"{made['subject']} has the namespace {made['namespace']}.", markup=False)
    _hand_over(made, config, as_json, operator)


@user.command()
@name_argument
@namespace_option
@key_option
@config_option
@json_option
@operator_options
def key(
    name: str, namespace: str | None, auth: str | None, config: Path | None, as_json: bool, operator: Operator
) -> None:
    """Give a user a new key; the old one opens nothing from now on.

    Calls that run go on. Feeds that fire for the user stop until they are deployed with the new key.
    """
    made = operator.ask("POST", f"users/{name}/key", _said(namespace=namespace, auth=auth))
    err.print(f"The key of {made['subject']} to {made['namespace']} is another one now.", markup=False)
    _hand_over(made, config, as_json, operator)


@user.command()
@name_argument
@json_option
@operator_options
def get(name: str, as_json: bool, operator: Operator) -> None:
    """Show a user's namespaces, who shares them, and what they hold; never a key."""
    found = operator.ask("GET", f"users/{name}")
    if as_json:
        print_json(found)
        return
    table = Table("namespace", "users", "holds", box=None, pad_edge=False)
    for each in found["namespaces"]:
        table.add_row(each["name"], ", ".join(each["users"]), _held(each) or "nothing")
    out.print(table)
    if found["blocked"]:
        err.print(f"{name} is blocked.", markup=False)


@user.command("list")
@click.argument("namespace", required=False)
@json_option
@operator_options
def list_users(namespace: str | None, as_json: bool, operator: Operator) -> None:
    """List all users and their namespaces, or those of one namespace; never a key."""
    users = [
        each
        for each in operator.ask("GET", "users")
        if namespace in (None, *(space["name"] for space in each["namespaces"]))
    ]
    if as_json:
        print_json(users)
        return
    table = Table("user", "namespaces", "state", box=None, pad_edge=False)
    for each in users:
        namespaces = ", ".join(space["name"] for space in each["namespaces"])
        table.add_row(each["subject"], namespaces, "[red]blocked[/]" if each["blocked"] else "")
    out.print(table)


@user.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@operator_options
def block(names: tuple[str, ...], operator: Operator) -> None:
    """Let users in no more; what they have deployed stays, and rests."""
    _set_blocked(operator, names, True, "is blocked")


@user.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@operator_options
def unblock(names: tuple[str, ...], operator: Operator) -> None:
    """Let blocked users in again."""
    _set_blocked(operator, names, False, "is not blocked any more")


def _set_blocked(operator: Operator, names: tuple[str, ...], blocked: bool, said: str) -> None:
    for name in names:
        operator.ask("POST", f"users/{name}", {"blocked": blocked})
        err.print(f"{name} {said}.", markup=False)


@user.command()
@name_argument
@click.option("--namespace", help="Take away the key to this namespace only.")
@click.option("--yes", is_flag=True, help="Do not ask before.")
@operator_options
def delete(name: str, namespace: str | None, yes: bool, operator: Operator) -> None:
    """Delete a user, and all that is in namespaces nobody else has a key to.

    What runs there is ended. There is no way back.
    """
    if not yes:
        _ask_before(operator.ask("GET", f"users/{name}"), namespace)
    done = operator.ask("DELETE", f"users/{name}", **_said(namespace=namespace))
    removed = ", ".join(done["removed"]) or "none"
    err.print(f"{name} is deleted; namespaces that went along: {removed}.", markup=False)


def _ask_before(found: dict[str, Any], namespace: str | None) -> None:
    """Show what would go, and let a person say so."""
    for each in found["namespaces"]:
        if namespace in (None, each["name"]):
            others = [name for name in each["users"] if name != found["subject"]]
            fate = (
                f"stays, for {', '.join(others)}"
                if others
                else f"goes, with {_held(each) or 'nothing in it'}"
            )
            err.print(f"The namespace {each['name']} {fate}.", markup=False)
    if not sys.stdin.isatty():
        raise SettingsError("Nothing was deleted: say --yes where nobody can be asked.")
    click.confirm(f"Delete {found['subject']}?", abort=True, err=True)


def _held(namespace: dict[str, Any]) -> str:
    return ", ".join(f"{what}: {count}" for what, count in namespace["holds"].items() if count)


def _hand_over(made: dict[str, Any], config: Path | None, as_json: bool, operator: Operator) -> None:
    """The key, to a file or to standard output; it is not said again."""
    if config is not None:
        write_wskprops(config, operator.apihost, made.pop("auth"), made["namespace"])
        err.print(f"Its key is in {config}, for you only.", markup=False)
        made["config"] = str(config)
    elif not as_json:
        err.print("This is its key. It is not shown again:")
        click.echo(made["auth"])
    if as_json:
        print_json(made)


def _said(**members: str | None) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
