"""The shim as a process of its own: the real program on a Unix socket, with its logs in files."""

import base64
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SENTINEL = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"
RUNTIME = Path(__file__).parents[2] / "runtimes/python"
LISTEN = """
import socket, sys
from deepwhisk_runtime import door
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(sys.argv[1])
    listener.listen(16)
    door.serve(listener)
"""


class Client(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=120)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(120)
        self.sock.connect(str(self.path))


class Program:
    """One container."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.socket = folder / "door"
        environment = os.environ | {"TMPDIR": str(self.temporary), "PYTHONPATH": str(RUNTIME)} | variables
        with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", LISTEN, str(self.socket)],
                stdout=stdout,
                stderr=stderr,
                env=environment,
                cwd=folder,
            )
        self._client = self.client()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        self.process.kill()
        self.process.wait()

    def client(self) -> Client:
        client = Client(self.socket)
        until = time.monotonic() + 60
        while True:
            try:
                client.connect()
                return client
            except (FileNotFoundError, ConnectionRefusedError):
                client.close()
                assert self.process.poll() is None, self.stderr
                assert time.monotonic() < until, "the container does not listen"
                time.sleep(0.01)

    def post(self, path: str, body: Any, client: Client | None = None) -> tuple[int, Any]:
        client = client or self._client
        client.request("POST", path, body if isinstance(body, bytes) else json.dumps(body))
        answer = client.getresponse()
        content = answer.read()
        assert answer.headers["Content-Length"] == str(len(content))
        return answer.status, json.loads(content)

    def init(
        self, code: str | bytes, main: str = "main", name: str = "/guest/models/thing", **env: Any
    ) -> tuple[int, Any]:
        binary = isinstance(code, bytes)
        text = base64.b64encode(code).decode() if isinstance(code, bytes) else code
        env = {"__OW_ACTION_NAME": name, "__OW_ACTIVATION_ID": "a0", **env}
        value = {"name": "thing", "main": main, "code": text, "binary": binary, "env": env}
        return self.post("/init", {"value": value})

    def run(self, value: Any = None, **members: Any) -> tuple[int, Any]:
        told = {
            "namespace": "guest",
            "action_name": "/guest/models/thing",
            "activation_id": "a1",
            "deadline": "1",
        }
        return self.post("/run", {"value": {} if value is None else value, **told, **members})

    def result(self, value: Any = None, **members: Any) -> Any:
        status, result = self.run(value, **members)
        assert status == 200, result
        return result

    def web(self, method: str, path: str, **members: Any) -> Any:
        """A call as a raw web action makes it."""
        defaults = {"__ow_query": "", "__ow_headers": {"host": "localhost:3233"}, "__ow_body": ""}
        return self.result({"__ow_method": method, "__ow_path": path} | defaults | members)

    @property
    def stdout(self) -> str:
        return (self.folder / "stdout").read_text()

    @property
    def stderr(self) -> str:
        return (self.folder / "stderr").read_text()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def leftovers(self) -> list[str]:
        """Temporary files that no action's folder is."""
        return [path.name for path in self.temporary.iterdir() if not path.name.startswith("action-")]


def zipped(**files: str | bytes) -> bytes:
    """A zip of files by name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def model(source: str, **files: str | bytes) -> bytes:
    """The zip of a model folder."""
    return zipped(**{"model.py": source, **files})
