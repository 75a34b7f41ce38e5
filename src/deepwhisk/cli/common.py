"""How commands print, and whom they speak to."""

import json
import os
import sys
from typing import Any

import click
from rich.console import Console

from deepwhisk.settings import State, find_endpoint
from deepwhisk.whisk import Whisk

PIPE_WIDTH = 200  # of a table that is not shown on a terminal

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def connect(apihost: str | None, auth: str | None, state: State) -> Whisk:
    """The client of the endpoint that flags, environment or state name."""
    endpoint = find_endpoint(apihost, auth, state, os.environ)
    return Whisk(endpoint.apihost, endpoint.auth)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
