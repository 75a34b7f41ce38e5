"""The service of trainings over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from deepwhisk.batch.loop import Gathering, Loop
from deepwhisk.batch.runner import State
from deepwhisk.batch.service.counts import Counts
from deepwhisk.batch.service.process import application
from deepwhisk.batch.service.routes import Answers
from deepwhisk.batch.service.settings import Pace
from fixtures.trainings import Office

TOKEN = "geheim"
SHOWN = {"Authorization": f"Bearer {TOKEN}"}
QUICK = Pace(quick=0.02, whole=0.2, gather=0.3)
ONCE = Pace(quick=600, whole=600, gather=60)


class Client:
    """Asks the service, and gives status and JSON."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        self._client = client

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        async with self._client.request(method, path, json=body, headers=headers or SHOWN) as answer:
            return answer.status, json.loads(await answer.text())

    async def text(self, path: str) -> str:
        async with self._client.get(path) as answer:
            return await answer.text()

    async def until(self, path: str, fits: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(60):
            while not fits(said := (await self.ask("GET", path))[1]):
                await asyncio.sleep(0.02)
        return said


@asynccontextmanager
async def served(office: Office, pace: Pace = QUICK, *, looks: bool = True) -> AsyncIterator[Client]:
    with ThreadPoolExecutor(8) as threads:
        loop, gathering = Loop(office.desk, pace, threads), Gathering(office.desk, pace.gather, threads)
        app = application(Answers(office.desk, loop, gathering, threads, Counts(office.desk)), TOKEN)
        async with TestClient(TestServer(app)) as client:
            looking = asyncio.create_task(loop.run()) if looks else None
            yield Client(client)
            gathering.stop()
            if looking is not None:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)


def played(office: Office, play: Callable[[Client], Awaitable[None]], pace: Pace = QUICK) -> None:
    async def run() -> None:
        async with served(office, pace) as client:
            await play(client)

    asyncio.run(run())


async def looked(client: Client, office: Office) -> None:
    """Once the loop has looked for the first time; its next time is not this test's, at the pace of ONCE."""
    await client.until(f"/trainings/{office.request().uuid}", lambda said: said["state"] == "queued")


def test_a_request_becomes_done_over_http(office: Office) -> None:
    async def play(client: Client) -> None:
        place = office.request()
        status, said = await client.ask("POST", f"/trainings/counts/{place.uuid}")
        assert (status, said["state"] in ("submitted", "queued")) == (200, True)  # the loop may be at it
        await client.until(f"/trainings/{place.uuid}", lambda said: said["state"] == "queued")
        training = office.training(place.uuid)
        office.cluster.set(training, State.RUNNING, node="n1")
        await client.until(f"/trainings/{place.uuid}", lambda said: said["state"] == "running")
        office.writes(training, "result.json", {"state": "done", "output": {"accuracy": 0.9}})
        office.cluster.set(training, State.DONE)
        said = await client.until(f"/trainings/{place.uuid}", lambda said: said["state"] == "done")
        assert [entry["state"] for entry in said["history"]] == ["submitted", "queued", "running", "done"]
        _, listed = await client.ask("GET", "/trainings?model=counts&state=done")
        assert [one["metrics"] for one in listed["trainings"]] == [{"accuracy": 0.9}]

    played(office, play)


def test_whoever_shows_no_token_or_another_is_let_see_nothing(office: Office) -> None:
    async def play(client: Client) -> None:
        for shown in ({"X": "y"}, {"Authorization": "Bearer other"}, {"Authorization": TOKEN}):
            for path in ("/trainings", "/status", "/sites", f"/trainings/{'0' * 32}"):
                status, said = await client.ask("GET", path, **shown)
                assert (status, "token" in said["error"]) == (401, True)
        assert (await client.ask("GET", "/health", X="y"))[0] == 200

    played(office, play)


def test_a_refusal_is_a_sentence_with_its_status(office: Office) -> None:
    async def play(client: Client) -> None:
        place = office.request(resources={"cpus": 1000})
        status, said = await client.ask("POST", f"/trainings/counts/{place.uuid}")
        assert (status, "local could give 4 CPUs" in said["error"]) == (422, True)
        status, said = await client.ask("POST", f"/trainings/counts/{'0' * 32}")
        assert (status, "no request" in said["error"]) == (404, True)
        status, said = await client.ask("GET", f"/trainings/{'0' * 32}")
        assert (status, "no training" in said["error"]) == (404, True)
        status, said = await client.ask("GET", "/nowhere")
        assert (status, list(said)) == (404, ["error"])
        status, said = await client.ask("GET", "/trainings?limit=x")
        assert status == 400

    played(office, play)


