"""What an action can do to a container that is a process, beside the contract: the next call always works."""

import asyncio
import os
import re
import signal
import textwrap
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from deepwhisk.engine.invocation import DEVELOPER_ERROR, SUCCESS, Outcome
from deepwhisk.engine.logs import TRUNCATED, UNEXPECTED
from fixtures.pool import Running, a_pool, becomes, call, executable

pytestmark = pytest.mark.asyncio(loop_scope="module")

NO_RUN = "command exited"
NO_MEMORY = "The action exhausted its memory and was aborted."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool(environment_cache: Path) -> AsyncIterator[Running]:
    """One for all tests here: what an action does must not reach the next one."""
    async with a_pool(environment_cache, variables={"GREETING": "hello"}) as running:
        await running.run()
        yield running


HEAD = """
import os, signal, subprocess, sys, time
def main(args):
    if args.get('bad'):
{}
    return {{'ok': True}}
"""


def lines(body: str) -> str:
    """Code of an action that does BODY if its argument `bad` is true."""
    return HEAD.format(textwrap.indent(body.strip(), " " * 8))


async def misbehave(pool: Running, body: str, **limits: Any) -> Outcome:
    """The outcome of the bad call; afterwards the action works and nothing is left."""
    code = lines(body)
    await pool.run()
    action = executable(code, "bad", **({"key": ("guest", "guest/bad", str(hash(code)))} | limits))
    before, folders = pool.processes(), pool.folders()
    outcome = await pool.pool.run(action, call(bad=True))
    good = await pool.pool.run(replace(action, timeout=60_000), call())  # however loaded the machine is
    assert (good.status, good.result) == (SUCCESS, {"ok": True})
    await pool.pool.run(executable(name="bad", key=("guest", "guest/bad", "last")), call())
    await becomes(lambda: len(pool.processes() - before) <= 1, True)
    await becomes(lambda: len(pool.folders() - folders) <= 1, True)
    return outcome


def error(outcome: Outcome) -> Any:
    return outcome.result["error"]


def texts(outcome: Outcome) -> list[str]:
    return [re.sub(r"^\S+ ", "", line) for line in outcome.logs]


async def test_sys_exit_is_a_developer_error(pool: Running) -> None:
    outcome = await misbehave(pool, "sys.exit(3)")

    assert (outcome.status, error(outcome)) == (DEVELOPER_ERROR, "command exited")
    assert texts(outcome)[-1] == f"stderr: {UNEXPECTED}"


async def test_a_process_that_is_killed_is_told_with_its_signal(pool: Running) -> None:
    outcome = await misbehave(pool, "os.kill(os.getpid(), signal.SIGKILL)")

    assert (outcome.status, error(outcome)) == (DEVELOPER_ERROR, NO_RUN)
    assert "stderr: The container was ended by signal 9 (Killed)." in texts(outcome)


async def test_the_memory_of_children_counts(pool: Running) -> None:
    body = "subprocess.run([sys.executable, '-c', 'x = b\"x\" * 300_000_000; import time; time.sleep(60)'])"

    outcome = await misbehave(pool, body, memory=128)

    assert error(outcome) == NO_MEMORY


async def test_one_line_of_fifty_megabytes_does_not_stay_either(pool: Running) -> None:
    outcome = await misbehave(
        pool, "os.write(2, b'first\\n')\nfor _ in range(50):\n    os.write(1, b'x' * 1_000_000)", logs=1
    )

    assert outcome.status == SUCCESS
    assert texts(outcome) == ["stderr: first", f"stderr: {TRUNCATED.format(1 << 20)}"]


async def test_closed_streams_are_an_issue_of_the_logs_only(pool: Running) -> None:
    outcome = await misbehave(pool, "print('seen', flush=True)\nos.close(1)\nos.close(2)\nos._exit(0)")

    assert error(outcome) == NO_RUN
    assert "stdout: seen" in texts(outcome)


