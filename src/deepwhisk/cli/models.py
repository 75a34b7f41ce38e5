"""`deepwhisk models`: the catalog of this project, and which of it is deployed."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from deepwhisk.cli.common import connect, out, print_json
from deepwhisk.cli.options import endpoint_options, json_option
from deepwhisk.errors import SettingsError, WhiskError, WhiskUnreachable
from deepwhisk.project import Model, Project
from deepwhisk.settings import State
from deepwhisk.whisk import Whisk


@click.command()
@json_option
@endpoint_options
def models(as_json: bool, state: State, apihost: str | None, auth: str | None) -> None:
    """List this project's models, and which are deployed."""
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
        table.add_row(model["name"], model["title"], model["version"], model["license"] or "not said", state)
    out.print(table)
    if not any(model["deployed"] for model in found):
        out.print("None is deployed: start with `deepwhisk up`, or `deepwhisk deploy --apihost … --auth …`.")
