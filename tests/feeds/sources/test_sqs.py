"""SQS, as moto plays it: S3 notifies a queue, and a message goes only when the ledger has it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from deepwhisk.feeds.events import Hint
from deepwhisk.feeds.settings import Queue
from deepwhisk.feeds.sources.sqs import Sqs

KEY = "in/a b+c%41/ü 漢字.jpg"
AWS = {"region_name": "us-east-1", "aws_access_key_id": "k", "aws_secret_access_key": "s"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def sqs(endpoint: str) -> Iterator[Any]:
    client = boto3.client("sqs", endpoint_url=endpoint, **AWS)
    yield client
    client.close()


@pytest.fixture
def queue(sqs: Any, endpoint: str) -> Queue:
    name = f"q{time.monotonic_ns()}"
    url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    return Queue(url, "us-east-1", endpoint, "k", "s", wait_seconds=1)


class Taker:
    """Takes hints, refusing the first few."""

    def __init__(self) -> None:
        self.hints: list[Hint] = []
        self.refuse = 0
        self.listings: list[str] = []

    async def take(self, hint: Hint) -> bool:
        self.hints.append(hint)
        self.refuse -= 1
        return self.refuse < 0


@asynccontextmanager
async def receiving(queue: Queue, taker: Taker) -> AsyncIterator[Sqs]:
    source = Sqs(queue, taker.take, taker.listings.append)
    source.watch({"inb"})
    try:
        yield source
    finally:
        await source.close()


async def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def left(sqs: Any, queue: Queue) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


async def test_an_upload_arrives_with_its_key_as_it_was(endpoint: str, sqs: Any, queue: Queue) -> None:
    arn = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    s3 = boto3.client("s3", endpoint_url=endpoint, **AWS)
    s3.create_bucket(Bucket="inb")
    told = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    s3.put_bucket_notification_configuration(Bucket="inb", NotificationConfiguration=told)
    taker = Taker()
    async with receiving(queue, taker) as source:
        s3.put_object(Bucket="inb", Key=KEY, Body=b"x")
        await until(lambda: taker.hints)
        await until(lambda: left(sqs, queue) == 0)  # the test event of the configuration, too
        assert source.status()["state"] == "listening"

    assert set(taker.hints) == {Hint("inb", KEY)}
    s3.close()


def message(key: str) -> str:
    record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "inb"}, "object": {"key": key}}}
    return json.dumps({"Records": [record]})


async def test_a_message_stays_until_the_ledger_has_what_it_named(sqs: Any, queue: Queue) -> None:
    sqs.send_message(QueueUrl=queue.url, MessageBody=message("x"))
    taker = Taker()
    taker.refuse = 1
    async with receiving(queue, taker):
        await until(lambda: len(taker.hints) == 2)
        await until(lambda: left(sqs, queue) == 0)


NUMBERS = '{"detail": {"bucket": {"name": "inb"}, "object": {"key": 7}}}'


@pytest.mark.parametrize(
    "body", ["no JSON", "[]", '{"Records": [{"eventName": "ObjectCreated:Put"}]}', NUMBERS]
)
async def test_an_unreadable_message_asks_for_a_listing_and_goes(sqs: Any, queue: Queue, body: str) -> None:
    taker = Taker()
    async with receiving(queue, taker) as source:
        await until(lambda: source.status()["state"] == "listening")
        sqs.send_message(QueueUrl=queue.url, MessageBody=body)
        await until(lambda: "no notification" in source.status()["error"])
        await until(lambda: left(sqs, queue) == 0)

    assert taker.listings.count("inb") >= 2


async def test_a_queue_that_is_away_is_said_to_be(queue: Queue) -> None:
    from dataclasses import replace

    taker = Taker()
    async with receiving(replace(queue, endpoint="http://127.0.0.1:9"), taker) as source:
        await until(lambda: "Could not connect" in source.status()["error"])
        assert source.status()["state"] == "connecting"
