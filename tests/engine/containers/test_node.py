"""Containers of Node.js, through the real engine's pool: begun, limited, watched and ended as all others."""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from deepwhisk.engine import Node
from deepwhisk.engine.containers import watch
from deepwhisk.engine.invocation import (
    APPLICATION_ERROR,
    DEVELOPER_ERROR,
    SUCCESS,
    WHISK_ERROR,
    Executable,
    Outcome,
)
from deepwhisk.engine.logs import UNEXPECTED
from fixtures.node import NODE, needs_node, zipped
from fixtures.pool import Running, a_pool, becomes, call, executable
from fixtures.subject import begin

pytestmark = [needs_node, pytest.mark.asyncio(loop_scope="module")]

GONE = "The action did not produce a valid response and exited unexpectedly."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool(environment_cache: Path) -> AsyncIterator[Running]:
    """One for all tests here: what an action does must not reach the next one."""
    node = Node.found(NODE)
    async with a_pool(environment_cache, variables={"GREETING": "hello"}, node=node) as running:
        await running.run()
        yield running


def script(code: str, name: str = "js", **others: Any) -> Executable:
    return executable(code, name, **({"kind": "nodejs:20", "key": ("guest", name, code)} | others))


def texts(outcome: Outcome) -> list[str]:
    return [re.sub(r"^\S+ ", "", line) for line in outcome.logs]


async def misbehave(pool: Running, body: str, **limits: Any) -> Outcome:
    """The outcome of the bad call; afterwards the action works and nothing is left but one container."""
    action = script(f"async function main(a) {{ if (a.bad) {{ {body} }} return {{ok: 1}} }}", "bad", **limits)
    before, folders = pool.processes(), pool.folders()
    await begin(pool.pool, action)
    outcome = await pool.pool.run(action, call(bad=True))
    good = await pool.pool.run(replace(action, timeout=60_000), call())
    assert (good.status, good.result) == (SUCCESS, {"ok": 1})
    await becomes(lambda: len(pool.processes() - before) <= 1, True)
    await becomes(lambda: len(pool.folders() - folders) <= 1, True)
    return outcome


async def test_a_call_gives_its_result_and_its_logs(pool: Running) -> None:
    code = "let n = 0; function main(a) { console.log('out'); console.error('err'); return {n: ++n, a} }"

    cold, warm = [await pool.pool.run(script(code), call(x=1)) for _ in range(2)]

    assert (cold.status, cold.result) == (SUCCESS, {"n": 1, "a": {"x": 1}})
    assert sorted(texts(cold)) == ["stderr: err", "stdout: out"]
    assert cold.init_time is not None
    assert (warm.result["n"], warm.init_time, sorted(texts(warm))) == (2, None, sorted(texts(cold)))


async def test_a_container_is_a_process_of_its_own_with_its_own_folder(pool: Running) -> None:
    code = """
const os = require('os');
function main() {
  return {pid: process.pid, node: process.execPath, tmp: os.tmpdir(), home: os.homedir(), env: process.env};
}
"""
    shown = (await pool.pool.run(script(code), call())).result
    env = shown["env"]

    assert os.getpgid(shown["pid"]) == shown["pid"]
    assert os.path.samefile(shown["node"], NODE or "")
    assert {Path(shown["tmp"]).name, Path(shown["home"]).name} == {"tmp", "work"}
    assert (env["__OW_ACTION_NAME"], env["__OW_NAMESPACE"], env["GREETING"]) == ("/js", "guest", "hello")
    assert env["__OW_API_HOST"] == "http://127.0.0.1:1"
    assert not {"PYTHONPATH", "VIRTUAL_ENV"} & env.keys()
    assert int(Path(f"/proc/{shown['pid']}/oom_score_adj").read_text()) == 500
    assert env["__OW_DEADLINE"].isdigit()


