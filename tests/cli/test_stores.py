"""Which store a command means."""

import pytest

from deepwhisk.cli.stores import store_from
from deepwhisk.errors import SettingsError

KEYS = {"DEEPWHISK_STORE_ACCESS_KEY": "a", "DEEPWHISK_STORE_SECRET_KEY": "s"}


@pytest.mark.parametrize(
    ("url", "driver", "endpoint"),
    [
        ("http://127.0.0.1:9000", "s3", "http://127.0.0.1:9000"),
        ("s3+https://s3.example.org", "s3", "https://s3.example.org"),
        ("minio+http://127.0.0.1:9000", "minio", "http://127.0.0.1:9000"),
    ],
)
def test_the_address_names_the_driver(url: str, driver: str, endpoint: str) -> None:
    store = store_from(url, KEYS)

    assert (store.driver, store.endpoint) == (driver, endpoint)


@pytest.mark.parametrize("url", ["127.0.0.1:9000", "ftp://host", "http://", "memory+http://host", ""])
def test_what_is_no_address_of_a_store_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="address of a store"):
        store_from(url, KEYS)


def test_keys_in_the_address_are_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        store_from("http://user:hidden@127.0.0.1:9000", KEYS)

    assert "hidden" not in str(caught.value)


def test_missing_keys_are_named() -> None:
    with pytest.raises(SettingsError, match="DEEPWHISK_STORE_SECRET_KEY"):
        store_from("http://127.0.0.1:9000", {"DEEPWHISK_STORE_ACCESS_KEY": "a"})
