"""The process of one training: loads the model again, trains it, and writes how that ended.

    python -m deepwhisk_runtime.training FOLDER

The folder is one of `trainings.py`. The process has no other way to tell what it does than by files there:
the object of the training is replaced whole, metrics are lines that are added.
"""

import datetime
import json
import os
import sys
from pathlib import Path
from typing import Any

from deepwhisk_runtime.answers import encode
from deepwhisk_runtime.errors import Fault

RECORD, REQUEST, METRICS = "training.json", "request.json", "metrics.jsonl"


def main(folder: Path) -> int:
    """Train, and write the end of it into the training's object."""
    begun = datetime.datetime.now()
    record = json.loads((folder / RECORD).read_bytes())
    try:
        output = trained(folder)
    except Fault as fault:
        print(fault.message, file=sys.stderr)
        replace(folder / RECORD, record | {"status": "error", "message": fault.message})
        return 1
    ended = datetime.datetime.now()
    result = {"output": output, "finish_date": str(ended), "duration": str(ended - begun)}
    replace(folder / RECORD, record | {"status": "done", "result": result})
    return 0


def trained(folder: Path) -> Any:
    """What the training gives."""
    from deepwhisk_runtime.source import again  # noqa: PLC0415 — who starts this needs its names only

    request = json.loads((folder / REQUEST).read_bytes())
    service = again(Path(request["folder"]), request["name"])
    files = {name: path_of(each) for name, each in request["files"].items()}
    with (folder / METRICS).open("ab") as metrics:

        def note(value: Any) -> None:
            metrics.write(encode(value) + b"\n")
            metrics.flush()

        try:
            result = service.train(request["arguments"] | files, folder / "out", note)
        finally:
            sys.stdout.flush()  # whoever reads of its end can read the whole log
    return None if result is None else json.loads(encode(result))


def path_of(value: Any) -> Any:
    """A file, or several."""
    return [Path(each) for each in value] if isinstance(value, list) else Path(value)


def replace(path: Path, value: Any) -> None:
    """Write a file whole: whoever reads it sees the one before or this one."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(json.dumps(value))
    os.replace(new, path)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
