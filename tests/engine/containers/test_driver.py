"""Environments and zygotes, each made once for all that share them."""

import asyncio
import base64
import io
import shutil
import zipfile
from pathlib import Path

import pytest

from deepwhisk.engine.invocation import SUCCESS, Executable
from deepwhisk.environments import Environments, digest_of
from fixtures.pool import ECHO, Running, a_pool, becomes, call, executable

OTHER = "--no-binary of-no-package\n"  # changes nothing but the digest
ZYGOTE = """
import os
def main(args):
    return {"zygote": os.getppid(), "python": os.environ["VIRTUAL_ENV"]}
"""


def wanting(requirements: str, name: str = "other", code: str = ZYGOTE) -> Executable:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("__main__.py", code)
        archive.writestr("requirements.txt", requirements)
    return executable(base64.b64encode(held.getvalue()).decode(), name, binary=True)


async def test_actions_with_the_same_requirements_share_a_zygote(running: Running) -> None:
    base, one, two = await asyncio.gather(
        running.run(ZYGOTE, "base"),
        running.pool.run(wanting(OTHER, "one"), call()),
        running.pool.run(wanting(f"# the same\n{OTHER}", "two"), call()),
    )

    assert one.result == two.result
    assert base.result["zygote"] != one.result["zygote"]
    assert Path(one.result["python"]).name == digest_of(OTHER)


async def test_a_zygote_without_containers_ends_after_a_while_but_not_that_of_the_base(
    environment_cache: Path,
) -> None:
    async with a_pool(environment_cache, idle_seconds=0.3) as running:
        base = (await running.run(ZYGOTE)).result["zygote"]
        other = (await running.pool.run(wanting(OTHER), call())).result["zygote"]

        await becomes(lambda: Path(f"/proc/{other}").exists(), False)
        assert (await running.run(ZYGOTE)).result["zygote"] == base
        assert (await running.pool.run(wanting(OTHER), call())).status == SUCCESS


async def test_an_environment_that_somebody_deletes_is_made_again(environment_cache: Path) -> None:
    requirements = "--no-binary to-be-deleted\n"
    home = environment_cache / "environments" / digest_of(requirements)
    async with a_pool(environment_cache) as running:
        await running.pool.run(wanting(requirements, "before"), call())
        shutil.rmtree(home)
        outcome = await running.pool.run(wanting(requirements, "after"), call())

    assert outcome.status == SUCCESS
    assert home.exists()


async def test_a_failure_is_remembered_until_the_action_is_put_again(
    running: Running, tmp_path: Path
) -> None:
    wheel = tmp_path / "late-1.0-py3-none-any.whl"
    action = wanting(f"late @ {wheel.as_uri()}\n")
    first = await running.pool.run(action, call())
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("late-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: late\nVersion: 1.0\n")
        archive.writestr("late-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("late-1.0.dist-info/RECORD", "")
    second = await running.pool.run(action, call())

    assert first.result["error"]["cause"] == second.result["error"]["cause"]
    running.pool.prepare(action)
    await asyncio.sleep(0.1)
    assert (await running.pool.run(action, call())).status == SUCCESS


async def test_the_base_is_made_before_anybody_asks(tmp_path: Path) -> None:
    async with a_pool(tmp_path) as running:
        assert (
            running.pool.status().environments == []
            or running.pool.status().environments[0]["packages"] == []
        )
        await becomes(lambda: [each["state"] for each in running.pool.status().environments], ["ready"], 240)

    assert Environments(tmp_path).prepare("", None, lambda line: None).digest == digest_of("")


@pytest.mark.parametrize("seconds", [0, 0.01, 0.02, 0.03, 0.05, 0.08])
async def test_a_pool_that_is_closed_at_once_leaves_nothing(environment_cache: Path, seconds: float) -> None:
    async with a_pool(environment_cache) as running:
        calling = asyncio.create_task(running.run(ECHO))
        await asyncio.sleep(seconds)
    await asyncio.wait([calling])

    assert calling.cancelled() or calling.result().status != SUCCESS
