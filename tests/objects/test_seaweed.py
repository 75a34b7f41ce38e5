"""The embedded store as a process: starts, restarts, dies and leaves nothing behind."""

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest
import requests

from deepwhisk.cli.ports import hold_any
from deepwhisk.errors import ServiceError, StoreError
from deepwhisk.objects import seaweed_folder
from deepwhisk.objects.seaweed import Seaweed, weed
from deepwhisk.objects.seaweed_folder import Webhook
from deepwhisk.objects.store import Store, StoreSettings
from deepwhisk.objects.stores import open_store
from deepwhisk.sockets import hold


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Seaweed]:
    """A store that this test may hurt; not started."""
    store = Seaweed(tmp_path / "store")
    yield store
    store.stop()


def content_of(store: Store, bucket: str, key: str) -> bytes:
    with store.get(bucket, key) as body:
        return body.read()


def pid_of(store: Seaweed) -> int:
    assert store.process is not None
    return store.process.pid


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def listening(pid: int) -> set[str]:
    """The addresses that a process listens on, as /proc has them."""
    sockets = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since
            sockets.add(os.readlink(entry))
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
    ]
    return {line[1].split(":")[0] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets}


def test_a_running_store_takes_an_object_and_gives_it_back(seaweed: Seaweed, bucket: str) -> None:
    store = open_store(seaweed.settings)
    store.put(bucket, "a", b"hello")

    assert content_of(store, bucket, "a") == b"hello"


def test_it_listens_on_loopback_only(seaweed: Seaweed) -> None:
    assert listening(pid_of(seaweed)) == {"0100007F"}


def test_without_credentials_nothing_is_served(seaweed: Seaweed, bucket: str) -> None:
    open_store(seaweed.settings).put(bucket, "secret.txt", b"secret")
    ports = json.loads((seaweed.log.parent / "ports.json").read_text())

    assert requests.get(f"{seaweed.settings.endpoint}/{bucket}/secret.txt", timeout=60).status_code == 403
    for port in (ports["filer"], ports["admin"], ports["master"], ports["volume"]):
        for path in (f"/buckets/{bucket}/secret.txt", f"/{bucket}/secret.txt"):
            assert b"secret" not in requests.get(f"http://127.0.0.1:{port}{path}", timeout=60).content


