"""Webhooks hear only who knows the token, and acknowledge only what the ledger has."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from deepwhisk.feeds.events import Hint, s3_hints, seaweed_hints
from deepwhisk.feeds.sources.webhook import Webhook

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


async def test_minios_webhook_is_understood() -> None:
    ledger = Ledger()

    assert await post(Webhook("minio", s3_hints, ledger.take, "right"), MINIO) == 200
    assert ledger.hints == [Hint("inb", "a b.jpg")]
