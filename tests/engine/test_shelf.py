"""Who gets a container, and when."""

import asyncio
from typing import Any

import pytest

from deepwhisk.engine.berth import HELD, Berth
from deepwhisk.engine.invocation import Executable
from deepwhisk.engine.shelf import STARTS, Shelf
from deepwhisk.errors import ContainerFailed
from fixtures.pool import StubContainer, executable


@pytest.fixture
def removed() -> list[Berth]:
    return []


@pytest.fixture
def shelf(removed: list[Berth]) -> Shelf:
    return Shelf(1024, removed.append)


def of(name: str, revision: str = "1", namespace: str = "guest", **limits: Any) -> Executable:
    return executable(name=name, key=(namespace, f"guest/{name}", revision), **limits)


async def warm(shelf: Shelf, action: Executable) -> Berth:
    berth = await shelf.claim(action)
    berth.container = StubContainer()
    shelf.started(berth)
    shelf.release(berth)
    return berth


async def waiting(*tasks: "asyncio.Task[Berth]") -> bool:
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return not any(task.done() for task in tasks)


async def test_nothing_is_warm_at_first(shelf: Shelf) -> None:
    assert shelf.take(of("a").key) is None


async def test_a_released_container_is_taken_again(shelf: Shelf) -> None:
    berth = await warm(shelf, of("a"))

    assert shelf.take(of("a").key) is berth
    assert shelf.take(of("a").key) is None
    assert shelf.take(of("b").key) is None


async def test_the_last_used_is_taken_first(shelf: Shelf) -> None:
    first, second = await shelf.claim(of("a")), await shelf.claim(of("a"))
    for berth in (first, second):
        shelf.started(berth)
    shelf.release(second)
    shelf.release(first)

    assert shelf.take(of("a").key) is first


async def test_a_call_takes_the_first_that_becomes_free(shelf: Shelf) -> None:
    busy = [await shelf.claim(of("a", memory=512)) for _ in range(2)]
    for berth in busy:
        shelf.started(berth)
    call = asyncio.create_task(shelf.claim(of("a", memory=512)))
    assert await waiting(call)

    shelf.release(busy[1])

    assert await call is busy[1]


async def test_the_longest_idle_makes_room(shelf: Shelf, removed: list[Berth]) -> None:
    old = await warm(shelf, of("a", memory=512))
    await warm(shelf, of("b", memory=512))

    await shelf.claim(of("c", memory=512))

    assert removed == [old]


async def test_nobody_is_evicted_in_vain(shelf: Shelf, removed: list[Berth]) -> None:
    busy = await shelf.claim(of("a", memory=512))
    shelf.started(busy)
    await warm(shelf, of("b", memory=512))
    call = asyncio.create_task(shelf.claim(of("c", memory=1024)))

    assert await waiting(call)
    assert removed == []
    shelf.release(busy)
    assert (await call).executable.memory == 1024


async def test_for_memory_the_first_to_come_is_served_first(shelf: Shelf) -> None:
    busy = await shelf.claim(of("a", memory=1024))
    shelf.started(busy)
    large = asyncio.create_task(shelf.claim(of("b", memory=1024)))
    await waiting(large)
    small = asyncio.create_task(shelf.claim(of("c", memory=128)))
    assert await waiting(large, small)

    shelf.remove(busy)
    assert (await large).executable.memory == 1024
    assert await waiting(small)
    small.cancel()


async def test_more_memory_than_there_is_at_all_is_refused(shelf: Shelf) -> None:
    with pytest.raises(ContainerFailed, match=r"2048 MB.*1024 MB"):
        await shelf.claim(of("a", memory=2048))


async def test_only_some_containers_of_an_action_start_at_once(shelf: Shelf) -> None:
    starting = [await shelf.claim(of("a", memory=128)) for _ in range(STARTS)]
    more = asyncio.create_task(shelf.claim(of("a", memory=128)))
    assert await waiting(more)

    other = await shelf.claim(of("b", memory=128))
    assert other.starting
    shelf.started(starting[0])
    assert (await more).starting


