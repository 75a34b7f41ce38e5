"""The answers of the service, each over a verb of the desk."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from aiohttp import web

from deepwhisk.batch.layout import Place
from deepwhisk.batch.loop import Gathering, Loop
from deepwhisk.batch.service.counts import Counts
from deepwhisk.batch.service.desk import Desk, number
from deepwhisk.batch.training import Phase
from deepwhisk.batch.view import sweep_of
from deepwhisk.errors import TrainingError

LOOK_SECONDS = 0.25  # between two looks for what a follower waits for
LONGEST_WAIT = 20
FIRST_SECONDS = 30.0  # that a request waits for the first look at the bucket
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Answers:
    """What each request gets."""

    desk: Desk
    loop: Loop
    gathering: Gathering
    threads: Executor
    metrics: Counts

    def routes(self) -> list[web.RouteDef]:
        """Every method and path."""
        one = "/trainings/{uuid:[0-9a-f]{32}}"
        return [
            web.get("/health", self.health),
            web.get("/metrics", self.counts),
            web.get("/status", self.status),
            web.get("/sites", self.sites),
            web.get("/trainings", self.page),
            web.post("/trainings", self.together),
            web.get(one, self.training),
            web.delete(one, self.delete),
            web.post(f"{one}/cancel", self.cancel),
            web.post(f"{one}/rerun", self.rerun),
            web.post(f"{one}/promote", self.promote),
            web.post("/trainings/{model}/{uuid}", self.accept),
            web.get("/models/{model}/versions", self.versions),
            web.post("/models/{model}/rollback", self.rollback),
        ]

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok" if self.loop.ready.is_set() else "starting"})

    async def status(self, request: web.Request) -> web.Response:
        """How everything stands; holds no secret."""
        phases = Counter(known.training.phase.value for known in self.desk.view.newest())
        said = {
            "trainings": dict(phases),
            "passes": self.desk.reconciler.passes,
            "lastError": self.loop.error,
        }
        return web.json_response(said)

    async def counts(self, request: web.Request) -> web.Response:
        return web.Response(body=self.metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    async def sites(self, request: web.Request) -> web.Response:
        return web.json_response({"sites": await self._do(self.desk.sites)})

    async def page(self, request: web.Request) -> web.Response:
        await self._first()
        return answer(await self._do(self.desk.page, dict(request.query)))

    async def accept(self, request: web.Request) -> web.Response:
        await self._first()
        place = Place(request.match_info["model"], request.match_info["uuid"])
        await self._do(self.desk.take, place)
        if (known := self.desk.view.get(place.uuid)) and sweep_of(known.training):
            self.gathering.add(place)
            return answer(self.desk.summary(known))
        return answer((await self._do(self.desk.accept, [place]))[0])

    async def together(self, request: web.Request) -> web.Response:
        await self._first()
        said = await body(request)
        asked = said.get("trainings") if isinstance(said, dict) else said
        if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
            raise TrainingError("The body must be a list of {model, uuid}.", 400)
        places = [Place(str(one.get("model")), str(one.get("uuid"))) for one in asked]
        return answer({"trainings": await self._do(self.desk.accept, places)})

    async def training(self, request: web.Request) -> web.Response:
        await self._first()
        uuid, query = request.match_info["uuid"], dict(request.query)
        if "metrics" in query:
            start = number(query, "metrics", 0, 1 << 40)
            return answer(await self._follow(query, uuid, "metrics", lambda: self.desk.metrics(uuid, start)))
        if "log" in query:
            start = number(query, "log", 0, 1 << 60)
            return answer(await self._follow(query, uuid, "log", lambda: self.desk.log(uuid, start)))
        return answer(await self._do(self.desk.show, uuid))

    async def cancel(self, request: web.Request) -> web.Response:
        return await self._verb(request, lambda uuid, said: self.desk.cancel(uuid, by(said)))

    async def rerun(self, request: web.Request) -> web.Response:
        return await self._verb(request, lambda uuid, said: self.desk.rerun(uuid, by(said)))

    async def promote(self, request: web.Request) -> web.Response:
        return await self._verb(
            request,
            lambda uuid, said: self.desk.promote(
                uuid, force=said.get("force") is True, hand=said.get("hand") is True, by=by(said)
            ),
        )

    async def delete(self, request: web.Request) -> web.Response:
        return await self._verb(request, lambda uuid, said: self.desk.delete(uuid))

    async def versions(self, request: web.Request) -> web.Response:
        return answer(await self._do(self.desk.promotions.body, request.match_info["model"]))

    async def rollback(self, request: web.Request) -> web.Response:
        said = await body(request)
        version = said.get("version") if isinstance(said, dict) else None
        if version is not None and type(version) is not int:
            raise TrainingError(f"version must be a whole number, not {version!r}.", 400)
        return answer(await self._do(self.desk.rollback, request.match_info["model"], version, by(said)))

    async def _verb(
        self, request: web.Request, verb: Callable[[str, dict[str, Any]], dict[str, Any]]
    ) -> web.Response:
        await self._first()
        said = await body(request)
        if not isinstance(said, dict):
            raise TrainingError("The body must be a JSON object.", 400)
        return answer(await self._do(verb, request.match_info["uuid"], said))

    async def _follow(
        self, query: dict[str, str], uuid: str, what: str, look: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """The answer as soon as it holds something, the state changes, or the time is over."""
        until = time.monotonic() + number(query, "wait", 0, LONGEST_WAIT)
        before = self.desk.known(uuid).training.phase
        while True:
            said = await self._do(look)
            ended = Phase(said["state"]).ended
            if said[what] or ended or said["state"] != before or time.monotonic() >= until:
                return said
            await asyncio.sleep(LOOK_SECONDS)

    async def _first(self) -> None:
        """Wait until the bucket was looked at once. Raises TrainingError when that takes too long."""
        try:
            async with asyncio.timeout(FIRST_SECONDS):
                await self.loop.ready.wait()
        except TimeoutError as error:
            raise TrainingError(f"The trainings cannot be read yet: {self.loop.error}", 503) from error

    async def _do(self, verb: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self.threads, verb, *arguments)


async def body(request: web.Request) -> Any:
    """What was sent; nothing is an empty object."""
    said = await request.read()
    try:
        return orjson.loads(said) if said else {}
    except ValueError as error:
        raise TrainingError(f"The body is not JSON: {error}.", 400) from error


def by(said: Any) -> str:
    """Who asks, as whoever asks says."""
    return str(said.get("by") or "")[:200] if isinstance(said, dict) else ""


def answer(said: Any) -> web.Response:
    """As JSON."""
    return web.Response(
        body=orjson.dumps(said, default=str, option=orjson.OPT_NON_STR_KEYS), content_type="application/json"
    )
