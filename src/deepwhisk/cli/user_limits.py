"""`deepwhisk user limits`: what one namespace may use, shown and set."""

from typing import Any

import click
from rich.table import Table

from deepwhisk.cli.common import out, print_json
from deepwhisk.cli.operator import Operator, operator_options
from deepwhisk.cli.options import json_option
from deepwhisk.errors import SettingsError

DEFAULT = "default"


@click.command()
@click.argument("namespace")
@click.argument("settings", nargs=-1, metavar="[TERM=VALUE]...")
@click.option("--reset", is_flag=True, help="First forget all that was set for the namespace.")
@json_option
@operator_options
def limits(namespace: str, settings: tuple[str, ...], reset: bool, as_json: bool, operator: Operator) -> None:
    """Show the limits of a namespace, or set some: they hold at once, and after a restart.

    TERM is what OpenWhisk calls it: invocationsPerMinute, concurrentInvocations, firesPerMinute,
    maxActionMemory (MB), maxActionTimeout (ms), allowedKinds=python:3,sequence, storeActivations=false, …
    `TERM=default` takes one back.
    """
    said = dict(map(_setting, settings))
    path = f"limits/{namespace}"
    found = operator.ask("DELETE" if reset else "GET", path)
    if said:
        found = operator.ask("PUT", path, said)
    print_json(found) if as_json else _show(found)


def _setting(text: str) -> tuple[str, Any]:
    term, equals, value = text.partition("=")
    if not equals:
        raise SettingsError(f"{text!r} sets nothing: say {term}=VALUE, or {term}={DEFAULT}.")
    return term, None if value == DEFAULT else _value(term, value)


def _value(term: str, text: str) -> Any:
    if term == "allowedKinds":
        return [kind for kind in text.split(",") if kind]
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.removeprefix("-").isdecimal() else text


def _show(found: dict[str, Any]) -> None:
    table = Table("limit", "value", "from", box=None, pad_edge=False)
    for term, value in sorted(found["limits"].items()):
        origin = "set" if term in found["set"] else "limits file" if term in found["file"] else ""
        shown = ", ".join(value) if isinstance(value, list) else str(value)
        table.add_row(term, shown, origin)
    out.print(table)
