"""The bucket that references travel through: what is too large for a message lies there for a day.

Law: nothing that anybody wants to keep is there; `objects/store` copies what a result refers to.
"""

from botocore.exceptions import ClientError

from deepwhisk.objects.store import TRANSFER, StoreSettings
from deepwhisk.objects.stores.s3 import S3Store, client

DAYS = 1
RULE = {
    "ID": "deepwhisk-transfer",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "Expiration": {"Days": DAYS},
}


def make_transfer_bucket(settings: StoreSettings) -> bool:
    """Make the bucket if it is missing and have the store empty it; False if the store knows no such rule."""
    S3Store(settings, [TRANSFER])
    try:
        client(settings).put_bucket_lifecycle_configuration(
            Bucket=TRANSFER, LifecycleConfiguration={"Rules": [RULE]}
        )
    except ClientError:
        return False
    return True