async def test_older_revisions_are_not_kept(shelf: Shelf, removed: list[Berth]) -> None:
    old = await warm(shelf, of("a", "1"))
    other = await warm(shelf, of("b", "1"))

    await shelf.claim(of("a", "2"))

    assert removed == [old]
    assert shelf.take(other.executable.key) is other


async def test_idle_containers_expire_and_busy_ones_do_not(shelf: Shelf, removed: list[Berth]) -> None:
    idle = await warm(shelf, of("a"))
    busy = await shelf.claim(of("b"))
    shelf.started(busy)

    shelf.expire(-1.0)

    assert removed == [idle]
    assert shelf.all() == [busy]


async def test_a_call_that_is_given_up_leaves_its_place(shelf: Shelf) -> None:
    busy = await shelf.claim(of("a", memory=1024))
    shelf.started(busy)
    given_up = asyncio.create_task(shelf.claim(of("b", memory=1024)))
    patient = asyncio.create_task(shelf.claim(of("c", memory=1024)))
    await waiting(given_up, patient)

    given_up.cancel()
    await waiting(patient)
    shelf.remove(busy)

    assert (await patient).executable.key[1] == "guest/c"


async def test_a_berth_granted_to_a_call_that_is_given_up_goes_to_the_next(shelf: Shelf) -> None:
    busy = await shelf.claim(of("a", memory=1024))
    shelf.started(busy)
    given_up = asyncio.create_task(shelf.claim(of("b", memory=1024)))
    patient = asyncio.create_task(shelf.claim(of("c", memory=1024)))
    await waiting(given_up, patient)

    shelf.remove(busy)
    given_up.cancel()

    assert (await patient).executable.key[1] == "guest/c"


async def test_with_concurrency_a_container_takes_several_calls(shelf: Shelf) -> None:
    action = of("a", concurrency=2, memory=1024)
    berth = await shelf.claim(action)
    second, third = (asyncio.create_task(shelf.claim(action)) for _ in range(2))
    assert await waiting(second, third)

    shelf.started(berth)
    assert await second is berth
    assert await waiting(third)
    shelf.release(berth)
    assert await third is berth


async def test_a_call_waits_for_the_container_that_is_started_ahead_of_it(shelf: Shelf) -> None:
    ahead = shelf.offer(of("a"))
    assert ahead is not None
    call = asyncio.create_task(shelf.claim(of("a")))
    assert await waiting(call)

    shelf.started(ahead)
    assert await call is ahead


async def test_a_container_started_ahead_that_fails_lets_the_call_start_one(shelf: Shelf) -> None:
    ahead = shelf.offer(of("a"))
    assert ahead is not None
    call = asyncio.create_task(shelf.claim(of("a")))
    await waiting(call)

    shelf.remove(ahead)

    assert (await call).starting


async def test_nothing_is_started_ahead_where_there_is_one_or_no_room(shelf: Shelf) -> None:
    await warm(shelf, of("a", memory=1024))

    assert shelf.offer(of("a")) is None
    assert shelf.offer(of("b")) is None


async def flooded(shelf: Shelf, calls: int) -> tuple[list[Berth], "list[asyncio.Task[Berth]]"]:
    """Four containers of a namespace that has everything, and its CALLS that wait for them."""
    flood = of("a", namespace="flood")
    busy = []
    for _ in range(4):
        busy.append(await shelf.claim(flood))
        shelf.started(busy[-1])
    tasks = [asyncio.create_task(shelf.claim(flood)) for _ in range(calls)]
    await waiting(*tasks)
    return busy, tasks


async def test_a_flood_of_one_namespace_is_not_the_wait_of_another(
    shelf: Shelf, removed: list[Berth]
) -> None:
    busy, flood = await flooded(shelf, 50)
    other = asyncio.create_task(shelf.claim(of("b")))
    assert await waiting(other)

    shelf.release(busy[0])

    assert (await other).executable.key[0] == "guest"
    assert removed == [busy[0]]
    assert await waiting(*flood)
    for task in flood:
        task.cancel()


