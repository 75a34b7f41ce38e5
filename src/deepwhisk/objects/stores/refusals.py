"""What a store's refusal means, in our errors and in sentences.

Law: a message names bucket and key, and says what to do; it never holds a credential or a signed link.
"""

from deepwhisk.errors import ObjectExists, ObjectMissing, StoreError, StoreUnreachable

MISSING = {"404", "NoSuchKey", "NoSuchBucket", "NoSuchVersion", "NotFound"}
EXISTING = {
    "409",
    "412",
    "BucketAlreadyExists",
    "BucketAlreadyOwnedByYou",
    "ConditionalRequestConflict",
    "PreconditionFailed",
}
DENIED = {
    "401",
    "403",
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "RequestTimeTooSkewed",
}
BUSY = {"500", "502", "503", "504", "InternalError", "ServiceUnavailable", "SlowDown", "RequestTimeout"}


def refusal(code: str, message: str, bucket: str, key: str | None) -> StoreError:
    """The error for what a store answered."""
    what = f"object {key!r} in bucket {bucket!r}" if key is not None else f"bucket {bucket!r}"
    if code == "NoSuchBucket":
        return ObjectMissing(f"there is no bucket {bucket!r}; make it first, or check its name")
    if code in MISSING:
        return ObjectMissing(f"there is no {what}; check both names")
    if code in EXISTING:
        return ObjectExists(f"there is already an {what}; it was left as it is")
    if code in DENIED:
        return StoreError(f"the store refused access to {what} ({code}); check the access key and its rights")
    if code == "KeyTooLongError":
        return StoreError(
            f"the store takes no key as long as {short(key)}: a part between slashes may have 255 bytes"
        )
    if code in BUSY:
        return StoreUnreachable(f"the store could not serve {what} ({code}: {message}); try again")
    return StoreError(f"the store refused {what} ({code}: {message})")


def unreachable(endpoint: str, cause: Exception) -> StoreUnreachable:
    """The error for a store that did not answer."""
    return StoreUnreachable(
        f"no object store answered at {endpoint} ({type(cause).__name__}); check that it runs and its address"
    )


def short(key: str | None) -> str:
    """A key as far as a reader wants to see it."""
    return repr(key if key is None or len(key) <= 40 else f"{key[:40]}…")
