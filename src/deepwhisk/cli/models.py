"""`deepwhisk models`: the catalog of this project, which of it is deployed, and what is said of each."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from deepwhisk.cli.common import connect, out, print_json
from deepwhisk.cli.options import endpoint_options, json_option
from deepwhisk.cli.published import convert, export, validate
from deepwhisk.errors import SettingsError, WhiskError, WhiskUnreachable
from deepwhisk.goyaml import dump
from deepwhisk.project import Model, Project
from deepwhisk.settings import State
from deepwhisk.whisk import Whisk


@click.group(invoke_without_command=True)
@json_option
@endpoint_options
@click.pass_context
def models(
    context: click.Context, as_json: bool, state: State, apihost: str | None, auth: str | None
) -> None:
    """List this project's models, and which are deployed.

    Its commands show, check, convert and publish what their metadata says.
    """
    if context.invoked_subcommand is None:
        _list(as_json, state, apihost, auth)


@models.command("list")
@json_option
@endpoint_options
def list_models(as_json: bool, state: State, apihost: str | None, auth: str | None) -> None:
    """The same as `deepwhisk models` alone."""
    _list(as_json, state, apihost, auth)


@models.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show all that is said of a model.

    Metadata of DEEP (1.0) is shown in the words of AI4OS 2.x.
    """
    model = Project.find(Path.cwd()).model(name)
    own = {
        "name": model.name,
        "folder": str(model.folder),
        "version": model.version,
        "trainable": model.trainable,
        "limits": {"memory_MB": model.memory, "timeout_ms": model.timeout},
        "kept": {
            "concurrency": model.concurrency,
            "min_warm": model.min_warm,
            "keep_alive_s": model.keep_alive,
        },
    }
    found = {**own, "metadata": dict(model.metadata)}
    if as_json:
        print_json(found)
    else:
        click.echo(dump(found, blocks=True), nl=False)


for _command in (validate, convert, export):
    models.add_command(_command)


def _list(as_json: bool, state: State, apihost: str | None, auth: str | None) -> None:
    project = Project.find(Path.cwd())
    try:
        whisk = connect(apihost, auth, state)
        deployed = deployed_versions(whisk)
    except (SettingsError, WhiskUnreachable):
        whisk, deployed = None, {}
    found = [describe(model, whisk, deployed) for model in project.models]
    if as_json:
        print_json(found)
    else:
        _table(found)


def deployed_versions(whisk: Whisk) -> dict[str, str]:
    """The actions of the package `models` and their versions; none when there is no such package."""
    try:
        return {action["name"]: action["version"] for action in whisk.list("actions/models/")}
    except WhiskUnreachable:
        raise
    except WhiskError as error:
        if error.status == 404:
            return {}
        raise


def describe(model: Model, whisk: Whisk | None, deployed: dict[str, str]) -> dict[str, Any]:
    """One model, with its address when it is deployed."""
    url = None
    if whisk is not None and model.name in deployed:
        action = f"{whisk.apihost}/api/v1/web/{whisk.namespace()}/models/{model.name}"
        url = f"{action}/v2/models/{model.name}/predict/"
    return {
        "name": model.name,
        "title": model.title,
        "version": model.version,
        "license": model.metadata.get("license"),
        "deployed": model.name in deployed,
        "predict": url,
    }


def _table(found: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("name", "title", "version", "license", "deployed"):
        table.add_column(column)
    for model in found:
        state = "[green]yes[/]" if model["deployed"] else "no"
        table.add_row(
            model["name"], model["title"], model["version"], str(model["license"] or "not said"), state
        )
    out.print(table)
    if not any(model["deployed"] for model in found):
        out.print("None is deployed: start with `deepwhisk up`, or `deepwhisk deploy --apihost … --auth …`.")