async def test_two_namespaces_that_want_all_get_half_each(shelf: Shelf) -> None:
    busy, flood = await flooded(shelf, 50)
    others = [asyncio.create_task(shelf.claim(of("b"))) for _ in range(50)]
    await waiting(*others)
    for _ in range(20):
        taken = [task for task in (*flood, *others) if task.done()]
        held = [*busy, *(task.result() for task in taken)]
        running = [berth for berth in dict.fromkeys(held) if berth in shelf.all() and berth.running]
        for berth in running:
            shelf.started(berth) if berth.starting else shelf.release(berth)
        await waiting(*flood)

    kept = [berth.executable.key[0] for berth in shelf.all()]
    assert sorted(kept) == ["flood", "flood", "guest", "guest"]
    for task in (*flood, *others):
        task.cancel()


async def test_a_large_container_is_waited_for_until_there_is_room(shelf: Shelf) -> None:
    busy, flood = await flooded(shelf, 50)
    large = asyncio.create_task(shelf.claim(of("b", memory=512)))
    await waiting(large)

    shelf.release(busy[0])
    assert await waiting(large, *flood)
    shelf.release(busy[1])

    assert (await large).executable.memory == 512
    for task in flood:
        task.cancel()


async def test_what_was_kept_for_one_who_gives_up_goes_to_the_others(shelf: Shelf) -> None:
    busy, flood = await flooded(shelf, 50)
    large = asyncio.create_task(shelf.claim(of("b", memory=512)))
    await waiting(large)
    shelf.release(busy[0])

    large.cancel()
    await waiting(large)

    assert await flood[0] is busy[0]
    for task in flood[1:]:
        task.cancel()


async def test_a_call_does_not_pass_those_that_wait_for_the_same(shelf: Shelf) -> None:
    busy, flood = await flooded(shelf, 1)
    shelf.release(busy[0])

    assert shelf.take(busy[0].executable.key) is None
    assert await flood[0] is busy[0]


async def test_one_who_has_just_given_up_is_not_served(shelf: Shelf) -> None:
    busy, flood = await flooded(shelf, 2)
    flood[0].cancel()
    shelf.release(busy[0])

    assert await flood[1] is busy[0]


async def test_a_flood_does_not_take_what_another_works_with(shelf: Shelf, removed: list[Berth]) -> None:
    mine = await warm(shelf, of("b"))
    mine.used += 600  # a moment ago, however slow this machine is
    flood = [asyncio.create_task(shelf.claim(of("a", namespace="flood"))) for _ in range(10)]
    await waiting(*flood)
    for _ in range(5):
        for task in flood:
            if task.done() and task.result().starting:
                shelf.started(task.result())
        await waiting(*flood)

    assert sum(task.done() for task in flood) == 3
    assert shelf.take(mine.executable.key) is None  # others wait
    assert await shelf.claim(mine.executable) is mine
    assert removed == []
    for task in flood:
        task.cancel()


async def test_what_another_works_with_no_more_is_taken(shelf: Shelf, removed: list[Berth]) -> None:
    mine = await warm(shelf, of("b", memory=1024))
    flood = asyncio.create_task(shelf.claim(of("a", namespace="flood", memory=512)))
    assert (await flood).starting
    assert removed == [mine]  # it has more

    shelf.started(await flood)
    other = await warm(shelf, of("b", memory=256))
    other.used += 600  # as above
    flooding = asyncio.create_task(shelf.claim(of("a", namespace="flood", memory=512)))
    assert await waiting(flooding)
    other.used = 0.0
    shelf.expire(float("inf"))

    assert (await flooding).starting
    assert removed == [mine, other]


async def test_a_container_is_started_ahead_again_after_the_last_was_evicted(shelf: Shelf) -> None:
    await warm(shelf, of("a", memory=1024))
    busy = await shelf.claim(of("b", memory=512))

    assert shelf.offer(of("a", memory=512)) is not None
    shelf.remove(busy)


