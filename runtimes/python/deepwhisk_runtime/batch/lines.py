"""The metrics of a training as lines of JSON, each with its time."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deepwhisk_runtime.answers import converted, encode, plain_keys
from deepwhisk_runtime.errors import Fault

MOST_BYTES = 32 * 1024 * 1024


class Lines:
    """Lines that are added to what is there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size if path.exists() else 0
        self.last: Any = None

    def add(self, metrics: Any) -> None:
        """Add a line. Past a limit there are no more; the last stands in the result all the same."""
        told = self.plain(metrics)
        line = told if isinstance(told, dict) else {"value": told}
        self.last = line
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        text = json.dumps({"at": at} | line, ensure_ascii=False).encode() + b"\n"
        if self._size + len(text) > MOST_BYTES:
            return
        with self._path.open("ab", buffering=0) as file:
            file.write(text)
        self._size += len(text)

    def plain(self, value: Any) -> Any:
        """As JSON; a number that it cannot hold, as a loss may become, is a text."""
        try:
            return json.loads(encode(value))
        except Fault:
            return finite(json.loads(json.dumps(plain_keys(value), default=nearer)))


def nearer(value: Any) -> Any:
    """One member that is not JSON, nearer to it."""
    try:
        return plain_keys(converted(value, lambda file: {"file": file.name or file.content_type}))
    except TypeError:
        return repr(value)


def finite(value: Any) -> Any:
    """The same without infinite numbers, and without those that are none."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {name: finite(each) for name, each in value.items()}
    return [finite(each) for each in value] if isinstance(value, list) else value
