"""What changed in a catalog, and when: by its git history, else by the dates of its metadata."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deepwhisk.project import Model, Project

GIT_SECONDS = 30
MARK = "\x1e"  # begins a commit in what git prints
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one model."""

    model: str
    number: str  # of the commit; the version where there is no history
    at: datetime
    subject: str


def changes(project: Project) -> list[Change]:
    """The changes of all models, the newest first."""
    names = {model.name for model in project.models}
    found = [change for change in _history(project.folder) if change.model in names]
    known = {change.model for change in found}
    found += [_dated(model) for model in project.models if model.name not in known]
    return sorted(found, key=lambda change: (change.at, change.model), reverse=True)


def _dated(model: Model) -> Change:
    dates = model.metadata.get("dates")
    said = [dates.get(name) for name in ("updated", "created")] if isinstance(dates, dict) else []
    day = next((text for text in map(str, said) if DATE.fullmatch(text)), "1970-01-01")
    try:
        at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    except ValueError:  # the 31st of February
        at = datetime.fromtimestamp(0, UTC)
    return Change(model.name, model.version, at, f"Version {model.version}")


def _history(folder: Path) -> Iterator[Change]:
    """The commits that touched a model; none where there is no git or no history."""
    form = f"--format={MARK}%H%x00%cI%x00%s"
    command = ["git", "-C", str(folder), "log", form, "--name-only", "-z", "--relative", "--", "catalog"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=GIT_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return
    for entry in done.stdout.decode(errors="replace").split(MARK)[1:]:
        number, when, subject, *files = entry.split("\0")
        at = datetime.fromisoformat(when).astimezone(UTC)
        paths = [file.strip("\n").split("/") for file in files]
        for name in sorted({path[1] for path in paths if len(path) > 2 and path[0] == "catalog"}):
            yield Change(name, number, at, subject)
