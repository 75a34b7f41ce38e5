"""Options that several commands have, and nothing that takes long to import."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from deepwhisk.settings import State, default_state

Command = TypeVar("Command", bound=Callable[..., Any])

host_option = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
limits_option = click.option(
    "--limits",
    metavar="machine|openwhisk|FILE.yaml",
    default="machine",
    show_default=True,
    callback=lambda _context, _option, value: _limits(value),
    help="What actions and namespaces may use: what this machine has, what OpenWhisk's standalone server "
    "gives, or what a file says.",
)
driver_option = click.option(
    "--driver",
    type=click.Choice(["process", "docker", "udocker"]),
    default="process",
    show_default=True,
    envvar="DEEPWHISK_DRIVER",
    show_envvar=True,
    help="What runs actions of a kind, and images named deepwhisk/…. Other images run in Docker, or in "
    "uDocker where there is no Docker.",
)
keep_days_option = click.option(
    "--keep-days",
    type=click.FloatRange(min=0, min_open=True),
    default=7,
    show_default=True,
    help="Days after which activations are removed.",
)
keep_size_option = click.option(
    "--keep-size",
    type=click.IntRange(min=1),
    metavar="MB",
    default=4096,
    show_default=True,
    help="Megabytes of the engine's database, above which the oldest activations are removed earlier.",
)
state_option = click.option(
    "--state",
    "state",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="DEEPWHISK_STATE",
    callback=lambda _context, _option, value: State((value or default_state(Path.cwd())).absolute()),
    help="Folder of keys, data and logs. [default: .deepwhisk in the project]",
)


sites_option = click.option(
    "--sites",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("sites.yaml"),
    show_default=True,
    envvar="DEEPWHISK_SITES",
    show_envvar=True,
    help="Where trainings can run. Without the file: on this machine.",
)


def _limits(said: str) -> str:
    """A profile, or the file that is named, wherever it is read."""
    if said in ("machine", "openwhisk"):
        return said
    if not Path(said).is_file():
        raise click.BadParameter(f"{said} is neither machine nor openwhisk, nor is there such a file.")
    return str(Path(said).absolute())


def retention_options(command: Command) -> Command:
    """What becomes of old activations; the names are those of `Retention`, with `keep_` in front."""
    return keep_days_option(keep_size_option(command))


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
