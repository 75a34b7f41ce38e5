"""A new model or project that works at once, made from small text files, to be changed by whoever asked.

Nothing that is there is written over.
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from deepwhisk.errors import ProjectError
from deepwhisk.manifest import is_generated, write
from deepwhisk.project import MODEL_NAME, NAME_RULE, read_project, shipped

TEMPLATES = Path(__file__).parent / "templates"
FIRST_MODEL = "mood"
SHARED = ("actions", "triggers/feeds")  # what models and buckets need of every project


def new_model(project: Path, name: str) -> Path:
    """Make `catalog/NAME` in a project and bring its manifest up to date. Raises ProjectError."""
    if not MODEL_NAME.fullmatch(name):
        raise ProjectError(f"{name!r} cannot name a model: {NAME_RULE}.")
    folder = project / "catalog" / name
    if folder.exists():
        raise ProjectError(f"There is a {folder} already; give the model another name.")
    title = name.replace("-", " ").replace("_", " ").capitalize()
    _fill("model", folder, name=name, title=title, today=datetime.now(UTC).date().isoformat())
    if is_generated(project):
        write(read_project(project))
    return folder


def new_project(folder: Path) -> Path:
    """Make a project of the same shape as the one this tool ships, with one small model."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ProjectError(f"{folder} is not empty; give a folder that is not there yet.")
    _fill("project", folder, name=folder.absolute().name)
    (folder / "gitignore").rename(folder / ".gitignore")
    for part in SHARED:
        shutil.copytree(shipped() / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "sequences").mkdir()
    new_model(folder, FIRST_MODEL)
    write(read_project(folder))
    return folder


def _fill(kind: str, folder: Path, **words: str) -> None:
    for template in sorted((TEMPLATES / kind).rglob("*.txt")):
        target = folder / template.relative_to(TEMPLATES / kind).with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(template.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")
