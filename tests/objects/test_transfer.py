"""The bucket that references travel through."""

from deepwhisk.objects.store import TRANSFER, StoreSettings
from deepwhisk.objects.stores.s3 import client
from deepwhisk.objects.transfer import make_transfer_bucket


def test_the_embedded_store_empties_the_transfer_bucket_after_a_day(store_settings: StoreSettings) -> None:
    (rule,) = client(store_settings).get_bucket_lifecycle_configuration(Bucket=TRANSFER)["Rules"]

    assert rule["Status"] == "Enabled"
    assert rule["Expiration"]["Days"] == 1


def test_making_it_twice_changes_nothing(store_settings: StoreSettings) -> None:
    assert make_transfer_bucket(store_settings)
    assert make_transfer_bucket(store_settings)
