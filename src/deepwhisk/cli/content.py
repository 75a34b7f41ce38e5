"""`deepwhisk manifest` and `deepwhisk new`: what is done with the content folders."""

from pathlib import Path

import click

from deepwhisk.cli.common import err
from deepwhisk.errors import ProjectError
from deepwhisk.manifest import check_current, write
from deepwhisk.project import MANIFEST, Project
from deepwhisk.scaffold import new_model, new_project


@click.command()
@click.option(
    "--check", is_flag=True, help="Only say whether it is up to date; exit code 1 when it is behind."
)
def manifest(check: bool) -> None:
    """Compose manifest.yaml from the content folders.

    It is in the grammar of wskdeploy, which deploys it as `deepwhisk deploy` does.
    """
    if check:
        check_current(Project.find(Path.cwd()))
        err.print(f"{MANIFEST} is up to date.")
        return
    project = own_project()
    if write(project):
        err.print(f"Wrote {project.folder / MANIFEST}.")
    else:
        err.print(f"{MANIFEST} said so already.")


@click.group()
def new() -> None:
    """Make a model or a project that works at once, to be changed."""


@new.command()
@click.argument("name")
def model(name: str) -> None:
    """Make catalog/NAME: a model that works, to be changed.

    It comes with metadata, an example and its expected answer; manifest.yaml is brought up to date.
    """
    folder = new_model(own_project().folder, name)
    err.print(f"Made {folder}. Try it: deepwhisk predict {name} -i text=hello --local")


@new.command()
@click.argument("folder", type=click.Path(path_type=Path))
def project(folder: Path) -> None:
    """Make FOLDER: a project with one small model."""
    new_project(folder)
    err.print(f"Made {folder}. Try it: cd {folder} && deepwhisk up")


def own_project() -> Project:
    """The project around here, to be written to. Raises ProjectError outside of any."""
    here = Path.cwd()
    project = Project.find(here)
    if project.folder not in (here, *here.parents):
        raise ProjectError(
            f"There is no project in {here} or above; make one with `deepwhisk new project NAME`."
        )
    return project
