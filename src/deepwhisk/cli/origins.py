"""Which manifest a command means, as which project, and where it goes: the words of wskdeploy's command line.

Law: what the command line says wins over the deployment file, that over the manifest, and that over wskprops;
a key of wskprops is shown to no address that a manifest alone has named.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from deepwhisk.cli.options import endpoint_options
from deepwhisk.cli.running import Running
from deepwhisk.cli.stores import running_variables
from deepwhisk.deploy import Gateway, Order
from deepwhisk.deploy.gateway import NO_TOKEN
from deepwhisk.errors import SettingsError
from deepwhisk.manifest import Endpoint as Said
from deepwhisk.manifest import find_origin
from deepwhisk.settings import State, find_endpoint
from deepwhisk.whisk import Whisk

Command = TypeVar("Command", bound=Callable[..., Any])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Target:
    """Where something goes: a namespace, and the gateway of it."""

    whisk: Whisk
    gateway: Gateway


def target_options(command: Command) -> Command:
    """The options that say where."""
    namespace = click.option("-n", "--namespace", help="Refuse to work in another namespace than this one.")
    config = click.option("--config", type=FILE, help="A file as ~/.wskprops, with APIHOST and AUTH.")
    return endpoint_options(namespace(config(command)))


def origin_options(command: Command) -> Command:
    """The options that say what."""
    options = (
        click.option("-p", "--project", type=FOLDER, help="Folder of the project. [default: around here]"),
        click.option("-m", "--manifest", type=FILE, help="The manifest. [default: that of the project]"),
        click.option("-d", "--deployment", type=FILE, help="The deployment file. [default: beside it]"),
        click.option("--projectname", default="", metavar="NAME", help="Name of the project."),
        click.option("--param", "params", nargs=2, multiple=True, metavar="KEY VALUE", help="An input."),
        click.option("-P", "--param-file", type=FILE, help="Inputs, as a JSON object."),
        click.option("-s", "--strict", is_flag=True, help="Refuse what is otherwise mended or warned of."),
    )
    for option in options:
        command = option(command)
    return command


def find_order(words: Mapping[str, Any], environ: Mapping[str, str]) -> Order:
    """What the options say is to be deployed."""
    here = words["project"] or Path.cwd()
    params = {**_params_of(words["param_file"]), **dict(words["params"])}
    origin = find_origin(here, words["manifest"], words["deployment"], params, words["strict"])
    return Order(origin, environ, words["projectname"], words.get("managed"))


def find_target(words: Mapping[str, Any], said: Said) -> Target:
    """Where the options, else a manifest, else wskprops say that it goes. Raises SettingsError."""
    environ = {**os.environ, **({"WSK_CONFIG_FILE": str(words["config"])} if words["config"] else {})}
    apihost, auth = words["apihost"] or said.apihost, words["auth"] or said.auth
    found = find_endpoint(apihost or None, auth or None, words["state"], environ)
    if said.apihost and not words["apihost"] and not auth:
        _check_known(said.apihost, words["state"], environ)
    whisk = Whisk(found.apihost, found.auth)
    token = said.gateway_token or found.gateway_token or NO_TOKEN
    _check_namespace(words["namespace"] or said.namespace, whisk)
    return Target(whisk, Gateway(whisk, token, found.gateway_tenant))


def known_here(order: Order, state: State, whisk: Whisk) -> Order:
    """The order, with `$NAME` of this process over what the running `up` at this address knows."""
    running = Running.read(state)
    here = running is not None and running.apihost == whisk.apihost
    known = running_variables(running, state) if running and here else {}
    return replace(order, environ={**known, **order.environ})


def _params_of(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SettingsError(f"{path} is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise SettingsError(f"{path} must be a JSON object, of the names and values of inputs.")
    return found


def _check_known(apihost: str, state: State, environ: Mapping[str, str]) -> None:
    known = find_endpoint(None, "uuid:key", state, environ).apihost
    if known != apihost:
        raise SettingsError(
            f"The manifest names the address {apihost}, and the key that is known is that of {known}: "
            "say that it may be shown there, with --apihost or --auth."
        )


def _check_namespace(wanted: str, whisk: Whisk) -> None:
    if wanted in ("", "_"):
        return
    found = whisk.namespace()
    if found != wanted:
        raise SettingsError(
            f"The key is of the namespace {found}, not of {wanted}; give the key of that one."
        )
