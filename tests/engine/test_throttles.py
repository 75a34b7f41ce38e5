"""Too many calls are 429, and say how many are allowed."""

import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from deepwhisk.engine import Limits, throttles
from fixtures.engine import a_whisk


async def test_calls_over_the_rate_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttles, "time", SimpleNamespace(time=lambda: 0.0))  # no minute turns meanwhile
    limits = replace(Limits(), invocations_per_minute=2, fires_per_minute=0)
    async with a_whisk(tmp_path / "state", limits=limits) as whisk:
        await whisk.api.make("a", annotations=[{"key": "web-export", "value": True}])
        answers = [await whisk.api("POST", "actions/a?blocking=true") for _ in range(5)]
        web = await whisk.nobody("GET", "/api/v1/web/guest/default/a.json")
        await whisk.api.put("triggers/t")
        await whisk.api.put("rules/r", {"trigger": "/_/t", "action": "/_/a"})
        fire = await whisk.api("POST", "triggers/t")

    refused = [answer for answer in answers if answer.status == 429]
    assert len(refused) == 3
    assert refused[0].error == "Too many requests in the last minute (count: 3, allowed: 2)."
    assert web.status == 429
    assert fire.error == "Too many requests in the last minute (count: 1, allowed: 0)."


async def test_calls_in_flight_are_counted(tmp_path: Path) -> None:
    limits = replace(Limits(), concurrent_invocations=1)
    async with a_whisk(tmp_path / "state", limits=limits) as whisk:
        await whisk.api.make("a")
        whisk.pool.open.clear()
        first = asyncio.ensure_future(whisk.api("POST", "actions/a?blocking=true"))
        while not whisk.pool.calls:
            await asyncio.sleep(0.01)
        second = await whisk.api("POST", "actions/a?blocking=true")
        whisk.pool.open.set()

        assert (await first).status == 200
    assert second.error == "Too many concurrent requests in flight (count: 2, allowed: 1)."


async def test_what_leads_to_nothing_counts_too(tmp_path: Path) -> None:
    limits = replace(Limits(), invocations_per_minute=0, fires_per_minute=0)
    async with a_whisk(tmp_path / "state", limits=limits) as whisk:
        await whisk.api.put("triggers/without-a-rule")
        asked = [
            await whisk.api("POST", path, raw=b"[")
            for path in ("actions/missing", "triggers/missing", "triggers/without-a-rule")
        ]

    assert [answer.status for answer in asked] == [429, 429, 429]


async def test_what_is_refused_is_counted_on(tmp_path: Path) -> None:
    limits = replace(Limits(), fires_per_minute=0)
    async with a_whisk(tmp_path / "state", limits=limits) as whisk:
        said = [(await whisk.api("POST", "triggers/t")).error for _ in range(4)]

    assert "Too many requests in the last minute (count: 2, allowed: 0)." in said
