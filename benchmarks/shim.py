"""The shim: what a call through `/run` costs over calling predict, and REST predictions beside bare Flask."""

import base64
import io
import json
import os
import re
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import Row

TURNS, CALLS = 60, 50
SECONDS = 4
CONNECTIONS = 4
RUNTIME = Path(__file__).parents[1] / "runtimes/python"
ARGUMENTS = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
MODEL = '''"""Names an iris."""
from math import exp
from typing import Annotated
from pydantic import Field

Centimeters = Annotated[float, Field(ge=0, le=20)]
LABELS = ("setosa", "versicolor", "virginica")
WEIGHTS = ((0.42, 0.97, -2.52, -1.08), (0.53, -0.32, -0.2, -0.94), (-0.95, -0.65, 2.72, 2.02))
BIAS = (9.85, 2.24, -12.09)

class Model:
    def predict(self, sepal_length: Centimeters, sepal_width: Centimeters, petal_length: Centimeters,
                petal_width: Centimeters) -> dict:
        inputs = (sepal_length, sepal_width, petal_length, petal_width)
        scores = [exp(b + sum(w * x for w, x in zip(ws, inputs))) for ws, b in zip(WEIGHTS, BIAS)]
        total = sum(scores)
        return {"labels": LABELS, "probabilities": [score / total for score in scores]}
'''
CONTAINER = """
import socket, sys
from deepwhisk_runtime import door
family = socket.AF_UNIX if sys.argv[1] == "unix" else socket.AF_INET
with socket.socket(family) as listener:
    listener.bind(sys.argv[2] if family == socket.AF_UNIX else ("127.0.0.1", 0))
    listener.listen(16)
    print(f"listens on :{'unix' if family == socket.AF_UNIX else listener.getsockname()[1]}/", flush=True)
    door.serve(listener)
"""
ECHO = """
import socket, sys
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(sys.argv[1])
    listener.listen(1)
    print("listens on :unix/", flush=True)
    client, _ = listener.accept()
    answer = b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n"
    while client.recv(65536): client.sendall(answer)
"""
FLASK = """
import sys
sys.path.insert(0, sys.argv[1])
from flask import Flask, request
from waitress.server import create_server
from model import Model
app, model = Flask("bare"), Model()
@app.post("/predict/")
def predict(): return {"status": "OK", "predictions": model.predict(**request.get_json())}
server = create_server(app, host="127.0.0.1", port=0, threads=8)
print(f"listens on :{server.effective_port}/", flush=True)
server.run()
"""


