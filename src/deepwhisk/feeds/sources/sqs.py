"""SQS: the queue that an S3 bucket's notifications go to, bare, through SNS or by EventBridge.

Law: a message is deleted only after the ledger has committed what it named. One that cannot be read asks
for a listing of all that is watched, and is deleted, since it would come for ever.
"""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deepwhisk.feeds.backoff import Backoff
from deepwhisk.feeds.events import s3_hints
from deepwhisk.feeds.settings import Queue
from deepwhisk.feeds.source import Standing, Take

log = logging.getLogger("deepwhisk.feeds")

TOGETHER = 10  # the most that SQS gives at once


class Sqs:
    """Receives from one queue, in a thread of its own."""

    name = "sqs"

    def __init__(self, queue: Queue, take: Take, list_again: Callable[[str], None]) -> None:
        self._queue, self._take, self._list_again = queue, take, list_again
        self._loop = asyncio.get_running_loop()
        self._standing = Standing("connecting")
        self._buckets: frozenset[str] = frozenset()
        self._stopped = threading.Event()
        self._client = _client(queue)
        self._backoff = Backoff(0.2, 10.0)
        self._thread = threading.Thread(target=self._run, name="sqs", daemon=True)
        self._thread.start()

    def watch(self, buckets: Collection[str]) -> None:
        """The queue gives what it has; an unreadable message concerns all of these."""
        self._buckets = frozenset(buckets)

    def status(self) -> dict[str, Any]:
        return self._standing.show()

    async def close(self) -> None:
        self._stopped.set()
        await asyncio.to_thread(self._thread.join, self._queue.wait_seconds + 1.0)
        self._client.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._receive()
            except (BotoCoreError, ClientError) as error:
                self._standing.state, self._standing.error = "connecting", str(error)
                self._stopped.wait(self._backoff.next())

    def _receive(self) -> None:
        answer = self._client.receive_message(
            QueueUrl=self._queue.url, MaxNumberOfMessages=TOGETHER, WaitTimeSeconds=self._queue.wait_seconds
        )
        if self._standing.state != "listening":
            self._missed()
        self._standing.state = "listening"
        self._backoff.reset()
        messages = answer.get("Messages", [])
        taken = [(message, self._pass_on(message["Body"])) for message in messages]
        for message, futures in taken:
            if all(future.result() for future in futures):
                self._client.delete_message(QueueUrl=self._queue.url, ReceiptHandle=message["ReceiptHandle"])

    def _pass_on(self, body: str) -> list[Future[bool]]:
        try:
            hints = list(s3_hints(json.loads(body)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._standing.error = f"a message that is no notification: {body[:200]!r} ({error})"
            log.warning("sqs: %s", self._standing.error)
            self._missed()
            return []
        self._standing.count(len(hints))
        return [asyncio.run_coroutine_threadsafe(_taken(self._take, hint), self._loop) for hint in hints]

    def _missed(self) -> None:
        for bucket in self._buckets:
            self._loop.call_soon_threadsafe(self._list_again, bucket)


async def _taken(take: Take, hint: Any) -> bool:
    return await take(hint)


def _client(queue: Queue) -> Any:
    return boto3.client(
        "sqs",
        region_name=queue.region,
        endpoint_url=queue.endpoint,
        aws_access_key_id=queue.access_key,
        aws_secret_access_key=queue.secret_key,
        config=Config(read_timeout=queue.wait_seconds + 10, retries={"max_attempts": 0}),
    )
