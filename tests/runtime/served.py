"""A model served by the real program on a port of its own, and a small client for it."""

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from runtime.program import RUNTIME


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Served:
    """A running server."""

    url: str  # of the model
    process: "subprocess.Popen[str]"

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """One request; a path without a slash in front is below the model."""
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
        if body is not None and not isinstance(body, bytes):
            body, headers = json.dumps(body).encode(), {"Content-Type": "application/json"} | headers
        try:
            connection.request(method, path if path.startswith("/") else address.path + path, body, headers)
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.headers), answer.read())
        finally:
            connection.close()


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(RUNTIME)} | more


@contextmanager
def serving(*command: str, cwd: Path, **variables: str) -> Iterator[Served]:
    """`python -m deepwhisk_runtime COMMAND` until the block ends."""
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            [sys.executable, "-m", "deepwhisk_runtime", *command],
            cwd=cwd,
            env=environment(**variables),
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline()]
            while lines[-1] and "http://" not in lines[-1]:
                lines.append(process.stdout.readline())  # the model may print as well
            found = re.search(r"http://\S+", lines[-1])
            said.seek(0)
            assert found, lines[0] + said.read()
            yield Served(found[0], process)
        finally:
            process.terminate()
    assert process.returncode == 0