def test_a_request_that_nobody_poked_is_found(office: Office) -> None:
    async def play(client: Client) -> None:
        place = office.request()
        await client.until(
            "/trainings", lambda said: [one["state"] for one in said["trainings"]] == ["queued"]
        )
        assert office.training(place.uuid).handle == "1"

    played(office, play)


def test_the_trainings_of_a_sweep_wait_for_each_other(office: Office) -> None:
    async def play(client: Client) -> None:
        await looked(client, office)
        sweep = "e" * 32
        places = [office.request(sweep={"id": sweep, "index": index, "of": 3}) for index in range(3)]
        for place in places:
            status, said = await client.ask("POST", f"/trainings/counts/{place.uuid}")
            assert (status, said["state"] in ("accepted", "submitted", "queued")) == (200, True)
        await client.until(f"/trainings?sweep={sweep}&state=queued", lambda said: len(said["trainings"]) == 3)

    played(office, play, ONCE)
    assert office.cluster.batches == [1, 3]


def test_a_sweep_that_stays_incomplete_is_submitted_all_the_same(office: Office) -> None:
    async def play(client: Client) -> None:
        place = office.request(sweep={"id": "d" * 32, "index": 0, "of": 3})
        await client.ask("POST", f"/trainings/counts/{place.uuid}")
        await client.until("/trainings?state=queued", lambda said: len(said["trainings"]) == 1)

    played(office, play, Pace(quick=600, whole=600, gather=0.1))


def test_several_requests_are_taken_as_one(office: Office) -> None:
    async def play(client: Client) -> None:
        await looked(client, office)
        places = [office.request() for _ in range(3)]
        body = [{"model": place.model, "uuid": place.uuid} for place in places]
        status, said = await client.ask("POST", "/trainings", body)
        assert (status, [one["state"] for one in said["trainings"]]) == (200, ["queued"] * 3)
        for wrong in ("x", [1], {"trainings": 1}):
            assert (await client.ask("POST", "/trainings", wrong))[0] == 400

    played(office, play, ONCE)
    assert office.cluster.batches == [1, 3]


def test_a_follower_is_told_as_soon_as_there_is_something(office: Office) -> None:
    async def play(client: Client) -> None:
        training = office.accepted()
        waiting = asyncio.create_task(client.ask("GET", f"/trainings/{training.uuid}?metrics=0&wait=20"))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        office.writes(training, "metrics.jsonl", b'{"epoch": 1}\n')
        assert (await waiting)[1]["metrics"] == [{"epoch": 1}]
        waiting = asyncio.create_task(client.ask("GET", f"/trainings/{training.uuid}?log=0&wait=20"))
        office.cluster.set(training, State.FAILED)
        assert (await waiting)[1] == {"log": "", "next": 0, "state": "error"}

    played(office, play)


def test_a_training_is_cancelled_run_again_and_deleted_over_http(office: Office) -> None:
    async def play(client: Client) -> None:
        one = f"/trainings/{office.accepted().uuid}"
        assert (await client.ask("DELETE", one))[0] == 409
        status, said = await client.ask("POST", f"{one}/cancel", {"by": "me"})
        assert (status, office.cluster.cancelled) == (200, [("1", False)])
        office.cluster.set(office.training(said["uuid"]), State.CANCELLED)
        await client.until(one, lambda said: said["state"] == "cancelled")
        status, again = await client.ask("POST", f"{one}/rerun", {"by": "me"})
        assert (status, again["state"]) == (200, "queued")
        assert (await client.ask("DELETE", one))[1] == {"deleted": said["uuid"]}
        assert (await client.ask("GET", one))[0] == 404

    played(office, play, Pace(quick=0.02, whole=600))


def test_status_sites_and_metrics_tell_how_it_stands_and_no_secret(office: Office) -> None:
    async def play(client: Client) -> None:
        office.accepted()
        _, status = await client.ask("GET", "/status")
        assert status["trainings"] == {"queued": 1}
        _, said = await client.ask("GET", "/sites")
        (site,) = said["sites"]
        assert (site["name"], site["reachable"], site["waiting"], site["offer"]["cpus"]) == (
            "local",
            True,
            1,
            4,
        )
        text = await client.text("/metrics")
        assert 'deepwhisk_trainings{state="queued"} 1.0' in text
        assert TOKEN not in text + json.dumps(status) + json.dumps(said)

    played(office, play)


@pytest.mark.parametrize("path", ["/models/counts/versions"])
def test_a_model_without_versions_has_none(office: Office, path: str) -> None:
    async def play(client: Client) -> None:
        assert (await client.ask("GET", path))[1] == {"model": "counts", "serving": None, "versions": []}
        status, said = await client.ask("POST", "/models/counts/rollback", {"version": "one"})
        assert (status, "whole number" in said["error"]) == (400, True)

    played(office, play)
