"""The trainings as a process: its HTTP on loopback, its start and its end.

POST   /trainings/MODEL/UUID             a request was written: take it, and say what became of it
POST   /trainings                        several were, [{"model", "uuid"}]: take them as one
GET    /trainings?model=&state=&sweep=&prefix=&limit=&skip=
GET    /trainings/UUID                   all of one
GET    /trainings/UUID?metrics=FROM | log=BYTE  [&wait=SECONDS]    what came since
POST   /trainings/UUID/cancel | rerun | promote       {"by", "force"}
DELETE /trainings/UUID
GET    /models/NAME/versions    POST /models/NAME/rollback  {"version", "by"}
GET    /sites   /status   /metrics   /health
"""

import asyncio
import functools
import hmac
import logging
import signal
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

from deepwhisk.batch.loop import Gathering, Loop
from deepwhisk.batch.runner import Runner
from deepwhisk.batch.runners import open_runner
from deepwhisk.batch.service import routes
from deepwhisk.batch.service.counts import Counts
from deepwhisk.batch.service.desks import Around, desk
from deepwhisk.batch.service.settings import BatchSettings
from deepwhisk.batch.sites import Site
from deepwhisk.errors import (
    RunnerError,
    ServiceError,
    StoreError,
    StoreUnreachable,
    TrainingError,
    WhiskError,
)
from deepwhisk.objects.stores import open_store
from deepwhisk.whisk import Whisk

log = logging.getLogger("deepwhisk.batch")

LARGEST_BODY = 2 * 1024 * 1024
GRACE = 2.0  # seconds for open requests at the end
HANDLERS = 16
OPEN = ("/health", "/metrics")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def serve(settings: BatchSettings) -> None:
    """Run until SIGTERM or SIGINT. Raises ServiceError when the port is taken or a defect ends it."""
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    uvloop.run(_serve(settings))


async def _serve(settings: BatchSettings) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    around = Around(
        open_store(settings.store),
        Whisk(settings.apihost, settings.auth),
        settings.sites,
        settings.folder,
        functools.partial(opened, settings),
        settings.bucket,
        settings.links,
        settings.pace.threads,
        settings.pace.gather,
    )
    with desk(around) as verbs, ThreadPoolExecutor(HANDLERS, "asked") as threads:
        loop = Loop(verbs, settings.pace, threads)
        gathering = Gathering(verbs, settings.pace.gather, threads)
        app = application(routes.Answers(verbs, loop, gathering, threads, Counts(verbs)), settings.token)
        await _run(app, loop, settings, stopped)
        gathering.stop()


def opened(settings: BatchSettings, site: Site, folder: Path) -> Runner:
    """The runner of a site; one on this machine is told what it may hand on."""
    return open_runner(site.runner, settings.local if site.runner.startswith("local:") else {}, folder)


async def _run(app: web.Application, loop: Loop, settings: BatchSettings, stopped: asyncio.Event) -> None:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=GRACE)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as error:
        await runner.cleanup()
        message = f"The service of trainings cannot listen on {settings.host}:{settings.port}: {error}"
        raise ServiceError(message) from error
    looking = asyncio.create_task(loop.run())
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait([looking, waiting], return_when=asyncio.FIRST_COMPLETED)
    for task in (looking, waiting):
        task.cancel()
    await runner.cleanup()
    (defect, _) = await asyncio.gather(looking, waiting, return_exceptions=True)
    if isinstance(defect, Exception):
        log.critical("the service of trainings ends by a defect", exc_info=defect)
        raise ServiceError(f"The service of trainings ended by a defect: {defect!r}")


def application(answers: routes.Answers, token: str) -> web.Application:
    """The HTTP application."""
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=[_sentences, _bearer(token)])
    app.add_routes(answers.routes())
    return app


def _bearer(token: str) -> Any:
    """Lets in who shows the token; what programs of the machine look at is open."""
    wanted = f"Bearer {token}".encode()

    @web.middleware
    async def checked(request: web.Request, handler: Handler) -> web.StreamResponse:
        shown = request.headers.get("Authorization", "").encode(errors="replace")
        if request.path not in OPEN and not hmac.compare_digest(shown, wanted):
            return web.json_response({"error": "show the token of this service"}, status=401)
        return await handler(request)

    return checked


@web.middleware
async def _sentences(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns every error of ours into its sentence and status."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return web.json_response({"error": error.reason}, status=error.status)
    except TrainingError as error:
        return web.json_response({"error": str(error)}, status=error.status)
    except (StoreUnreachable, RunnerError) as error:
        return web.json_response({"error": str(error)}, status=503)
    except (StoreError, WhiskError) as error:
        return web.json_response({"error": str(error)}, status=502)
