"""A real MinIO, where one is installed: a peer for tests, never shipped."""

import os
import shutil
import subprocess
import time
import weakref
from pathlib import Path

import pytest
import requests

from deepwhisk.cli.ports import hold_any
from deepwhisk.objects.store import StoreSettings
from deepwhisk.sockets import number

PLACES = ("~/go/bin/minio", "/tmp/gobin/minio")


def binary() -> str:
    named = os.environ.get("MINIO_BINARY") or shutil.which("minio")
    for place in [named, *PLACES]:
        if place and Path(place).expanduser().is_file():
            return str(Path(place).expanduser())
    pytest.skip("no minio here: `go install github.com/minio/minio@latest`, or set MINIO_BINARY")


class Minio:
    """A MinIO that can be killed and started again."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.environment = environment
        self.folder, self.port, self.console = folder, self._hold(), self._hold()
        self.settings = StoreSettings(f"http://127.0.0.1:{self.port}", "feedtest", "feedtest-secret")
        self._process: subprocess.Popen[bytes] | None = None

    def _hold(self) -> int:
        """A port that nobody else has while this is here, whether the process runs or not."""
        held = hold_any("127.0.0.1")
        weakref.finalize(self, held.close)
        return number(held)

    def start(self) -> None:
        environment = {
            "MINIO_ROOT_USER": self.settings.access_key,
            "MINIO_ROOT_PASSWORD": self.settings.secret_key,
            "MINIO_UPDATE": "off",
            "HOME": str(self.folder),
            **self.environment,
        }
        command = [binary(), "server", "--quiet", "--address", f"127.0.0.1:{self.port}", str(self.folder)]
        self._process = subprocess.Popen(
            [*command, "--console-address", f"127.0.0.1:{self.console}"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 90
        while not self._ready():
            assert time.monotonic() < end
            time.sleep(0.05)

    def _ready(self) -> bool:
        try:
            return requests.get(f"{self.settings.endpoint}/minio/health/ready", timeout=60).ok
        except requests.ConnectionError:
            return False

    def kill(self) -> None:
        assert self._process
        self._process.kill()
        self._process.wait()
