"""What several commands share: options, the project and state they mean, and how they print."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from deepwhisk.settings import State, default_state, find_endpoint
from deepwhisk.whisk import Whisk

Command = TypeVar("Command", bound=Callable[..., Any])

PIPE_WIDTH = 200  # of a table that is not shown on a terminal

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)

host_option = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
state_option = click.option(
    "--state",
    "state",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="DEEPWHISK_STATE",
    callback=lambda _context, _option, value: State((value or default_state(Path.cwd())).absolute()),
    help="Folder of keys, data and logs. [default: .deepwhisk in the project]",
)


def endpoint_options(command: Command) -> Command:
    """The options of a command that speaks to an OpenWhisk endpoint."""
    auth = click.option(
        "--auth", envvar="DEEPWHISK_AUTH", help="Key of the namespace, uuid:key. [default: from wskprops]"
    )
    apihost = click.option(
        "--apihost",
        envvar="DEEPWHISK_APIHOST",
        help="Address of an OpenWhisk endpoint. [default: the running `up`, else ~/.wskprops]",
    )
    return apihost(auth(state_option(command)))


def connect(apihost: str | None, auth: str | None, state: State) -> Whisk:
    """The client of the endpoint that flags, environment or state name."""
    endpoint = find_endpoint(apihost, auth, state, os.environ)
    return Whisk(endpoint.apihost, endpoint.auth)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
