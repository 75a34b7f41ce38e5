"""A store that is away for a while, and links that run out while a training goes on."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from deepwhisk.objects.store import StoreSettings
from fixtures.attempts import Attempts
from fixtures.machine import until

SLOW = """
    import time
    from pathlib import Path
    class Model:
        def predict(self, x: int = 1) -> int:
            return x
        def train(self, out: Path, go: str):
            epoch = 0
            while not Path(go).exists():
                epoch += 1
                yield {"epoch": epoch}
                time.sleep(0.05)
            (out / "x").write_text("x" * 100_000)
"""


class Door:
    """A proxy before the store, which can be shut: signed links still name the store itself."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock, self._shut = threading.Lock(), False
        self._open: set[socket.socket] = set()
        self.refused = 0
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._shut:
                    self.refused += 1
                    caller.close()
                    continue
                store = socket.create_connection(self._target)
                self._open |= {caller, store}
            for source, sink in ((caller, store), (store, caller)):
                threading.Thread(target=self._pass, args=[source, sink], daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def shut(self) -> None:
        with self._lock:
            self._shut = True
            for each in self._open:
                with suppress(OSError):  # it has ended
                    each.shutdown(socket.SHUT_RDWR)  # else whoever waits for bytes waits on
                each.close()
            self._open.clear()

    def open(self) -> None:
        self._shut = False

    def close(self) -> None:
        self.shut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def door(store_settings: StoreSettings) -> Iterator[Door]:
    host, _, port = store_settings.endpoint.rpartition("/")[2].partition(":")
    door = Door(host, int(port))
    yield door
    door.close()


def test_a_store_that_is_away_for_a_while_costs_no_line(attempts: Attempts, door: Door) -> None:
    go = "go"
    attempt = attempts(SLOW)
    attempt.job["arguments"] = {"go": str(attempt.folder / go)}
    attempt.variables |= {"http_proxy": door.address, "no_proxy": ""}
    process = attempt.start()
    assert until(lambda: attempt.metrics, 60), attempt.said

    door.shut()
    assert until(lambda: door.refused >= 4, 60)
    (attempt.folder / go).touch()  # it ends while the store is away
    refused = door.refused
    assert until(lambda: door.refused >= refused + 2, 60)
    assert process.poll() is None
    door.open()

    assert process.wait(60) == 0
    epochs = [line["epoch"] for line in attempt.metrics]
    assert epochs == list(range(1, len(epochs) + 1))
    assert attempt.result["state"] == "done"
    assert len(attempt.read("artifact")) == attempt.result["artifact"]["size"]


def test_links_that_run_out_are_read_anew(attempts: Attempts) -> None:
    attempt = attempts(SLOW)
    attempt.job["arguments"] = {"go": str(attempt.folder / "go")}
    attempt.write(seconds=1)
    process = attempt.again()
    said = attempt.folder / "said"
    until(lambda: "train tiny" in said.read_text(), 60)

    attempt.write()  # as the service does when the time of the links is coming to an end
    count = len(attempt.metrics)
    assert until(lambda: len(attempt.metrics) > count, 60), attempt.said
    (attempt.folder / "go").touch()
    assert process.wait(60) == 0
    assert json.loads(attempt.read("result"))["state"] == "done"
