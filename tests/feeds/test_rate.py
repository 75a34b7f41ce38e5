"""The token bucket stays below the limit."""

import asyncio

import pytest

from deepwhisk.feeds.rate import Rate


class Clock:
    """Time that passes only in sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("deepwhisk.feeds.rate.time.monotonic", made.monotonic)
    monkeypatch.setattr("deepwhisk.feeds.rate.asyncio.sleep", made.sleep)
    return made


@pytest.mark.parametrize("limit", [1, 60, 6000])
async def test_no_minute_sees_more_than_the_limit(clock: Clock, limit: int) -> None:
    rate, taken = Rate(limit), []
    while clock.now < 180:
        await rate.take()
        taken.append(clock.now)

    busiest = max(
        sum(1 for at in taken if start <= at < start + 60) for start in taken[:: max(1, limit // 60)]
    )
    assert busiest <= max(limit, 2)
    assert len(taken) > limit * 1.5


async def test_too_many_empties_the_bucket(clock: Clock) -> None:
    rate = Rate(600)
    rate.empty()
    await rate.take()

    assert clock.now > 0


async def test_waiters_are_served_in_order() -> None:
    rate, order = Rate(60_000), []

    async def take(number: int) -> None:
        await rate.take()
        order.append(number)

    await asyncio.gather(*(take(number) for number in range(20)))

    assert order == list(range(20))
