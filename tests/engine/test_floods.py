"""Floods: who asks for too much is refused or waits, and everybody else is served."""

import asyncio
from collections import Counter
from pathlib import Path

from deepwhisk.engine import Limits
from deepwhisk.engine.invocation import Executable
from deepwhisk.engine.pool import WarmPool
from fixtures.engine import Answer, a_whisk
from fixtures.pool import StubContainer, StubDriver, call, executable

BURST = 5000
ALLOWED = 30
CONNECTIONS = 100  # what the session of the tests has


async def test_of_a_burst_over_the_limit_all_are_refused_but_those_that_are_allowed(tmp_path: Path) -> None:
    limits = Limits(concurrent_invocations=ALLOWED)
    async with a_whisk(tmp_path / "state", limits=limits) as whisk:
        await whisk.api.make("a")
        await whisk.system.make("b")
        whisk.pool.open.clear()
        burst = [asyncio.create_task(whisk.api("POST", "actions/a", {"n": n})) for n in range(BURST)]
        answers: list[Answer] = await asyncio.gather(*burst)
        other = await whisk.system("POST", "actions/b", {})
        whisk.pool.open.set()
        refused = [answer for answer in answers if answer.status == 429]

        assert Counter(answer.status for answer in answers) == {202: ALLOWED, 429: BURST - ALLOWED}
        assert {answer.error for answer in refused} == {
            f"Too many concurrent requests in flight (count: {ALLOWED + 1}, allowed: {ALLOWED})."
        }
        assert all(answer.json["code"] == answer.headers["X-Request-ID"] for answer in refused)
        assert other.status == 202
        for answer in answers:
            if answer.status == 202:
                await whisk.api.record(answer.activation_id)
        assert (await whisk.api("POST", "actions/a?blocking=true", {})).status == 200


async def test_what_never_began_is_not_counted_for_ever(tmp_path: Path) -> None:
    async with a_whisk(tmp_path / "state", limits=Limits(concurrent_invocations=1)) as whisk:
        await whisk.api.make("a")
        database = whisk.platform.database
        pages = database.read("PRAGMA page_count")[0][0]
        database.write_now([(f"PRAGMA max_page_count={pages}", ())])
        failed = await whisk.api("POST", "actions/a", {"x": "y" * 500_000})
        database.write_now([("PRAGMA max_page_count=1000000", ())])

        assert failed.status == 500
        assert whisk.platform.throttles.in_flight["guest"] == 0
        assert (await whisk.api("POST", "actions/a?blocking=true", {})).status == 200


class Slow(StubContainer):
    """A container that takes a while for each call."""

    async def post(self, path: str, body: bytes, seconds: float):  # type: ignore[no-untyped-def]
        await asyncio.sleep(0.01)
        return await super().post(path, body, seconds)


async def test_while_one_namespace_floods_another_waits_for_one_call_and_not_for_all() -> None:
    pool, over = WarmPool(StubDriver(Slow), memory=1024), list[str]()

    async def run(action: Executable) -> None:
        await pool.run(action, call())
        over.append(action.key[0])

    flood = executable(name="a", key=("flood", "flood/a", "1"))
    mine = executable(name="b", key=("guest", "guest/b", "1"))
    flooding = [asyncio.create_task(run(flood)) for _ in range(400)]
    while len(over) < 20:
        await asyncio.sleep(0.001)
    for _ in range(10):
        before = len(over)
        await run(mine)
        assert over[before:].count("flood") < 20  # each of the four containers ends a call now and then

    await asyncio.gather(*flooding)
    assert Counter(over) == {"flood": 400, "guest": 10}
    await pool.close()
