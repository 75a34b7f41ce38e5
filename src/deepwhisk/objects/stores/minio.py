"""Any S3 API, by the minio SDK; the one to choose where MinIO itself is the store.

Law: nothing of the SDK leaves this file, neither its errors nor its types.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import BinaryIO
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.error import InvalidResponseError, S3Error, ServerError
from minio.helpers import ObjectWriteResult

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

RETRIES = urllib3.Retry(
    total=2, backoff_factor=0.1, status_forcelist=[500, 502, 503, 504], raise_on_status=False
)


class MinioStore:
    """A `Store` that the minio SDK speaks to; safe to share between threads."""

    def __init__(self, settings: StoreSettings, buckets: Iterable[str] = ()) -> None:
        endpoint = urlsplit(settings.endpoint)
        self._endpoint = settings.endpoint
        self._http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=5, read=60), maxsize=32, retries=RETRIES
        )
        self._client = Minio(
            endpoint.netloc,
            settings.access_key,
            settings.secret_key,
            secure=endpoint.scheme == "https",
            region=settings.region,
            http_client=self._http,
        )
        for bucket in buckets:
            self._make(bucket)

    def put(
        self, bucket: str, key: str, body: Body, *, content_type: str = "", if_absent: bool = False
    ) -> Object:
        check_names(bucket, key)
        kind = content_type or "application/octet-stream"
        size = length_of(body)
        data = BytesIO(body) if isinstance(body, bytes) else body
        with self._refusals(bucket, key):
            if if_absent:
                made = self._put_if_absent(bucket, key, data, kind, size)
            else:
                made = self._client.put_object(bucket, key, data, size, kind)
        written = parsedate_to_datetime(made.http_headers["Date"])
        return Object(bucket, key, str(made.etag), size, kind, written, made.version_id)

    @contextmanager
    def get(self, bucket: str, key: str) -> Iterator[Reader]:
        check_names(bucket, key)
        with self._refusals(bucket, key):
            body = self._client.get_object(bucket, key)
            try:
                yield body
            finally:
                body.close()
                body.release_conn()

    def head(self, bucket: str, key: str) -> Object:
        check_names(bucket, key)
        with self._refusals(bucket, key):
            found = self._client.stat_object(bucket, key)
        return Object(
            bucket,
            key,
            str(found.etag),
            found.size or 0,
            found.content_type,
            found.last_modified or datetime.now(UTC),
            found.version_id,
        )

    def list(self, bucket: str, prefix: str = "") -> Iterator[Object]:
        check_names(bucket)
        with self._refusals(bucket):
            for found in self._client.list_objects(bucket, prefix or None, recursive=True):
                yield Object(
                    bucket,
                    str(found.object_name),
                    str(found.etag).strip('"'),
                    found.size or 0,
                    None,
                    found.last_modified or datetime.now(UTC),
                )

    def link(self, bucket: str, key: str, *, method: Method = "GET", seconds: int = 900) -> str:
        check_names(bucket, key)
        check_seconds(seconds)
        with self._refusals(bucket, key):
            return self._client.get_presigned_url(method, bucket, key, timedelta(seconds=seconds))

    def delete(self, bucket: str, key: str) -> None:
        check_names(bucket, key)
        with self._refusals(bucket, key):
            self._client.remove_object(bucket, key)

    def _put_if_absent(
        self, bucket: str, key: str, body: BinaryIO, kind: str, size: int
    ) -> ObjectWriteResult:
        """The SDK has no conditional write; a link of its own takes the condition as a header."""
        url = self.link(bucket, key, method="PUT", seconds=3600)
        headers = {"Content-Type": kind, "Content-Length": str(size), "If-None-Match": "*"}
        # No retries: urllib3 would write the link into the log.
        answer = self._http.request("PUT", url, body=body, headers=headers, retries=False)
        if answer.status != 200 and answer.data:
            raise S3Error.fromxml(answer)
        if answer.status != 200:
            raise refusal(str(answer.status), answer.reason or "", bucket, key)
        etag, version = answer.headers["ETag"].strip('"'), answer.headers.get("x-amz-version-id")
        return ObjectWriteResult(bucket, key, version, etag, answer.headers)

    def _make(self, bucket: str) -> None:
        check_names(bucket)
        try:
            with self._refusals(bucket):
                self._client.make_bucket(bucket)
        except ObjectExists:
            return

    @contextmanager
    def _refusals(self, bucket: str, key: str | None = None) -> Iterator[None]:
        try:
            yield
        except S3Error as error:
            raise refusal(error.code or "", error.message or "", bucket, key) from error
        except (InvalidResponseError, ServerError) as error:
            raise StoreError(f"the store at {self._endpoint} does not speak S3: {error}") from error
        except urllib3.exceptions.HTTPError as error:
            raise unreachable(self._endpoint, error) from error
