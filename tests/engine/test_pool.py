"""What the pool decides, over stub containers; and its way through real ones."""

import asyncio
import base64
import io
import os
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from deepwhisk.engine.container import Answer, Lost, Reply
from deepwhisk.engine.invocation import DEVELOPER_ERROR, SUCCESS, WHISK_ERROR, Usage
from deepwhisk.engine.pool import WarmPool
from fixtures.pool import ECHO, Running, StubContainer, StubDriver, a_pool, becomes, call, executable

DOWN = Answer(503, b"{}", 2)
PID = "import os\ndef main(args):\n    return {'pid': os.getpid()}\n"


@asynccontextmanager
async def stubbed(*containers: StubContainer, **options: Any) -> AsyncIterator[tuple[WarmPool, StubDriver]]:
    coming = list(containers)
    driver = StubDriver(lambda: coming.pop(0) if coming else StubContainer())
    pool = WarmPool(driver, **({"memory": 1024} | options))
    yield pool, driver
    await pool.close()
    assert all(container.stopped for container in driver.made)


def zipped(**members: str) -> str:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("_py", ".py").replace("_txt", ".txt"), text)
    return base64.b64encode(held.getvalue()).decode()


async def test_a_container_that_shuts_down_is_replaced_by_another() -> None:
    async with stubbed(StubContainer({"/init": DOWN}), StubContainer({"/run": DOWN})) as (pool, driver):
        outcome = await pool.run(executable(), call())

    assert outcome.status == SUCCESS
    assert [container.asked for container in driver.made] == [["/init"], ["/init", "/run"], ["/init", "/run"]]


async def test_containers_that_all_shut_down_are_a_fault_of_the_platform() -> None:
    async with stubbed(*(StubContainer({"/init": DOWN}) for _ in range(9))) as (pool, _):
        outcome = await pool.run(executable(), call())

    assert outcome.status == WHISK_ERROR
    assert outcome.result == {"error": "Failed to provision resources to run the action."}


async def test_a_container_that_is_gone_before_it_was_asked_is_replaced() -> None:
    async with stubbed(StubContainer({"/run": Lost.BEFORE})) as (pool, driver):
        assert (await pool.run(executable(), call())).status == SUCCESS
        assert len(driver.made) == 2


async def test_a_container_that_failed_is_ended_and_one_that_answered_is_kept() -> None:
    async with stubbed(StubContainer({"/run": Lost.EXIT})) as (pool, driver):
        assert (await pool.run(executable(), call())).status == DEVELOPER_ERROR
        await becomes(lambda: driver.made[0].stopped, True)
        await pool.run(executable(), call())
        await pool.run(executable(), call())

        assert driver.made[1].asked == ["/init", "/run", "/run"]


async def test_a_failed_init_never_runs() -> None:
    async with stubbed(StubContainer({"/init": Answer(502, b'{"error":"no"}', 14)})) as (pool, driver):
        outcome = await pool.run(executable(), call())

    assert (outcome.status, outcome.result, outcome.size) == (DEVELOPER_ERROR, {"error": "no"}, 14)
    assert driver.made[0].asked == ["/init"]


async def test_a_container_started_ahead_serves_the_next_call_without_an_init() -> None:
    async with stubbed() as (pool, driver):
        await pool.prewarm(executable())
        outcome = await pool.run(executable(), call())

    assert outcome.init_time is None
    assert [container.asked for container in driver.made] == [["/init", "/run"]]


async def test_a_failure_ahead_is_left_for_the_call_to_meet() -> None:
    async with stubbed(StubContainer({"/init": Answer(502, b"", 0)})) as (pool, driver):
        await pool.prewarm(executable())
        assert (await pool.run(executable(), call())).status == SUCCESS
        assert len(driver.made) == 2


async def test_a_call_that_is_given_up_ends_its_container() -> None:
    held = StubContainer(gate=asyncio.Event())
    async with stubbed(held) as (pool, _):
        running = asyncio.create_task(pool.run(executable(), call()))
        await becomes(lambda: held.asked, ["/init", "/run"])
        running.cancel()
        await becomes(lambda: held.stopped, True)


async def test_idle_containers_are_removed() -> None:
    async with stubbed(idle_seconds=0.05) as (pool, driver):
        await pool.run(executable(), call())
        await becomes(lambda: driver.made[0].stopped, True)


async def test_a_foreign_image_is_refused_with_a_reason(running: Running) -> None:
    outcome = await running.pool.run(executable(kind="blackbox", image="ubuntu:24.04"), call())

    assert outcome.status == DEVELOPER_ERROR
    assert outcome.result == {"error": "Failed to pull container image 'ubuntu:24.04'."}
    assert "Docker" in outcome.logs[0]


async def test_an_image_of_ours_runs_as_a_process(running: Running) -> None:
    action = executable(kind="blackbox", image="deepwhisk/runtime-python:0.1")

    assert (await running.pool.run(action, call(x=1))).result == {"x": 1}


async def test_requirements_that_cannot_be_met_are_told_with_phase_and_cause(running: Running) -> None:
    code = zipped(__main___py=ECHO, requirements_txt="no-such-package-anywhere @ file:///nowhere.whl\n")
    asked = call()
    outcome = await running.pool.run(executable(code, "needy", binary=True), asked)

    assert outcome.status == DEVELOPER_ERROR
    told = outcome.result["error"]
    assert told["phase"] == "environment"
    assert "nowhere.whl" in told["cause"]
    assert told["activation"] == asked.activation_id
    states = {tuple(each["packages"]): each for each in running.pool.status().environments}
    assert states["no-such-package-anywhere",]["state"] == "failed"
    assert states["no-such-package-anywhere",]["error"]
    assert (await running.run(ECHO, "other", x=1)).result == {"x": 1}


