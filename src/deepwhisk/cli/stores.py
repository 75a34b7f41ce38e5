"""Which store a command means, and the buckets that a project needs in it."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from deepwhisk.batch.layout import BUCKET
from deepwhisk.cli.parts import batch_token
from deepwhisk.cli.running import Running
from deepwhisk.errors import SettingsError
from deepwhisk.objects.seaweed import Seaweed
from deepwhisk.objects.store import StoreSettings
from deepwhisk.objects.stores import open_store
from deepwhisk.objects.transfer import make_transfer_bucket
from deepwhisk.project import Project
from deepwhisk.settings import State


def store_from(url: str, environ: Mapping[str, str]) -> StoreSettings:
    """The store that `http(s)://HOST` or `minio+http(s)://HOST` names, with its keys from the environment.

    Raises SettingsError when the URL is of another form, holds a key, or the keys are missing.
    """
    driver, _, rest = url.rpartition("+")
    parts = urlsplit(rest)
    if parts.scheme not in ("http", "https") or not parts.hostname or driver not in ("", "s3", "minio"):
        raise SettingsError(
            f"{url!r} is not the address of a store; give http(s)://HOST[:PORT] for S3 or minio+http(s)://HOST[:PORT]."
        )
    if parts.username or parts.password:
        raise SettingsError(
            "A store's address holds no keys; set DEEPWHISK_STORE_ACCESS_KEY and …_SECRET_KEY."
        )
    keys = [environ.get(f"DEEPWHISK_STORE_{name}_KEY") for name in ("ACCESS", "SECRET")]
    if not all(keys):
        raise SettingsError(
            f"The store {rest} needs keys: set DEEPWHISK_STORE_ACCESS_KEY and DEEPWHISK_STORE_SECRET_KEY."
        )
    region = environ.get("DEEPWHISK_STORE_REGION", "us-east-1")
    return StoreSettings(rest, str(keys[0]), str(keys[1]), region, driver or "s3")


def variables(store: StoreSettings, running: Running, state: State) -> dict[str, str]:
    """What the manifest calls `$DEEPWHISK_…`: where containers find the parts, and the keys to them."""
    return {
        **_services(running, state),
        "DEEPWHISK_STORE_ENDPOINT": running.within(store.endpoint),
        "DEEPWHISK_STORE_ACCESS_KEY": store.access_key,
        "DEEPWHISK_STORE_SECRET_KEY": store.secret_key,
        "DEEPWHISK_STORE_REGION": store.region,
    }


def running_variables(running: Running, state: State) -> dict[str, str]:
    """The same for the running `up` of a state folder; another store than the embedded one keeps its keys."""
    folder = state.folder / "store"
    if folder.is_dir() and (settings := Seaweed(folder).settings).endpoint == running.store:
        return variables(settings, running, state)
    return _services(running, state)


def _services(running: Running, state: State) -> dict[str, str]:
    return {
        "DEEPWHISK_FEED_URL": running.within(running.feed),
        "DEEPWHISK_BATCH_URL": running.within(running.batch),
        "DEEPWHISK_BATCH_TOKEN": batch_token(state),
    }


def make_buckets(store: StoreSettings, project: Project) -> None:
    """Make the buckets that the project's triggers watch and fill, and those of references and trainings."""
    make_transfer_bucket(store)
    open_store(store, sorted({*project.buckets(), BUCKET}))