def test_what_is_private_is_readable_by_its_owner_only(seaweed: Seaweed) -> None:
    folder = seaweed.log.parent

    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("identities.json", "aws", "ports.json"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600
    assert seaweed.settings.secret_key not in repr(seaweed.settings)


def test_the_secret_key_is_on_no_command_line(seaweed: Seaweed) -> None:
    command = Path(f"/proc/{pid_of(seaweed)}/cmdline").read_text()

    assert seaweed.settings.secret_key not in command
    assert "-master.telemetry=false" in command


def test_plain_boto3_finds_it_by_one_variable(seaweed: Seaweed, bucket: str) -> None:
    program = "import boto3, sys; boto3.client('s3').put_object(Bucket=sys.argv[1], Key='a', Body=b'hello')"
    environment = {"AWS_CONFIG_FILE": str(seaweed.log.parent / "aws"), "HOME": "/nowhere"}
    subprocess.run([sys.executable, "-c", program, bucket], env=environment, check=True)

    assert content_of(open_store(seaweed.settings), bucket, "a") == b"hello"


def test_two_stores_have_different_credentials(seaweed: Seaweed, own: Seaweed) -> None:
    own.prepare()

    assert own.settings.secret_key != seaweed.settings.secret_key
    assert own.settings.access_key != seaweed.settings.access_key


def test_a_restart_keeps_address_credentials_and_objects(own: Seaweed) -> None:
    own.start()
    before = own.settings
    open_store(before, ["kept"]).put("kept", "a", b"hello")
    own.stop()
    own.start()

    assert own.settings == before
    assert content_of(open_store(before), "kept", "a") == b"hello"


def test_what_was_acknowledged_survives_kill_9(own: Seaweed) -> None:
    own.start()
    store = open_store(own.settings, ["kept"])
    written: list[str] = []

    def write(writer: int) -> None:
        for number in itertools.count():
            try:
                written.append(store.put("kept", f"{writer}/{number}", f"{number}".encode()).key)
            except StoreError:
                return

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, writer) for writer in range(4)]
        while len(written) < 100:
            time.sleep(0.01)
        os.kill(pid_of(own), signal.SIGKILL)
    assert [writer.result() for writer in writers] == [None] * 4
    own.start()

    listed = {found.key: found.size for found in store.list("kept")}
    assert set(written) <= set(listed)
    assert all(content_of(store, "kept", key) == key.split("/")[1].encode() for key in listed)
    store.put("kept", "after", b"hello")


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    program = """
import sys, time
from pathlib import Path
from deepwhisk.objects.seaweed import Seaweed
store = Seaweed(Path(sys.argv[1]))
store.start()
print(store.process.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()

    deadline = time.monotonic() + 60
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(pid)
    Seaweed(tmp_path).tidy()


def test_a_taken_port_is_named_with_what_to_do(own: Seaweed) -> None:
    own.prepare()
    port = json.loads((own.log.parent / "ports.json").read_text())["filer"]
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(ServiceError, match=rf"port {port}.*delete"),
    ):
        own.start()


def test_ports_are_its_own_before_it_listens(own: Seaweed, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where no other test looks for ports.
    monkeypatch.setattr(seaweed_folder, "FIRST", 22100)
    monkeypatch.setattr(seaweed_folder, "LAST", 22600)
    own.prepare()
    ports = json.loads((own.log.parent / "ports.json").read_text()).values()
    assert [hold("127.0.0.1", port, new=True) for port in ports] == [None] * 10

    own.tidy()
    for port in ports:
        with hold("127.0.0.1", port, new=True) or pytest.fail(f"{port} is still held"):
            pass


def test_other_ports_serve_the_same_objects(own: Seaweed) -> None:
    own.start()
    open_store(own.settings, ["kept"]).put("kept", "a", b"hello")
    own.stop()
    (own.log.parent / "ports.json").unlink()
    own.start()

    assert content_of(open_store(own.settings), "kept", "a") == b"hello"


def test_the_wanted_port_is_used(tmp_path: Path) -> None:
    with hold_any("127.0.0.1") as held:
        port = held.getsockname()[1]
        with Seaweed(tmp_path, s3_port=port) as store:
            assert store.settings.endpoint == f"http://127.0.0.1:{port}"


def test_stopping_leaves_no_process_and_no_socket(own: Seaweed) -> None:
    own.start()
    pid = pid_of(own)
    ports = json.loads((own.log.parent / "ports.json").read_text()).values()
    own.stop()

    assert not alive(pid)
    assert not [
        left for left in Path("/tmp").glob("seaweedfs-*.sock") if int(left.stem.split("-")[-1]) in ports
    ]


def test_only_old_sockets_that_nobody_listens_on_are_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seaweed_folder, "SOCKETS", tmp_path)
    kept = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    for own, name in zip(kept, ("live", "dead", "new"), strict=True):
        own.bind(str(tmp_path / f"seaweedfs-{name}-1.sock"))
        if name != "new":
            os.utime(tmp_path / f"seaweedfs-{name}-1.sock", (1, 1))
    kept[0].listen()
    seaweed_folder.sweep_sockets()
    for own in kept:
        own.close()

    assert sorted(left.name for left in tmp_path.iterdir()) == [
        "seaweedfs-live-1.sock",
        "seaweedfs-new-1.sock",
    ]


def test_a_store_that_ends_at_once_says_why(own: Seaweed) -> None:
    own.prepare()
    (own.log.parent / "identities.json").write_text(
        '{"identities": [{"credentials": [{"accessKey": "a", "secretKey": "b"}], "actions": 7}]}'
    )
    with pytest.raises(
        ServiceError, match=r"the object store ended with .* it said: .*fail to load config file"
    ):
        own.start()
    assert own.process is None


def test_every_new_object_is_posted_to_the_webhook_with_its_token(tmp_path: Path) -> None:
    events: Queue[tuple[str | None, dict[str, object]]] = Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            events.put((self.headers["Authorization"], json.loads(body)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        webhook = Webhook(f"http://127.0.0.1:{server.server_port}/hook", 'tok"en')
        with Seaweed(tmp_path, webhook=webhook) as running:
            open_store(running.settings, ["photos"]).put("photos", "a b+%/ä.jpg", b"x")
            event = events.get(timeout=60)
            while event[1]["key"] != "/buckets/photos/a b+%/ä.jpg":
                event = events.get(timeout=60)
        server.shutdown()

    assert event[0] == 'Bearer tok"en'
    assert event[1]["event_type"] == "create"
    assert (tmp_path / ".seaweedfs" / "notification.toml").stat().st_mode & 0o777 == 0o600


def test_without_a_webhook_none_is_left_from_before(tmp_path: Path) -> None:
    for store in (Seaweed(tmp_path, webhook=Webhook("http://127.0.0.1:1/", "t")), Seaweed(tmp_path)):
        store.prepare()
        store.tidy()

    assert not (tmp_path / ".seaweedfs" / "notification.toml").exists()


def test_a_supervisor_can_run_it_itself(tmp_path: Path) -> None:
    store = Seaweed(tmp_path)
    store.prepare()
    with subprocess.Popen(store.command(), env=store.environment(), stdout=subprocess.DEVNULL) as process:
        try:
            store.wait_ready()
            open_store(store.settings, ["photos"])
        finally:
            process.kill()
    store.tidy()


def test_the_program_comes_from_the_package() -> None:
    assert os.access(weed(), os.X_OK)


def test_settings_are_the_same_before_the_start(tmp_path: Path) -> None:
    store = Seaweed(tmp_path)
    before: StoreSettings = store.settings

    assert Seaweed(tmp_path).settings == before


def test_the_number_of_buckets_does_not_depend_on_the_free_disk(seaweed: Seaweed) -> None:
    """By default seventy were the end on a disk with seventy gigabytes free: each takes three volumes."""
    most = [flag for flag in seaweed.command() if flag.startswith("-volume.max=")]

    assert [int(flag.partition("=")[2]) >= 30_000 for flag in most] == [True]