async def test_an_action_finds_node_on_its_path(pool: Running) -> None:
    code = "exports.main = () => ({v: require('child_process').execSync('node --version').toString()})"

    outcome = await pool.pool.run(script(code), call())

    assert outcome.result["v"].startswith("v")


async def test_parameters_of_init_are_variables(pool: Running) -> None:
    action = script(
        "function main() { return {a: process.env.a, b: process.env.b} }",
        init_parameters={"a": "1", "b": [2]},
    )

    assert (await pool.pool.run(action, call())).result == {"a": "1", "b": "[2]"}


async def test_a_zip_runs_and_its_requirements_are_none_of_pythons(pool: Running) -> None:
    members = {"index.js": "exports.main = a => a", "requirements.txt": "no-such-distribution-at-all\n"}
    action = script(zipped(members), "zip", binary=True)

    pool.pool.prepare(action)

    assert (await pool.pool.run(action, call(x=1))).result == {"x": 1}


@pytest.mark.parametrize(
    ("body", "status", "result"),
    [
        ("return Promise.reject({a: 1})", APPLICATION_ERROR, {"error": {"a": 1}}),
        (
            "return null",
            DEVELOPER_ERROR,
            {"error": "The action did not produce a valid JSON or JSON Array response: null"},
        ),
        ("return 's'", DEVELOPER_ERROR, {"error": "The action did not return a dictionary."}),
        ("process.exit(2)", DEVELOPER_ERROR, {"error": GONE}),
        (
            "setTimeout(() => { throw new Error('late') }); await new Promise(() => {})",
            DEVELOPER_ERROR,
            {"error": GONE},
        ),
        (
            "process.kill(process.pid, 'SIGKILL'); await new Promise(() => {})",
            DEVELOPER_ERROR,
            {"error": GONE},
        ),
    ],
)
async def test_an_action_that_fails_leaves_the_next_call_in_peace(
    pool: Running, body: str, status: int, result: Any
) -> None:
    outcome = await misbehave(pool, body)

    assert (outcome.status, outcome.result) == (status, result)
    assert (texts(outcome)[-1:] == [f"stderr: {UNEXPECTED}"]) == (status == DEVELOPER_ERROR)


async def test_an_exit_is_told_with_all_that_was_printed_before(pool: Running) -> None:
    outcome = await misbehave(pool, "console.log('x'.repeat(300000)); console.log('last'); process.exit(7)")

    said = texts(outcome)
    assert [len(said[0]), *said[1:]] == [
        len("stdout: ") + 300_000,
        "stdout: last",
        "stderr: The container exited with status 7.",
        f"stderr: {UNEXPECTED}",
    ]


async def test_a_loop_is_ended_at_the_time_limit_with_its_children(pool: Running) -> None:
    body = "require('child_process').spawn('sleep', ['60'], {detached: true}); for (;;);"

    outcome = await misbehave(pool, body, timeout=2_000)

    assert outcome.status == DEVELOPER_ERROR
    assert outcome.result == {"error": "The action exceeded its time limits of 2000 milliseconds."}
    assert outcome.timed_out


async def test_the_time_limit_holds_for_init_too(pool: Running) -> None:
    outcome = await pool.pool.run(script("for (;;);", timeout=500), call())

    assert outcome.result == {
        "error": "The action exceeded its time limits of 500 milliseconds during initialization."
    }


@pytest.mark.parametrize(
    ("what", "times"), [("new Array(1000).fill(Math.random())", 100_000), ("Buffer.alloc(1 << 20, 1)", 300)]
)
async def test_memory_is_limited_inside_and_outside_of_the_heap(pool: Running, what: str, times: int) -> None:
    eats = f"const kept = []; while (kept.length < {times}) kept.push({what}); await new Promise(() => {{}})"
    outcome = await misbehave(pool, eats, memory=128)

    assert outcome.result == {"error": "The action exhausted its memory and was aborted."}
    assert "stderr: The container wanted more than its 128 MB and was ended." in texts(outcome)


