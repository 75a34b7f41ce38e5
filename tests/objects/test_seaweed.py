"""The embedded store as a process: starts, restarts, dies and leaves nothing behind."""

from deepwhisk.objects.seaweed import Seaweed
from deepwhisk.objects.store import StoreSettings
from deepwhisk.objects.stores import open_store


def test_a_running_store_takes_an_object_and_gives_it_back(seaweed: Seaweed, bucket: str) -> None:
    store = open_store(seaweed.settings)

    store.put(bucket, "a", b"hello")

    with store.get(bucket, "a") as body:
        assert body.read() == b"hello"


def test_the_secret_key_is_not_shown(store_settings: StoreSettings) -> None:
    assert store_settings.secret_key not in repr(store_settings)
