"""`deepwhisk export`: what an endpoint has becomes a manifest and files."""

import shlex
from pathlib import Path
from typing import Any

import click

from deepwhisk.cli.common import err, print_json
from deepwhisk.cli.options import json_option
from deepwhisk.cli.origins import find_target, target_options
from deepwhisk.deploy.export import SECRETS, Chosen, Export, collect, compose, write
from deepwhisk.manifest import Endpoint
from deepwhisk.project import MANIFEST


@click.command()
@click.option("--projectname", "--project", "project", default="", metavar="NAME", help="What a project has.")
@click.option("--packages", default="", metavar="NAME,…", help="What packages have, and what fires it.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write to; it must be empty. [default: named as the project, else `export`]",
)
@click.option(
    "--secrets-from-env",
    is_flag=True,
    help="Write $NAME for texts that look like secrets by their names; the values go to secrets.env.",
)
@json_option
@target_options
def export(
    project: str, packages: str, output: Path | None, secrets_from_env: bool, as_json: bool, **words: Any
) -> None:
    """Write what an endpoint has as a manifest and files.

    Without --projectname or --packages, of everything in the namespace. To deploy what was written changes
    nothing; what a manifest cannot say is told.
    """
    if project and packages:
        raise click.UsageError("Give --projectname or --packages, not both.")
    target = find_target(words, Endpoint())
    names = tuple(name.strip() for name in packages.split(",") if name.strip())
    exported = compose(collect(Chosen(project, names), target.whisk, target.gateway), secrets_from_env)
    folder = output or Path(project or "export")
    write(exported, folder)
    if as_json:
        print_json(_described(exported, folder))
    _tell(exported, folder)


def _described(exported: Export, folder: Path) -> dict[str, Any]:
    return {
        "manifest": str(folder / MANIFEST),
        "files": sorted(exported.files),
        "notes": list(exported.notes),
        "secrets": list(exported.secrets),
        "environment": sorted(exported.environ),
    }


def _tell(exported: Export, folder: Path) -> None:
    for note in exported.notes:
        err.print(note, style="yellow", markup=False)
    if exported.secrets:
        err.print(f"{folder / MANIFEST} holds what looks like secrets; do not publish it:", style="yellow")
        for place in exported.secrets:
            err.print(f"    {place}", markup=False)
    if exported.environ:
        err.print(f"Before you deploy: set -a; . {shlex.quote(str(folder / SECRETS))}; set +a", markup=False)
    files = "one file" if len(exported.files) == 1 else f"{len(exported.files)} files"
    err.print(f"Wrote {folder / MANIFEST} and {files}.", markup=False)