def measure() -> list[Row]:
    """All rows, from processes that run side by side."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "iris"
        folder.mkdir()
        (folder / "model.py").write_text(MODEL)
        return [*overheads(stack, folder), throughput(stack, folder)]


def overheads(stack: ExitStack, folder: Path) -> list[Row]:
    """A call by Unix socket, by TCP, and in process, in turns."""
    unix = str(folder / "door")
    stack.enter_context(program("-c", CONTAINER, "unix", unix))
    tcp = stack.enter_context(program("-c", CONTAINER, "tcp"))
    stack.enter_context(program("-c", ECHO, unix + "-echo"))
    namespace: dict[str, Any] = {}
    exec(MODEL, namespace)
    predict = namespace["Model"]().predict
    clients = [opened(stack, socket.AF_UNIX, unix), opened(stack, socket.AF_INET, ("127.0.0.1", tcp))]
    for client in clients:
        asked(client, request("/init", {"value": {"code": code(folder), "binary": True}}))
    body = {
        "value": ARGUMENTS,
        "activation_id": "0" * 32,
        "action_name": "/guest/iris",
        "deadline": "1700000000000",
    }
    sent = request("/run", body)
    clients.append(opened(stack, socket.AF_UNIX, unix + "-echo"))
    acts: list[Callable[[], object]] = [lambda: predict(**ARGUMENTS)]
    acts += [partial(asked, client, sent) for client in clients]
    inside, *through, echo = medians(acts)
    return [
        overhead(name, taken, inside, echo)
        for name, taken in zip(("Unix socket", "TCP"), through, strict=True)
    ]


def overhead(name: str, taken: float, inside: float, echo: float) -> Row:
    """One row; the floor is a process that answers without reading what it is sent."""
    over = taken - inside
    return Row(
        f"shim: warm overhead of /run by {name}, c=1, p50",
        f"{over:.3f} ms",
        f"predict in process {inside:.3f} ms; an echo by Unix socket {echo:.3f} ms",
        f"{taken / inside:.0f}×",
        "≤ 0.3 ms, aim 0.15",
        over <= 0.3,
    )


def throughput(stack: ExitStack, folder: Path) -> Row:
    """Predictions a second of the REST application and of a bare Flask route, in turns."""
    ours = stack.enter_context(program("-m", "deepwhisk_runtime", "serve", str(folder), "--port", "0"))
    bare = stack.enter_context(program("-c", FLASK, str(folder)))
    sent = {ours: request("/v2/models/iris/predict/", ARGUMENTS), bare: request("/predict/", ARGUMENTS)}
    rates: dict[int, list[float]] = {ours: [], bare: []}
    for _ in range(SECONDS):
        for port, each in rates.items():
            each.append(rate(port, sent[port]))
    mine, theirs = statistics.median(rates[ours]), statistics.median(rates[bare])
    return Row(
        f"shim: REST predictions, c={CONNECTIONS}",
        f"{mine:.0f}/s",
        f"bare Flask route on waitress {theirs:.0f}/s",
        f"{mine / theirs:.2f}×",
        "≥ 0.7× bare Flask",
        mine >= 0.7 * theirs,
    )


def rate(port: int, sent: bytes) -> float:
    """Answers in a second over a few kept connections."""
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(CONNECTIONS):
            client = opened(stack, socket.AF_INET, ("127.0.0.1", port))
            selector.register(client, selectors.EVENT_READ)
            client.sendall(sent)
        answers, begun = 0, time.perf_counter()
        while time.perf_counter() < begun + 1:
            for key, _ in selector.select(0.1):
                received(key.fileobj)  # type: ignore[arg-type]
                key.fileobj.sendall(sent)  # type: ignore[union-attr]
                answers += 1
        return answers / (time.perf_counter() - begun)


def medians(acts: list[Callable[[], object]]) -> list[float]:
    """Milliseconds, the median of each; by turns of a few calls, so that other work here hurts all alike."""
    taken: list[list[float]] = [[] for _ in acts]
    for _ in range(TURNS):
        for times, act in zip(taken, acts, strict=True):
            for _ in range(CALLS):
                start = time.perf_counter()
                act()
                times.append((time.perf_counter() - start) * 1000)
    return [statistics.median(times) for times in taken]


@contextmanager
def program(*arguments: str) -> Iterator[int]:
    """A Python process that says its port first; gives the port, or 0 for a Unix socket."""
    environment = os.environ | {"PYTHONPATH": str(RUNTIME)}
    command = [sys.executable, *arguments]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=quiet, text=True
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r":(\d+|unix)/", process.stdout.readline())
            assert found, f"{command} did not start"
            # Whoever runs a container reads what it prints, or it would wait.
            with subprocess.Popen(["cat"], stdin=process.stdout, stdout=quiet):
                yield 0 if found[1] == "unix" else int(found[1])
                process.terminate()
        finally:
            process.kill()


def opened(stack: ExitStack, family: int, address: Any) -> socket.socket:
    """A connection, closed with the stack."""
    client = stack.enter_context(socket.socket(family))
    client.connect(address)
    return client


def request(path: str, body: Any) -> bytes:
    """A POST of JSON."""
    text = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text


def asked(client: socket.socket, sent: bytes) -> bytes:
    """Send a request and take its answer."""
    client.sendall(sent)
    return received(client)


def received(client: socket.socket) -> bytes:
    """One whole answer; a status other than 200 ends the measurement."""
    answer = client.recv(65536)
    while (end := answer.find(b"\r\n\r\n")) < 0 or len(answer) < end + 4 + length(answer[:end]):
        answer += client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200"), answer
    return answer


def length(head: bytes) -> int:
    """The length of the body that a head announces."""
    found = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0


def code(folder: Path) -> str:
    """The model's folder as `/init` carries it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.write(folder / "model.py", "model.py")
    return base64.b64encode(stream.getvalue()).decode()
