"""What the feed needs to know; the command line reads it, nothing below does."""

from dataclasses import dataclass, field
from pathlib import Path

from deepwhisk.objects.store import StoreSettings


@dataclass(frozen=True, slots=True)
class Queue:
    """The SQS queue that a bucket's notifications arrive in. Without keys, boto3 finds its own."""

    url: str
    region: str = "us-east-1"
    endpoint: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    wait_seconds: int = 10


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast and how patient. Seconds, where nothing else is said."""

    fires_per_minute: int | None = None  # None: what the namespace's limits say
    parallel_fires: int = 8  # of one subscription
    unconfirmed: int = 1000  # fires of one subscription whose outcome may be open
    fire_timeout: float = 15.0
    first_backoff: float = 0.2
    longest_backoff: float = 30.0
    first_look: float = 0.1  # from a fire to the first look at its outcome
    slowest_look: float = 5.0
    margin: float = 300.0  # beyond the action's limits: waiting for a container, making its environment
    outage_grace: float = 10.0  # for outcomes that were open when OpenWhisk went away
    listing: float = 60.0
    look_threads: int = 8
    hints: int = 2000  # that may wait for a look; more ask for a listing
    keep_days: float = 30.0  # entries whose object is gone, and ledgers of deleted subscriptions
    resume: float = 600.0  # a CREATE this soon after DELETE goes on where it stopped


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """All that `serve` takes. `sources` names hints beside listing, which always runs: minio-listen, sqs.

    The webhooks `/hooks/seaweed` and `/hooks/minio` take whoever sends `Authorization: Bearer <token>`.
    """

    ledger: Path
    apihost: str
    store: StoreSettings
    port: int
    token: str = field(repr=False)
    host: str = "127.0.0.1"
    sources: tuple[str, ...] = ()
    queue: Queue | None = None
    make_buckets: bool = False  # that a subscription names and that are missing
    pace: Pace = Pace()