async def test_calls_that_a_starting_container_will_take_start_no_other(shelf: Shelf) -> None:
    action = of("a", concurrency=3)
    first = await shelf.claim(action)
    others = [asyncio.create_task(shelf.claim(action)) for _ in range(2)]
    assert await waiting(*others)
    more = asyncio.create_task(shelf.claim(action))
    assert not await waiting(*others, more)  # one too many for it

    shelf.started(first)

    taken = [await each for each in (*others, more)]
    assert len(set(map(id, taken)) - {id(first)}) == 1
    assert sum(each is first for each in taken) == 2


async def test_a_container_whose_call_failed_ends_with_the_others_that_it_has(
    shelf: Shelf, removed: list[Berth]
) -> None:
    action = of("a", concurrency=3)
    berth = await shelf.claim(action)
    shelf.started(berth)
    assert shelf.take(action.key) is berth

    shelf.retire(berth)
    assert removed == []
    assert shelf.take(action.key) is None

    shelf.release(berth)
    assert removed == [berth]


async def test_so_many_are_started_ahead_as_are_to_stay_warm(shelf: Shelf) -> None:
    action = of("a", min_warm=2, memory=256)
    assert [shelf.offer(action) is None for _ in range(3)] == [False, False, True]


async def test_what_is_to_stay_warm_neither_expires_nor_goes_first(
    shelf: Shelf, removed: list[Berth]
) -> None:
    kept, other = of("a", min_warm=1, memory=512), await warm(shelf, of("b", memory=512))
    berth = await warm(shelf, kept)
    berth.used = -100.0
    assert shelf.offer(kept) is None  # it is said again that one is to be kept

    shelf.expire(50.0)
    assert removed == []
    await shelf.claim(of("c", memory=512))
    assert removed == [other]


async def test_what_is_to_stay_warm_makes_room_when_nothing_else_can(
    shelf: Shelf, removed: list[Berth]
) -> None:
    berth = await warm(shelf, of("a", min_warm=1, memory=1024))
    shelf.offer(of("a", min_warm=1, memory=1024))

    assert (await shelf.claim(of("b", memory=1024))).starting
    assert removed == [berth]
    assert shelf.offer(of("a", min_warm=1, memory=1024)) is None  # not before there is room again


async def test_what_is_to_stay_warm_gets_the_room_of_what_nobody_keeps(
    shelf: Shelf, removed: list[Berth]
) -> None:
    longest, other = [await warm(shelf, of(name, memory=512)) for name in "ab"]
    longest.used = other.used - 1
    kept = of("c", min_warm=1, memory=512)

    assert shelf.offer(of("d", memory=512)) is None
    assert shelf.offer(kept) is not None
    assert removed == [longest]
    assert shelf.offer(of("e", min_warm=1, memory=512)) is not None
    assert removed == [longest, other]
    assert shelf.offer(of("f", min_warm=1, memory=512)) is None  # what is kept is nobody's to take


async def test_what_was_to_stay_warm_and_is_no_more_expires(shelf: Shelf, removed: list[Berth]) -> None:
    berth = await warm(shelf, of("a", min_warm=1))
    shelf.offer(of("a", min_warm=1))
    berth.held -= HELD

    shelf.expire(-1.0)
    assert removed == [berth]


async def test_an_action_says_how_long_an_unused_container_stays(shelf: Shelf, removed: list[Berth]) -> None:
    short, long = await warm(shelf, of("a", keep_alive=1.0)), await warm(shelf, of("b", keep_alive=1000.0))
    for berth in (short, long):
        berth.used -= 100.0

    shelf.expire(10.0)
    assert removed == [short]


async def test_a_newer_revision_that_is_to_stay_warm_takes_the_place_of_the_older(
    shelf: Shelf, removed: list[Berth]
) -> None:
    old = await warm(shelf, of("a", "1", min_warm=1, memory=1024))

    assert shelf.offer(of("a", "2", min_warm=1, memory=1024)) is not None
    assert removed == [old]