async def test_weights_of_an_action_are_made_once_and_named_to_it(running: Running) -> None:
    build = (
        "# /// script\n# dependencies = []\n# ///\n"
        "import pathlib, sys\n(pathlib.Path(sys.argv[1]) / 'weights.txt').write_text('42')\n"
    )
    read = (
        "import os, pathlib\ndef main(args):\n"
        "    folder = pathlib.Path(os.environ['DEEPWHISK_WEIGHTS'])\n"
        "    return {'weights': (folder / 'weights.txt').read_text()}\n"
    )
    code = zipped(__main___py=read, build_py=build)
    outcome = await running.pool.run(executable(code, "heavy", binary=True), call())

    assert outcome.result == {"weights": "42"}


async def test_an_update_of_an_action_replaces_its_containers(running: Running) -> None:
    old = executable(PID, "a", key=("guest", "guest/a", "1"))
    new = executable(PID, "a", key=("guest", "guest/a", "2"))
    first = (await running.pool.run(old, call())).result["pid"]
    second = (await running.pool.run(new, call())).result["pid"]

    assert first != second
    await becomes(lambda: Path(f"/proc/{first}").exists(), False)


async def test_calls_of_two_namespaces_do_not_share_a_container(running: Running) -> None:
    pids = [
        (await running.pool.run(executable(PID, key=(namespace, "guest/a", "1")), call())).result["pid"]
        for namespace in ("guest", "other", "guest")
    ]

    assert pids[0] == pids[2] != pids[1]


async def test_more_calls_than_memory_wait_and_all_are_answered(environment_cache: Path) -> None:
    slow = "import time\ndef main(args):\n    time.sleep(0.02)\n    return args\n"
    async with a_pool(environment_cache, memory=512) as running:
        calls = [running.run(slow, f"a{number % 5}", x=number) for number in range(30)]
        outcomes = await asyncio.gather(*calls)

        assert [outcome.result["x"] for outcome in outcomes] == list(range(30))
        await becomes(lambda: len(running.folders()) <= 2, True)


async def test_more_memory_than_the_pool_has_is_told_in_the_logs(environment_cache: Path) -> None:
    async with a_pool(environment_cache, memory=128) as running:
        outcome = await running.run()

    assert outcome.status == WHISK_ERROR
    assert "256 MB" in outcome.logs[0]


async def test_real_idle_containers_leave_no_process_and_no_folder(environment_cache: Path) -> None:
    async with a_pool(environment_cache, idle_seconds=0.2) as running:
        pid = (await running.run(PID)).result["pid"]
        await becomes(lambda: Path(f"/proc/{pid}").exists(), False)
        await becomes(running.folders, set())


async def test_files_and_memory_of_the_engine_return_to_where_they_were(running: Running) -> None:
    async def failing_calls(number: int) -> None:
        for name in range(number):
            await running.run("import os\ndef main(args):\n    os._exit(1)\n", f"dies{name}")
        await becomes(running.folders, set())

    await failing_calls(2)
    before = len(os.listdir("/proc/self/fd"))
    await failing_calls(10)

    await becomes(lambda: len(os.listdir("/proc/self/fd")) <= before, True)  # one looks while it removes


async def test_prepare_makes_the_environment_before_the_first_call(running: Running) -> None:
    code = zipped(__main___py=ECHO, requirements_txt="# nothing\n\n")
    running.pool.prepare(executable(code, "ready", binary=True))
    await becomes(lambda: [each["state"] for each in running.pool.status().environments], ["ready"])


@pytest.mark.parametrize("code", ["not base64!", base64.b64encode(b"no zip").decode()])
async def test_a_broken_zip_is_for_the_container_to_tell(running: Running, code: str) -> None:
    outcome = await running.pool.run(executable(code, "broken", binary=True), call())

    assert outcome.status == DEVELOPER_ERROR
    assert "cannot decode the request" in outcome.result["error"]


async def test_an_outcome_says_what_container_took_the_call_and_what_that_used(running: Running) -> None:
    code = "held = bytearray(90_000_000)\ndel held\ndef main(args):\n    return {}"
    first = await running.run(code, "used")
    second = await running.run(code, "used")

    assert (first.container, second.container) == ("forked", "warm")
    assert first.usage is not None
    assert second.usage is not None
    assert first.usage.memory > 90_000_000 > second.usage.memory
    assert first.usage.cpu > 0


async def test_what_init_used_counts_for_the_call_that_waited_for_it() -> None:
    used = {"/init": Usage(1.0, 500), "/run": Usage(0.5, 200)}
    answers: dict[str, Reply] = {path: Answer(200, b"{}", 2, usage) for path, usage in used.items()}
    async with stubbed(StubContainer(answers)) as (pool, _):
        outcomes = [await pool.run(executable(), call()) for _ in range(2)]

    assert [outcome.usage for outcome in outcomes] == [Usage(1.5, 500), Usage(0.5, 200)]
    assert [outcome.container for outcome in outcomes] == ["cold", "warm"]