async def test_a_container_has_a_folder_of_its_own_and_the_variables_it_was_given(pool: Running) -> None:
    code = """
import os, tempfile
def main(args):
    return {"cwd": os.getcwd(), "tmp": tempfile.gettempdir(), "variables": dict(os.environ)}
"""
    first, second = await asyncio.gather(pool.run(code, "one"), pool.run(code, "two"))

    assert first.result["tmp"] != second.result["tmp"]
    assert first.result["tmp"].startswith(str(pool.scratch))
    variables = first.result["variables"]
    assert variables["GREETING"] == "hello"
    assert variables["__OW_API_HOST"] == "http://127.0.0.1:1"
    assert variables["OMP_NUM_THREADS"] == "1"
    assert variables["__OW_ACTION_NAME"] == "/guest/one"
    assert "DEEPWHISK_WEIGHTS" not in variables


async def test_containers_of_one_zygote_draw_different_random_numbers(pool: Running) -> None:
    code = "import random\ndrawn = random.random()\ndef main(args):\n    return {'drawn': drawn}\n"
    drawn = await asyncio.gather(*(pool.run(code, f"chance{number}") for number in range(3)))

    assert len({outcome.result["drawn"] for outcome in drawn}) == 3


async def test_signals_act_as_in_any_process(pool: Running) -> None:
    code = "import signal\ndef main(args):\n    return {'pipe': signal.getsignal(signal.SIGCHLD).name}\n"

    assert (await pool.run(code, "signals")).result == {"pipe": "SIG_DFL"}


async def test_an_idle_container_that_is_killed_is_not_asked(pool: Running) -> None:
    code = "import os\ndef main(args):\n    return {'pid': os.getpid()}\n"
    pid = (await pool.run(code, "idle")).result["pid"]
    os.kill(pid, signal.SIGKILL)
    await becomes(lambda: Path(f"/proc/{pid}").exists(), False)
    outcome = await pool.run(code, "idle")

    assert outcome.status == SUCCESS
    assert outcome.result["pid"] != pid


async def test_an_action_that_prints_the_end_of_its_log_confuses_nobody(pool: Running) -> None:
    code = """
def main(args):
    for number in range(args["n"]):
        print("XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX")
        print(f"line {number} of {args['n']} " + "x" * 2000)
    return {}
"""
    for many in (3, 0, 200, 1):
        outcome = await pool.run(code, "sentinel", n=many)

        assert [text[:20] for text in texts(outcome)] == [
            f"stdout: line {number} of {many} "[:20] for number in range(many)
        ]


async def test_what_a_call_leaves_behind_may_not_eat_memory_while_no_call_runs(
    pool: Running, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    greedy = (
        f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\n"
        "kept = b'x' * (400 << 20)\ntime.sleep(60)"
    )
    code = (
        f"import subprocess, sys\ndef main(args):\n    subprocess.Popen([sys.executable, '-c', {greedy!r}])\n"
    )
    before = pool.processes()

    outcome = await pool.run(code + "    return {}", "greedy")
    gate.touch()

    assert outcome.status == SUCCESS
    await becomes(lambda: pool.processes() - before, set())


BREAKS = """
for fd in range(3, 200): os.close(fd) if os.path.exists(f"/proc/self/fd/{fd}") else None

for fd in range(0, 3): os.close(fd)

for fd in range(3, 20):
    try: os.write(fd, b"HTTP/1.1 200 OK\\r\\n\\r\\n{}")
    except OSError: pass

os.symlink("/", "root"); os.symlink("..", "up"); os.makedirs("a/b"); os.chmod("a", 0)

import shutil
os.chdir("/"); shutil.rmtree(os.environ["TMPDIR"]); shutil.rmtree(os.environ["HOME"])

for _ in range(100): subprocess.Popen(["sleep", "60"], start_new_session=True)

for _ in range(9): os.fork()

import threading
for _ in range(200): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()

os.kill(os.getpid(), signal.SIGSTOP)

os.write(1, b"\\xff\\xfe\\x00" * 1000 + b"\\n")

def deep(): deep()
sys.setrecursionlimit(10**9); deep()

import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))

inner = []
for _ in range(990): inner = [inner]
return {"deep": inner}

return {"half": chr(0xd800)}

import builtins, json
builtins.print = builtins.open = json.dumps = None

sys.modules.clear()
"""


@pytest.mark.parametrize("body", BREAKS.split("\n\n"))
async def test_whatever_an_action_breaks_is_its_own(pool: Running, body: str) -> None:
    await misbehave(pool, body, timeout=2_000 if "SIGSTOP" in body else 60_000)
