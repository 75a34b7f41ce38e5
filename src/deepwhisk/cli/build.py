"""`deepwhisk build`: images of models, and what they hold."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from deepwhisk.cli.common import err, out, print_json
from deepwhisk.cli.interrupts import settling
from deepwhisk.cli.options import json_option
from deepwhisk.errors import SettingsError
from deepwhisk.images import Built, DockerCommand, Options, push, write_sbom
from deepwhisk.images import build as build_image
from deepwhisk.images.building import BASE
from deepwhisk.project import Model, Project
from deepwhisk.settings import cache_folder

EPOCH = "SOURCE_DATE_EPOCH"


@dataclass(frozen=True, slots=True)
class Target:
    """Where images go, and how they are called."""

    registry: str | None
    tag: str | None
    sboms: Path

    def local(self, model: Model) -> str:
        """As manifest.yaml has it."""
        return f"deepwhisk/{model.name}:{self.tag or model.version}"

    def remote(self, model: Model) -> str:
        return f"{str(self.registry).rstrip('/')}/{model.name}:{self.tag or model.version}"


@click.command()
@click.argument("names", metavar="NAME…", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every model of the project.")
@click.option("--push", "registry", metavar="REGISTRY", help="Push to REGISTRY/NAME:TAG, such as ghcr.io/me.")
@click.option("--tag", help="Tag of the images. [default: the model's version]")
@click.option(
    "--sbom",
    "sboms",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    help="Folder of the bills of materials, NAME.cdx.json. [default: here]",
)
@click.option(
    "--base", default=BASE, show_default=True, help="Image to begin with: Debian, or what is made of it."
)
@click.option(
    "--network", default="default", show_default=True, help="Docker's network for the steps that install."
)
@click.option("--no-cache", "fresh", is_flag=True, help="Install everything again.")
@json_option
def build(
    names: tuple[str, ...],
    every: bool,
    registry: str | None,
    tag: str | None,
    sboms: Path,
    base: str,
    network: str,
    fresh: bool,
    as_json: bool,
) -> None:
    """Build images of models: environment, weights and code.

    One image runs as an action, serves the REST API (`docker run … serve`) and predicts on the command
    line (`docker run … predict`). The same input gives the same image.
    """
    models = _wanted(Project.find(Path.cwd()), names, every)
    docker = DockerCommand()
    epoch = _epoch()
    sboms.mkdir(parents=True, exist_ok=True)
    target = Target(registry, tag, sboms)
    with tempfile.TemporaryDirectory(prefix="deepwhisk-images-") as scratch, settling():
        options = Options(cache_folder() / "images", Path(scratch), base, network, fresh, epoch)
        told = [_one(docker, model, options, target, as_json) for model in models]
        if as_json:
            print_json(told)


def _wanted(project: Project, names: tuple[str, ...], every: bool) -> list[Model]:
    if every == bool(names):
        known = ", ".join(model.name for model in project.models) or "none"
        raise click.UsageError(f"Name models, or say --all. There are: {known}.")
    return list(project.models) if every else [project.model(name) for name in dict.fromkeys(names)]


def _epoch() -> int | None:
    told = os.environ.get(EPOCH)
    if told and not told.isdecimal():
        raise SettingsError(f"{EPOCH} is {told!r}: give it seconds since 1970, or leave it out.")
    return int(told) if told else None


def _one(
    docker: DockerCommand, model: Model, options: Options, target: Target, quiet: bool
) -> dict[str, Any]:
    began = time.monotonic()
    with _showing(model.name) as progress:
        built = build_image(docker, model, target.local(model), options, progress)
        pushed = push(docker, built.id, target.remote(model), progress) if target.registry else None
    sbom = target.sboms / f"{model.name}.cdx.json"
    write_sbom(built, sbom)
    seconds = time.monotonic() - began
    if not quiet:
        _tell(built, pushed, sbom, seconds)
    return {
        "name": model.name,
        "image": built.name,
        "id": built.id,
        "pushed": target.remote(model) if pushed else None,
        "digest": pushed,
        "sbom": str(sbom),
        "seconds": round(seconds, 3),
    }


def _tell(built: Built, pushed: str | None, sbom: Path, seconds: float) -> None:
    out.print(f"[green]✓[/] {built.name} {built.id} in {seconds:.1f} s; {sbom}")
    if pushed:
        out.print(f"  pushed: {pushed}")


@contextmanager
def _showing(name: str) -> Iterator[Callable[[str], None]]:
    """A live display of what is being done, or a line where nobody looks."""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(name, total=None)
        if progress.disable:
            err.print(f"Building {name} …")
        yield lambda line: progress.update(task, description=f"{name}: {line[:90]}") if line else None
