"""The feed as a process: its HTTP on loopback, its start and its end.

POST /subscriptions   what the feed of objects forwards: lifecycleEvent, triggerName, authKey and parameters
POST /alarms          what the feeds of times forward
POST /hooks/NAME      a store's webhook, with its bearer token
GET  /status          subscriptions, sources, counts, lag, last errors; no secrets
GET  /health          200 while it runs
"""

import asyncio
import logging
import signal
from collections.abc import Iterable, Sequence
from contextlib import closing
from importlib import import_module
from typing import Any

import aiohttp
import orjson
import uvloop
from aiohttp import web

from deepwhisk.errors import FeedError, ServiceError, StoreError, WhiskError
from deepwhisk.feeds.alarms.lifecycle import AlarmLifecycle
from deepwhisk.feeds.database import open_database
from deepwhisk.feeds.events import s3_hints, seaweed_hints
from deepwhisk.feeds.feed import Feed
from deepwhisk.feeds.lifecycle import Lifecycle
from deepwhisk.feeds.settings import FeedSettings
from deepwhisk.feeds.source import Source
from deepwhisk.feeds.sources.webhook import Webhook
from deepwhisk.objects.stores import open_store

log = logging.getLogger("deepwhisk.feeds")

LARGEST_BODY = 2 * 1024 * 1024
GRACE = 2.0  # seconds for open requests at the end


def serve(settings: FeedSettings) -> None:
    """Run until SIGTERM or SIGINT. Raises ServiceError when the port is taken or a defect ends it."""
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    uvloop.run(_serve(settings))


async def _serve(settings: FeedSettings) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    connector = aiohttp.TCPConnector(limit=64)
    with closing(open_database(settings.ledger)) as database:
        async with aiohttp.ClientSession(connector=connector) as session:
            store = open_store(settings.store)
            feed = Feed(database, store, session, settings.apihost, settings.pace)
            await _run(feed, settings, stopped)


async def _run(feed: Feed, settings: FeedSettings, stopped: asyncio.Event) -> None:
    hooks = webhooks(feed, settings)
    runner = web.AppRunner(application(feed, settings, hooks), access_log=None, shutdown_timeout=GRACE)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as error:
        await runner.cleanup()
        raise ServiceError(f"The feed cannot listen on {settings.host}:{settings.port}: {error}") from error
    feed.start([*hooks, *streams(feed, settings)])
    ends: list[asyncio.Future[Any]] = [asyncio.ensure_future(stopped.wait()), feed.tasks.defect]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    ends[0].cancel()
    await runner.cleanup()
    await feed.stop()
    if feed.tasks.defect.done():
        raise ServiceError(f"The feed ended by a defect: {feed.tasks.defect.result()!r}")


def application(feed: Feed, settings: FeedSettings, hooks: Sequence[Webhook]) -> web.Application:
    """The HTTP application."""

    def make_buckets(names: Iterable[str]) -> None:
        open_store(settings.store, names)

    lifecycle = Lifecycle(feed, make_buckets if settings.make_buckets else None)
    of_alarms = AlarmLifecycle(feed)

    async def subscriptions(request: web.Request) -> web.Response:
        return await _ask(lifecycle, request)

    async def alarms(request: web.Request) -> web.Response:
        return await _ask(of_alarms, request)

    async def status(request: web.Request) -> web.Response:
        return web.json_response(feed.status())

    async def health(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = web.Application(client_max_size=LARGEST_BODY)
    app.router.add_post("/subscriptions", subscriptions)
    app.router.add_post("/alarms", alarms)
    app.router.add_get("/status", status)
    app.router.add_get("/health", health)
    for hook in hooks:
        app.router.add_post(f"/hooks/{hook.name}", hook.handle)
    return app


async def _ask(lifecycle: Lifecycle | AlarmLifecycle, request: web.Request) -> web.Response:
    try:
        arguments = orjson.loads(await request.read())  # no halves of characters, as Python's own takes
    except ValueError as error:
        return web.json_response({"error": f"the body is not JSON: {error}"}, status=400)
    if not isinstance(arguments, dict):
        return web.json_response({"error": "the body must be a JSON object"}, status=400)
    try:
        return web.json_response(await lifecycle.ask(arguments))
    except FeedError as error:
        return web.json_response({"error": str(error)}, status=error.status)
    except (StoreError, WhiskError) as error:
        return web.json_response({"error": str(error)}, status=502)


def webhooks(feed: Feed, settings: FeedSettings) -> list[Webhook]:
    """Both stores' webhooks; the one that nobody calls costs nothing."""
    decoders = {"seaweed": seaweed_hints, "minio": s3_hints}
    return [Webhook(name, decode, feed.intake.hint, settings.token) for name, decode in decoders.items()]


def streams(feed: Feed, settings: FeedSettings) -> list[Source]:
    """The sources that connect by themselves, as the settings name them; others are not imported."""
    made: list[Source] = []
    for name in settings.sources:
        if name == "minio-listen":
            listen = import_module("deepwhisk.feeds.sources.minio_listen").MinioListen
            made.append(listen(settings.store, feed.intake.hint, feed.list_again))
        elif name == "sqs" and settings.queue is not None:
            sqs = import_module("deepwhisk.feeds.sources.sqs").Sqs
            made.append(sqs(settings.queue, feed.intake.hint, feed.list_again))
        else:
            raise ServiceError(f"The feed has no source {name!r}; choose minio-listen, or sqs with a queue")
    return made
