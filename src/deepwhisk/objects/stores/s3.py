"""Any S3 API, by boto3: AWS, MinIO, SeaweedFS, Ceph.

Law: nothing of botocore leaves this file, neither its errors nor its types.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ParamValidationError

from deepwhisk.errors import ObjectExists, StoreError
from deepwhisk.objects.store import (
    Body,
    Method,
    Object,
    Reader,
    StoreSettings,
    check_names,
    check_seconds,
    length_of,
)
from deepwhisk.objects.stores.refusals import refusal, unreachable

CONFIG = Config(
    signature_version="s3v4",
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=32,
    retries={"mode": "standard", "total_max_attempts": 3},
    s3={"addressing_style": "path"},
    # Stores other than AWS do not all know the newer checksums; the signature covers the body anyway.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


class S3Store:
    """A `Store` that boto3 speaks to; safe to share between threads."""

    def __init__(self, settings: StoreSettings, buckets: Iterable[str] = ()) -> None:
        self._endpoint = settings.endpoint
        self._region = settings.region
        self._client = client(settings)
        for bucket in buckets:
            self._make(bucket)

    def put(
        self, bucket: str, key: str, body: Body, *, content_type: str = "", if_absent: bool = False
    ) -> Object:
        check_names(bucket, key)
        size = length_of(body)
        kind = content_type or "application/octet-stream"
        condition = {"IfNoneMatch": "*"} if if_absent else {}
        with self._refusals(bucket, key):
            answer = self._client.put_object(
                Bucket=bucket, Key=key, Body=body, ContentType=kind, ContentLength=size, **condition
            )
        return Object(
            bucket, key, unquoted(answer["ETag"]), size, kind, date_of(answer), answer.get("VersionId")
        )

    @contextmanager
    def get(self, bucket: str, key: str) -> Iterator[Reader]:
        check_names(bucket, key)
        with self._refusals(bucket, key):
            body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
            try:
                yield body
            finally:
                body.close()

    def head(self, bucket: str, key: str) -> Object:
        check_names(bucket, key)
        with self._refusals(bucket, key):
            answer = self._client.head_object(Bucket=bucket, Key=key)
        return Object(
            bucket,
            key,
            unquoted(answer["ETag"]),
            answer["ContentLength"],
            answer.get("ContentType"),
            answer["LastModified"],
            answer.get("VersionId"),
        )

    def list(self, bucket: str, prefix: str = "") -> Iterator[Object]:
        check_names(bucket)
        with self._refusals(bucket):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for found in page.get("Contents", ()):
                    yield listed(bucket, found)

    def link(self, bucket: str, key: str, *, method: Method = "GET", seconds: int = 900) -> str:
        check_names(bucket, key)
        check_seconds(seconds)
        verb = {"GET": "get_object", "PUT": "put_object"}[method]
        url: str = self._client.generate_presigned_url(
            verb, Params={"Bucket": bucket, "Key": key}, ExpiresIn=seconds
        )
        return url

    def delete(self, bucket: str, key: str) -> None:
        check_names(bucket, key)
        with self._refusals(bucket, key):
            self._client.delete_object(Bucket=bucket, Key=key)

    def _make(self, bucket: str) -> None:
        check_names(bucket)
        # AWS wants the region said, except the first one, which it refuses to hear.
        place = {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
        try:
            with self._refusals(bucket):
                self._client.create_bucket(Bucket=bucket, **({} if self._region == "us-east-1" else place))
        except ObjectExists:
            return

    @contextmanager
    def _refusals(self, bucket: str, key: str | None = None) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            answer = error.response["Error"]
            raise refusal(answer["Code"], answer.get("Message", ""), bucket, key) from error
        except ParamValidationError as error:
            raise StoreError(f"boto3 does not take the request: {error}") from error
        except (BotoCoreError, HTTPClientError) as error:
            raise unreachable(self._endpoint, error) from error


def client(settings: StoreSettings) -> Any:
    """A boto3 client that reads no profile: the settings are all it knows."""
    own = {"profile": (None, None, None, None), "config_file": (None, None, os.devnull, None)}
    core = botocore.session.Session(session_vars=own)
    core.register_component("data_loader", descriptions())
    session = boto3.session.Session(
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key,
        region_name=settings.region,
        botocore_session=core,
    )
    local = urlsplit(settings.endpoint).hostname in {"127.0.0.1", "::1", "localhost"}
    config = CONFIG.merge(Config(proxies={})) if local else CONFIG
    return session.client("s3", endpoint_url=settings.endpoint or None, config=config)


@cache
def descriptions() -> Any:
    """botocore's description of S3, read once: a client of its own would take 60 ms more each time."""
    return botocore.loaders.create_loader()


def listed(bucket: str, found: dict[str, Any]) -> Object:
    """An object as a page of a listing describes it."""
    return Object(bucket, found["Key"], unquoted(found["ETag"]), found["Size"], None, found["LastModified"])


def unquoted(etag: str) -> str:
    """An entity tag without the quotes that HTTP puts round it."""
    return etag.strip('"')


def date_of(answer: dict[str, Any]) -> datetime:
    """When the store answered: what it will call the time of the change, to the second."""
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    return datetime.strptime(headers["date"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