async def test_a_heap_that_is_full_before_anybody_has_looked_is_told_alike(
    environment_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PERIOD", 3600.0)
    async with a_pool(environment_cache, node=Node.found(NODE)) as own:
        await own.run()
        outcome = await misbehave(
            own, "const kept = []; for (;;) kept.push(new Array(1000).fill(0.5))", memory=64
        )

    assert outcome.result == {"error": "The action exhausted its memory and was aborted."}
    assert "heap out of memory" in " ".join(outcome.logs)


async def test_garbage_is_not_counted_for_long(pool: Running) -> None:
    code = (
        "function main() { let n = 0; for (let i = 0; i < 4e6; i += 1) n += [i, i, i, i].length; return {n} }"
    )

    assert (await pool.pool.run(script(code, memory=128), call())).result == {"n": 16_000_000}


async def test_an_init_that_fails_is_told_with_its_log(pool: Running) -> None:
    outcome = await pool.pool.run(script("console.log('before'); let = ;", "wrong"), call())
    other = await pool.pool.run(script("console.log('before'); exports.x = 1", "wrong"), call())

    assert outcome.status == other.status == DEVELOPER_ERROR
    assert outcome.result["error"].startswith("Initialization has failed due to: SyntaxError: ")
    assert (
        other.result["error"]
        == "Initialization has failed due to: Action entrypoint 'main' is not a function."
    )
    assert texts(other) == [
        "stdout: before",
        "stderr: Error during initialization: Action entrypoint 'main' is not a function.",
        f"stderr: {UNEXPECTED}",
    ]


async def test_a_container_that_is_killed_while_it_rests_is_replaced(pool: Running) -> None:
    action = script("function main() { return {pid: process.pid} }", "killed")
    first = (await pool.pool.run(action, call())).result["pid"]
    os.kill(first, signal.SIGKILL)
    await becomes(lambda: Path(f"/proc/{first}").exists(), False)

    second = (await pool.pool.run(action, call())).result["pid"]

    assert second != first


async def test_a_container_ends_with_the_process_it_was_forked_from(environment_cache: Path) -> None:
    code = """
const {spawn} = require('child_process');
function main() {
  spawn('sleep', ['60'], {detached: true});
  return {pid: process.pid, parent: process.ppid};
}
"""
    async with a_pool(environment_cache, node=Node.found(NODE)) as running:
        left = (await running.pool.run(script(code), call())).result
        os.kill(left["parent"], signal.SIGKILL)

        await becomes(running.processes, set())
        assert (await running.pool.run(script(code), call())).status == SUCCESS


async def test_without_node_a_call_says_what_is_missing(environment_cache: Path) -> None:
    async with a_pool(environment_cache) as running:
        outcome = await running.pool.run(script("function main() {}"), call())

    assert outcome.status == WHISK_ERROR
    assert "install it, so that PATH finds node" in texts(outcome)[0]


async def test_the_image_of_node_is_run_by_node(pool: Running) -> None:
    action = script(
        "function main() { return {v: process.version} }", kind="blackbox", image="deepwhisk/runtime-nodejs:1"
    )

    assert json.dumps((await pool.pool.run(action, call())).result).startswith('{"v": "v')


async def test_calls_share_a_container_where_the_action_allows_it(pool: Running) -> None:
    code = """
const waiting = [];
function main(a) {
  console.log('call', a.n);
  return new Promise((done) => {
    waiting.push(done);
    if (waiting.length === 2) for (const each of waiting) each({pid: process.pid});
  });
}
"""
    action = script(code, concurrency=2)
    await pool.pool.prewarm(action)

    first, second = await asyncio.gather(*(pool.pool.run(action, call(n=n)) for n in range(2)))

    assert first.result == second.result
    assert sorted(texts(first) + texts(second)) == ["stdout: call 0", "stdout: call 1"]
