"""The drivers of `Store`, one file each, chosen by `StoreSettings.driver`.

Law: a driver inherits nothing and imports no other driver; each is loaded only when it is chosen.
"""

from collections.abc import Iterable
from importlib import import_module

from deepwhisk.errors import StoreError
from deepwhisk.objects.store import Shelf, StoreSettings

DRIVERS = {"memory": "MemoryStore", "minio": "MinioStore", "s3": "S3Store"}


def open_store(settings: StoreSettings, buckets: Iterable[str] = ()) -> Shelf:
    """The store that the settings name; buckets that are missing are made."""
    if settings.driver not in DRIVERS:
        raise StoreError(f"there is no store driver {settings.driver!r}; choose one of {', '.join(DRIVERS)}")
    module = import_module(f"{__name__}.{settings.driver}")
    store: Shelf = getattr(module, DRIVERS[settings.driver])(settings, buckets)
    return store
