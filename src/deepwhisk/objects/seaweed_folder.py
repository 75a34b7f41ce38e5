"""What SeaweedFS has on disk: its data, its credentials, its ports, what it is told about events.

Law: all of it lies in one folder that only its owner can enter; credentials and ports are made once and kept.
"""

import contextlib
import json
import os
import random
import secrets
import socket
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from deepwhisk.errors import ServiceError
from deepwhisk.objects.store import StoreSettings
from deepwhisk.sockets import hold

# Below the range from which Linux gives ports to outgoing connections, so that a restart finds them free.
LOOPBACK, FIRST, LAST = "127.0.0.1", 20000, 22000
# SeaweedFS's worker looks for the administration at this distance, whatever it is told.
ADMIN_GRPC = 10000
# How long the ports of a store that was just killed may still look taken.
DYING_SECONDS = 2.0
# SeaweedFS makes them there, whatever TMPDIR says.
SOCKETS = Path("/tmp")


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where SeaweedFS posts its events, and the bearer token it shows there."""

    url: str
    token: str


@dataclass(frozen=True, slots=True)
class Ports:
    """Every port SeaweedFS listens on, all on loopback."""

    s3: int
    master: int
    volume: int
    filer: int
    admin: int
    s3_grpc: int
    master_grpc: int
    volume_grpc: int
    filer_grpc: int
    admin_grpc: int

    def flags(self) -> list[str]:
        return [
            f"-{name.replace('_', '.port.') if '_' in name else f'{name}.port'}={port}"
            for name, port in self.items()
        ]

    def items(self) -> list[tuple[str, int]]:
        return [(name.name, getattr(self, name.name)) for name in fields(self)]

    def hold(self, file: Path, held: ExitStack) -> None:
        """Keep them from others for as long as HELD is open.

        Raises `ServiceError` for one that is still taken when a dying predecessor has had its time.
        """
        deadline = time.monotonic() + DYING_SECONDS
        for name, port in self.items():
            while (mine := hold(LOOPBACK, port)) is None:
                if time.monotonic() > deadline:
                    raise ServiceError(
                        f"port {port}, which the object store needs ({name.replace('_', ' ')}), is taken; "
                        f"end what holds it, or delete {file} for other ports (no object is lost)"
                    )
                time.sleep(0.02)
            held.enter_context(mine)

    def remove_sockets(self) -> None:
        """SeaweedFS makes a socket beside each port, and leaves some."""
        for name, port in self.items():
            (SOCKETS / f"seaweedfs-{name.replace('_', '-')}-{port}.sock").unlink(missing_ok=True)


class SeaweedFolder:
    """The folder of one SeaweedFS."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.data = self.path / "data"
        self.log = self.path / "log"
        self.console = self.log / "console"
        self.identities = self.path / "identities.json"
        self.ports_file = self.path / "ports.json"
        self.aws = self.path / "aws"
        self.notification = self.path / ".seaweedfs" / "notification.toml"

    def write(self, webhook: Webhook | None) -> None:
        """Make the folder and everything SeaweedFS reads at its start."""
        for folder in (self.path, self.data, self.log, self.notification.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.credentials()
        self.notification.unlink(missing_ok=True)
        if webhook is not None:
            write_private(self.notification, notification(webhook))

    def credentials(self) -> tuple[str, str]:
        """Access key and secret key, made the first time."""
        if not self.identities.exists():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(
                self.identities, identities("deepwhisk", secrets.token_hex(10), secrets.token_hex(20))
            )
        known = json.loads(self.identities.read_text())["identities"][0]["credentials"][0]
        return known["accessKey"], known["secretKey"]

    def ports(self, s3_port: int = 0) -> Ports:
        """The ports of this folder, chosen the first time; `s3_port` wins over the one that was chosen."""
        if not self.ports_file.exists():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(self.ports_file, json.dumps(asdict(free_ports()), indent=1) + "\n")
        known = json.loads(self.ports_file.read_text())
        return Ports(**{**known, **({"s3": s3_port} if s3_port else {})})


def notification(webhook: Webhook) -> str:
    """What makes SeaweedFS post every new and changed entry; it tries once, the feed lists for the rest."""
    return f"""\
[notification.webhook]
enabled = true
endpoint = {json.dumps(webhook.url)}
bearer_token = {json.dumps(webhook.token)}
timeout_seconds = 5
max_retries = 2
backoff_seconds = 1
max_backoff_seconds = 2
event_types = ["create", "update"]
path_prefixes = ["/buckets/"]
"""


def identities(name: str, access_key: str, secret_key: str) -> str:
    """The one who may do everything; nobody else may do anything."""
    credentials = [{"accessKey": access_key, "secretKey": secret_key}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return json.dumps(
        {"identities": [{"name": name, "credentials": credentials, "actions": actions}]}, indent=1
    )


def aws_config(settings: StoreSettings) -> str:
    """What boto3 and the AWS command line read when AWS_CONFIG_FILE names it."""
    return f"""\
[default]
aws_access_key_id = {settings.access_key}
aws_secret_access_key = {settings.secret_key}
region = {settings.region}
endpoint_url = {settings.endpoint}
"""


def sweep_sockets() -> None:
    """Remove our sockets of stores that were killed: a minute old, and nobody listens."""
    for left in SOCKETS.glob("seaweedfs-*.sock"):
        with contextlib.suppress(FileNotFoundError):
            found = left.stat()
            if found.st_uid == os.getuid() and time.time() - found.st_mtime > 60 and refuses(left):
                left.unlink()


def refuses(path: Path) -> bool:
    """Whether nobody listens on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return True
    return False


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    part.replace(file)


def free_ports() -> Ports:
    """A row of ports that are free now."""
    for first in random.SystemRandom().sample(range(FIRST, LAST), 200):
        row = [*range(first, first + 9), first + 4 + ADMIN_GRPC]
        with ExitStack() as held:
            if all(_held(port, held) for port in row):
                return Ports(*row)
    raise ServiceError(f"no nine free ports in a row between {FIRST} and {LAST + 9}; end what holds them")


def _held(port: int, held: ExitStack) -> bool:
    """Whether nobody had this port; now HELD has."""
    if mine := hold(LOOPBACK, port, new=True):
        held.enter_context(mine)
    return mine is not None
