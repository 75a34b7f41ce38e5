"""Webhooks hear only who knows the token, and acknowledge only what the ledger has."""

import asyncio
from pathlib import Path
from typing import Any

import boto3
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from deepwhisk.feeds.events import Hint, s3_hints, seaweed_hints
from deepwhisk.feeds.sources.webhook import Webhook
from feeds.minio_server import Minio

BODY = {"event_type": "create", "key": "/buckets/inb/a+b.jpg", "message": {"new_entry": {"name": "a+b.jpg"}}}
MINIO = {
    "EventName": "s3:ObjectCreated:Put",
    "Key": "inb/a b.jpg",
    "Records": [
        {
            "eventName": "s3:ObjectCreated:Put",
            "s3": {"bucket": {"name": "inb"}, "object": {"key": "a+b.jpg"}},
        }
    ],
}


class Ledger:
    """Takes hints, or does not."""

    def __init__(self) -> None:
        self.hints: list[Hint] = []
        self.takes = True

    async def take(self, hint: Hint) -> bool:
        self.hints.append(hint)
        return self.takes


async def post(hook: Webhook, body: Any, token: str | None = "right") -> int:
    app = web.Application()
    app.router.add_post("/", hook.handle)
    async with TestClient(TestServer(app)) as client:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        given = {"data": body} if isinstance(body, bytes) else {"json": body}
        return (await client.post("/", headers=headers, **given)).status


async def test_a_post_is_acknowledged_when_the_ledger_has_it() -> None:
    ledger = Ledger()
    hook = Webhook("seaweed", seaweed_hints, ledger.take, "right")

    assert await post(hook, BODY) == 200
    assert ledger.hints == [Hint("inb", "a+b.jpg")]
    assert hook.status()["hints"] == 1
    ledger.takes = False
    assert await post(hook, BODY) == 503


@pytest.mark.parametrize("token", [None, "", "wrong", "rightt", "ü"])
async def test_nobody_is_heard_without_the_token(token: str | None) -> None:
    ledger = Ledger()
    status = await post(Webhook("seaweed", seaweed_hints, ledger.take, "right"), BODY, token)

    assert (status, ledger.hints) == (401, [])


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"7", b"\xff", b'{"message": 7, "key": "/buckets/a/b"}'])
async def test_what_is_no_notification_is_refused(body: bytes) -> None:
    ledger = Ledger()
    hook = Webhook("seaweed", seaweed_hints, ledger.take, "right")

    assert await post(hook, body) == 400
    assert "not a notification of seaweed" in hook.status()["error"]


async def test_a_real_minio_posts_what_is_understood(tmp_path: Path) -> None:
    ledger = Ledger()
    app = web.Application()
    app.router.add_post("/", Webhook("minio", s3_hints, ledger.take, "right").handle)
    async with TestServer(app) as server:
        told = {"ENABLE": "on", "ENDPOINT": str(server.make_url("/")), "AUTH_TOKEN": "right"}
        minio = Minio(tmp_path, **{f"MINIO_NOTIFY_WEBHOOK_{name}_X": value for name, value in told.items()})
        await asyncio.to_thread(minio.start)
        try:
            await asyncio.to_thread(upload, minio)
            async with asyncio.timeout(60):
                while not ledger.hints:
                    await asyncio.sleep(0.05)
        finally:
            minio.kill()

    assert ledger.hints == [Hint("inb", "a b+c%41/ü.jpg")]


def upload(minio: Minio) -> None:
    keys = {
        "aws_access_key_id": minio.settings.access_key,
        "aws_secret_access_key": minio.settings.secret_key,
    }
    s3 = boto3.client("s3", endpoint_url=minio.settings.endpoint, region_name="us-east-1", **keys)
    s3.create_bucket(Bucket="inb")
    queue = {"QueueArn": "arn:minio:sqs::X:webhook", "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket="inb", NotificationConfiguration={"QueueConfigurations": [queue]}
    )
    s3.put_object(Bucket="inb", Key="a b+c%41/ü.jpg", Body=b"x")
    s3.close()


async def test_minios_webhook_is_understood() -> None:
    ledger = Ledger()

    assert await post(Webhook("minio", s3_hints, ledger.take, "right"), MINIO) == 200
    assert ledger.hints == [Hint("inb", "a b.jpg")]


async def test_an_authorization_that_is_no_text_is_refused() -> None:
    app = web.Application()
    app.router.add_post("/", Webhook("seaweed", seaweed_hints, Ledger().take, "right").handle)
    async with TestServer(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \xff\r\nContent-Length: 0\r\n\r\n")
        assert b" 401 " in await reader.readline()
        writer.close()


async def test_a_record_whose_key_is_no_text_is_no_notification() -> None:
    body = {"Records": [{**MINIO["Records"][0], "s3": {"bucket": {"name": "inb"}, "object": {"key": 7}}}]}  # type: ignore[index]

    assert await post(Webhook("minio", s3_hints, Ledger().take, "right"), body) == 400
