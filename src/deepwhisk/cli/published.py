"""`deepwhisk models validate`, `convert` and `export`: metadata checked, brought to AI4OS 2.x, published."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from deepwhisk.cli.common import err, print_json
from deepwhisk.cli.options import json_option
from deepwhisk.errors import ProjectError, SettingsError
from deepwhisk.goyaml import dump
from deepwhisk.project import Project, find_folder
from deepwhisk.project.files import folders
from deepwhisk.project.metadata import Metadata, find_metadata, read_metadata
from deepwhisk.project.upgrading import GONE
from deepwhisk.publish import atom, changes, document, jsonld, problems
from deepwhisk.publish.schema import version

FILE = click.Path(dir_okay=False, path_type=Path)
FORMATS = ("json", "atom", "jsonld")


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME|FILE]…")
@json_option
def validate(names: tuple[str, ...], as_json: bool) -> None:
    """Check metadata of models, or of files, against its schema.

    All models of this project if none is named. Says file, line and key of whatever is wrong; exit code 1
    when anything is. The schemas are those of the package ai4-metadata.
    """
    told, wrong = [], []
    for path, file in _files(names):
        try:
            metadata = read_metadata(path, file)
            found = problems(metadata)
        except ProjectError as error:
            wrong.append({"file": file, "line": None, "key": None, "message": str(error)})
            told.append(str(error))
            continue
        wrong += [asdict(problem) for problem in found]
        told += [str(problem) for problem in found] or [f"{file} is valid: {_schema(metadata)}."]
    if as_json:
        print_json(wrong)
    else:
        click.echo("\n".join(told))
    sys.exit(1 if wrong else 0)


def _files(names: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """The metadata files that are meant, and how errors call them."""
    project: Path | None = None
    for name in names:
        if Path(name).is_file():
            yield Path(name), name
            continue
        project = project or find_folder(Path.cwd())
        if not (project / "catalog" / name).is_dir():
            raise ProjectError(f"There is neither a model {name!r} in {project / 'catalog'} nor such a file.")
        yield _of_folder(project / "catalog" / name, project)
    if not names:
        project = find_folder(Path.cwd())
        yield from (_of_folder(folder, project) for folder in folders(project / "catalog"))


def _of_folder(folder: Path, project: Path) -> tuple[Path, str]:
    path = find_metadata(folder)
    return path, path.relative_to(project).as_posix()


def _schema(metadata: Metadata) -> str:
    return "DEEP's schema 1.0" if metadata.old else f"AI4OS {version(metadata)}"


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", type=FILE, help="File to write, .yml or .json. [default: standard output]")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def convert(file: Path, output: Path | None, force: bool) -> None:
    """Bring DEEP's metadata 1.0 to AI4OS 2.x.

    Says what could not be brought along, and what is left to fill in.
    """
    metadata = read_metadata(file, str(file))
    if not metadata.old:
        raise ProjectError(
            f"{file} is not in DEEP's schema 1.0: it has none of its keys, or says metadata_version."
        )
    current = dict(metadata.current)
    text = dump(current, blocks=True)
    if output is not None and output.suffix == ".json":
        text = json.dumps(current, indent=2, ensure_ascii=False) + "\n"
    _write(text, output, force)
    for key in GONE:
        if key in metadata.said:
            err.print(f"{key} has no place in AI4OS 2.x and was left out.")
    for key in ("tasks", "categories", "libraries"):
        if not current[key]:
            err.print(f"{key} is empty: fill it in.")


def _write(text: str, output: Path | None, force: bool) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    if output.exists() and not force:
        raise SettingsError(f"{output} is there already; write over it with --force, or name another file.")
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{output} cannot be written: {error.strerror}.") from error


@click.command()
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="json", show_default=True, help="What to write."
)
@click.option(
    "-o", "--output", type=FILE, help="File to write, also over one that is there. [default: standard output]"
)
@click.option("--url", metavar="URL", help="Where the Atom feed will be read; it names itself then.")
def export(form: str, output: Path | None, url: str | None) -> None:
    """Write the catalog for others to read.

    As one JSON document, as an Atom feed of what changed (by git, else by the dates of the metadata), or as
    JSON-LD in the words of schema.org and MLDCAT-AP. The same catalog gives the same text.
    """
    project = Project.find(Path.cwd())
    found = changes(project)
    if form == "atom":
        text = atom(project, found, url)
    else:
        value = jsonld(project, found) if form == "jsonld" else document(project, found)
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    _write(text, output, force=True)
