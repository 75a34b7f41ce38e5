"""Files that go to the store before a call refers to them, with a bar where somebody looks.

Law: bytes go straight to the store, by a signed link that the action objects/link makes; none pass OpenWhisk.
"""

import mimetypes
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from deepwhisk.cli import links
from deepwhisk.cli.common import err
from deepwhisk.errors import SettingsError
from deepwhisk.whisk import Whisk

LINK_SECONDS = 86_400


def existing(name: str, text: str) -> Path:
    """The file that `NAME=@TEXT` names. Raises SettingsError when there is none."""
    path = Path(text).expanduser()
    if path.is_dir():
        raise SettingsError(f"{path} is a folder; pack it and give -i {name}=@{path.name}.zip.")
    if not path.is_file():
        raise SettingsError(f"There is no file {path}; give -i {name}=@FILE an existing one.")
    return path


def upload(whisk: Whisk, files: dict[str, list[Path]]) -> dict[str, Any]:
    """The reference, or list of references, of each argument's files, once all are in the store."""
    columns = (TextColumn("{task.description}"), BarColumn(30), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as shown:
        sent = {name: [_send(whisk, path, shown) for path in paths] for name, paths in files.items()}
    return {name: references if len(references) > 1 else references[0] for name, references in sent.items()}


def _send(whisk: Whisk, path: Path, shown: Progress) -> dict[str, Any]:
    size = path.stat().st_size
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    told = {"name": path.name, "contentType": kind, "size": size, "seconds": LINK_SECONDS}
    link = whisk.invoke("objects/link", told, result=True)
    if shown.disable:
        err.print(f"Uploading {path.name} ({size:,} bytes) …", markup=False)
    task = shown.add_task(path.name, total=size)
    links.put(
        link["put"]["url"],
        link["put"].get("headers") or {},
        path,
        lambda number: shown.advance(task, number),
    )
    reference: dict[str, Any] = dict(link["reference"])
    return {"$object": {**reference["$object"], "filename": path.name}}
