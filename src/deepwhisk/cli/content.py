"""`deepwhisk manifest` and `deepwhisk new`: what is done with the content folders."""

from pathlib import Path

import click

from deepwhisk.cli.common import err
from deepwhisk.manifest import check_current, write
from deepwhisk.project import MANIFEST, Project
from deepwhisk.scaffold import new_model, new_project


@click.command()
@click.option(
    "--check", is_flag=True, help="Only say whether it is up to date; exit code 1 when it is behind."
)
def manifest(check: bool) -> None:
    """Compose manifest.yaml from the content folders, in stock wskdeploy grammar."""
    project = Project.find(Path.cwd())
    if check:
        check_current(project)
        err.print(f"{MANIFEST} is up to date.")
    elif write(project):
        err.print(f"Wrote {project.folder / MANIFEST}.")
    else:
        err.print(f"{MANIFEST} said so already.")


@click.group()
def new() -> None:
    """Make a model or a project that works at once, to be changed."""


@new.command()
@click.argument("name")
def model(name: str) -> None:
    """Make catalog/NAME: a model with metadata, an example and its expected answer."""
    project = Project.find(Path.cwd())
    folder = new_model(project.folder, name)
    err.print(f"Made {folder}. Try it: deepwhisk predict {name} -i text=hello --local")


@new.command()
@click.argument("folder", type=click.Path(path_type=Path))
def project(folder: Path) -> None:
    """Make FOLDER: a project of the same shape as this one, with one small model."""
    new_project(folder)
    err.print(f"Made {folder}. Try it: cd {folder} && deepwhisk up")
