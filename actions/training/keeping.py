"""The bucket of trainings, as actions write to it and sign links to it."""

import functools
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from refusing import Refused

BUCKET, TRANSFER = "deepwhisk-trainings", "deepwhisk-transfer"
STORE = ("store_endpoint", "store_access_key", "store_secret_key", "store_region")
EXISTING = {"409", "412", "ConditionalRequestConflict", "PreconditionFailed"}
GONE = {"404", "NoSuchKey", "NoSuchBucket"}
LINK_SECONDS = 3600
CONFIG = Config(
    signature_version="s3v4",
    connect_timeout=3,
    read_timeout=10,  # both attempts end before the action's time does
    retries={"mode": "standard", "total_max_attempts": 2},
    s3={"addressing_style": "path"},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
Json = dict[str, Any]


def client_of(args: Json) -> Any:
    """The client for the store that the package's inputs name; kept between calls."""
    if missing := [name for name in STORE[:3] if not args.get(name)]:
        said = f"{', '.join(missing)} missing; set the variables DEEPWHISK_STORE_… and deploy again"
        raise Refused(said, 503)
    return _connected(*(args.get(name) or "us-east-1" for name in STORE))


@functools.lru_cache(maxsize=8)
def _connected(endpoint: str, access_key: str, secret_key: str, region: str) -> Any:
    session = boto3.session.Session(access_key, secret_key, region_name=region)
    return session.client("s3", endpoint_url=endpoint, config=CONFIG)


def once(client: Any, key: str, body: bytes) -> None:
    """Write an object, unless it is there."""
    try:
        client.put_object(Bucket=BUCKET, Key=key, Body=body, ContentType="application/json", IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] not in EXISTING:
            raise


def kept(client: Any, prefix: str, value: Any) -> Any:
    """References that stay: what lies in the transfer bucket, which is emptied daily, is copied."""
    if isinstance(value, list):
        return [kept(client, f"{prefix}/{number}", each) for number, each in enumerate(value)]
    found = value.get("$object") if isinstance(value, dict) else None
    if not isinstance(found, dict) or not found.get("bucket") or not found.get("key"):
        raise Refused(f'a file is a reference {{"$object": {{"bucket", "key"}}}}, not {str(value)[:80]}')
    plain = {name: each for name, each in found.items() if name != "url"}
    if found["bucket"] != TRANSFER:
        return {"$object": {**plain, **_said(client, found["bucket"], found["key"])}}
    name = str(found.get("filename") or found["key"]).replace("\\", "/").rpartition("/")[2][:120]
    return {"$object": _copied(client, str(found["key"]), f"{prefix}/{name or 'file'}")}


def link(client: Any, key: str, content_type: str | None = None) -> str:
    """A link to read an object, for an hour."""
    named = {"Bucket": BUCKET, "Key": key}
    if content_type:
        named["ResponseContentType"] = content_type
    return str(client.generate_presigned_url("get_object", Params=named, ExpiresIn=LINK_SECONDS))


def _copied(client: Any, source: str, key: str) -> Json:
    _said(client, TRANSFER, source)
    client.copy_object(Bucket=BUCKET, Key=key, CopySource={"Bucket": TRANSFER, "Key": source})
    return {"bucket": BUCKET, "key": key, **_said(client, BUCKET, key)}


def _said(client: Any, bucket: str, key: str) -> Json:
    """What a HEAD says, in the words of a reference."""
    try:
        found = client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in GONE:
            raise Refused(f"there is no object {key!r} in bucket {bucket!r}", 404) from error
        raise
    kind = found.get("ContentType") or "application/octet-stream"
    return {"etag": found["ETag"].strip('"'), "size": found["ContentLength"], "contentType": kind}
