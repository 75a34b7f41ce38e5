"""The operator's side of an engine, `/admin/v1`: who speaks to it, and what an OpenWhisk without it says."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from deepwhisk.cli.options import Command, state_option
from deepwhisk.errors import SettingsError, WhiskError
from deepwhisk.settings import State, read_wskprops
from deepwhisk.whisk import Whisk

NOWHERE = "The requested resource could not be found"


@dataclass(frozen=True, slots=True)
class Operator:
    """Whoever holds the key of `whisk.system`."""

    whisk: Whisk

    @property
    def apihost(self) -> str:
        return self.whisk.apihost

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """One request below `/admin/v1`. Raises WhiskError."""
        try:
            return self.whisk.send(method, f"/admin/v1/{quote(path)}", body, query)
        except WhiskError as error:
            raise self._explained(error) from error

    def _explained(self, error: WhiskError) -> WhiskError:
        absent = error.status == 405 or (
            error.status == 404 and (error.code is None or NOWHERE in str(error))
        )
        if absent:
            said = f"{self.apihost} has no API for operators: on Apache OpenWhisk, `wskadmin` does this."
        elif error.status == 403:
            said = f"This takes the key of whisk.system at {self.apihost}: give it with --auth. {error}"
        else:
            return error
        return WhiskError(said, error.status, error.code, error.body)


def operator_options(command: Command) -> Command:
    """The options that say which engine, and with which key; the command gets an Operator."""

    @functools.wraps(command)
    def call(*args: Any, apihost: str | None, auth_system: str | None, state: State, **values: Any) -> Any:
        return command(*args, operator=_connect(apihost, auth_system, state), **values)

    return _options(call)  # type: ignore[return-value]


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    auth = click.option(
        "--auth",
        "auth_system",
        envvar="DEEPWHISK_AUTH_SYSTEM",
        help="Key of whisk.system, uuid:key. [default: wskprops.system in --state]",
    )
    apihost = click.option(
        "--apihost",
        envvar="DEEPWHISK_APIHOST",
        help="Address of the engine. [default: wskprops.system in --state]",
    )
    return apihost(auth(state_option(command)))


def _connect(apihost: str | None, auth: str | None, state: State) -> Operator:
    file: Path = state.wskprops_system
    known = read_wskprops(file) if file.is_file() else {}
    host, key = apihost or known.get("APIHOST"), auth or known.get("AUTH")
    if not host or not key:
        raise SettingsError(
            f"No engine to administer is known: {file} is not there. Start one with `deepwhisk up`, "
            "or say --state, or --apihost and --auth with the key of whisk.system."
        )
    return Operator(Whisk(host, key))
