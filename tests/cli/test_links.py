"""Files over signed links: nothing that signs them is told."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deepwhisk.cli import links
from deepwhisk.cli.engine import passed_on
from deepwhisk.cli.predict import argument
from deepwhisk.errors import DeepwhiskError
from deepwhisk.whisk import Whisk

SIGNED = "/bucket/key?X-Amz-Signature=5ec2e7"


class Refuses(http.server.BaseHTTPRequestHandler):
    """Takes nothing and gives nothing, and repeats what it was asked for."""

    def do_GET(self) -> None:
        self.send_error(403, self.path)

    def do_PUT(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        """Nothing."""


@contextmanager
def refusing() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuses) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def failures(store: str, folder: Path) -> list[str]:
    (folder / "in").write_bytes(b"x")
    told = []
    for call in (
        lambda: links.put(store + SIGNED, {}, folder / "in"),
        lambda: links.get(store + SIGNED, folder / "out"),
    ):
        with pytest.raises(DeepwhiskError) as caught:
            call()
        told.append(str(caught.value))
    return told


def test_a_store_that_refuses_is_named_without_what_signs_the_link(tmp_path: Path) -> None:
    with refusing() as store:
        assert failures(store, tmp_path) == [f"The store at {store} answered 403."] * 2


def test_a_store_that_is_away_is_named_without_what_signs_the_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:2")  # which is not asked
    for said in failures("http://127.0.0.1:1", tmp_path):
        assert said.startswith("The store at http://127.0.0.1:1 does not answer (")
        assert "Signature" not in said


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(DeepwhiskError, match="The file /proc/self/mem cannot be read"):
        argument(Whisk("http://127.0.0.1:1", "a:b"), Path("/proc/self/mem"))
    with pytest.raises(DeepwhiskError, match=r"The file .* cannot be read: Is a directory"):
        links.put("http://127.0.0.1:1", {}, tmp_path)


def test_containers_send_nothing_to_this_machine_through_a_proxy() -> None:
    given = passed_on(
        {"HTTP_PROXY": "http://proxy", "no_proxy": "inside", "DEEPWHISK_AUTH": "secret", "TZ": "UTC"}
    )

    loopback = "localhost,127.0.0.1,::1"
    assert given == {
        "HTTP_PROXY": "http://proxy",
        "TZ": "UTC",
        "NO_PROXY": loopback,
        "no_proxy": f"inside,{loopback}",
    }
    assert passed_on({"TZ": "UTC"}) == {"TZ": "UTC"}
