"""What an action can do to its container, through real processes: the next call always works."""

import asyncio
import os
import re
import signal
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from deepwhisk.engine.invocation import APPLICATION_ERROR, DEVELOPER_ERROR, SUCCESS, Outcome
from deepwhisk.engine.logs import MISSING, TRUNCATED, UNEXPECTED
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
    good = await pool.pool.run(action, call())
    assert (good.status, good.result) == (SUCCESS, {"ok": True})
    await pool.pool.run(executable(name="bad", key=("guest", "guest/bad", "last")), call())
    await becomes(lambda: len(pool.processes() - before) <= 1, True)
    await becomes(lambda: len(pool.folders() - folders) <= 1, True)
    return outcome


def error(outcome: Outcome) -> Any:
    return outcome.result["error"]


def texts(outcome: Outcome) -> list[str]:
    return [re.sub(r"^\S+ ", "", line) for line in outcome.logs]


async def test_a_call_gives_its_result_and_its_logs(pool: Running) -> None:
    code = "def main(args):\n    print('hello')\n    return {'got': args}\n"

    outcome = await pool.run(code, "logs", x=1)

    assert (outcome.status, outcome.result) == (SUCCESS, {"got": {"x": 1}})
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z stdout: hello", outcome.logs[0])
    assert outcome.init_time is not None
    assert outcome.start <= outcome.end
    assert outcome.size == len('{"got":{"x":1}}\n')


async def test_the_second_call_finds_a_warm_container(pool: Running) -> None:
    code = "import os\ndef main(args):\n    return {'pid': os.getpid()}\n"
    first = await pool.run(code, "pid")
    second = await pool.run(code, "pid")

    assert first.result == second.result
    assert second.init_time is None


async def test_an_exception_is_an_application_error_and_its_container_stays(pool: Running) -> None:
    outcome = await misbehave(pool, "raise ValueError('no such thing')")

    assert (outcome.status, outcome.result) == (APPLICATION_ERROR, {"error": "no such thing"})
    assert "stderr: ValueError: no such thing" in texts(outcome)


async def test_sys_exit_is_a_developer_error(pool: Running) -> None:
    outcome = await misbehave(pool, "sys.exit(3)")

    assert (outcome.status, error(outcome)) == (DEVELOPER_ERROR, "command exited")
    assert texts(outcome)[-1] == f"stderr: {UNEXPECTED}"


async def test_a_process_that_exits_is_told_with_its_status_and_its_last_words(pool: Running) -> None:
    outcome = await misbehave(pool, "print('a line')\nos.write(1, b'no end')\nos._exit(7)")

    assert (outcome.status, error(outcome)) == (DEVELOPER_ERROR, NO_RUN)
    assert texts(outcome) == [
        "stdout: a line",
        "stdout: no end",
        "stderr: The container exited with status 7.",
        f"stderr: {UNEXPECTED}",
    ]
    assert outcome.size == len('{"error":"command exited"}\n')


async def test_a_process_that_is_killed_is_told_with_its_signal(pool: Running) -> None:
    outcome = await misbehave(pool, "os.kill(os.getpid(), signal.SIGKILL)")

    assert (outcome.status, error(outcome)) == (DEVELOPER_ERROR, NO_RUN)
    assert "stderr: The container was ended by signal 9 (Killed)." in texts(outcome)


async def test_an_action_past_its_time_limit_ends_with_its_children(pool: Running) -> None:
    body = """
subprocess.Popen(['sleep', '60'])
subprocess.Popen(['sleep', '60'], start_new_session=True)
time.sleep(60)
"""

    outcome = await misbehave(pool, body, timeout=400)

    assert outcome.status == DEVELOPER_ERROR
    assert error(outcome) == "The action exceeded its time limits of 400 milliseconds."
    assert outcome.timed_out
    assert outcome.end - outcome.start >= 400
    assert "at the time limit" in outcome.logs[-2]


async def test_a_time_limit_holds_for_init_too(pool: Running) -> None:
    outcome = await pool.pool.run(executable("import time\ntime.sleep(60)", "slow", timeout=300), call())

    assert outcome.status == DEVELOPER_ERROR
    assert error(outcome) == "The action exceeded its time limits of 300 milliseconds during initialization."
    assert outcome.timed_out


async def test_a_process_that_exits_in_init_is_told(pool: Running) -> None:
    outcome = await pool.run("import os\nos._exit(4)", "dies")

    assert error(outcome) == "Cannot start action. Check logs for details."
    assert "stderr: The container exited with status 4." in texts(outcome)
    assert outcome.init_time is not None


async def test_code_that_cannot_be_imported_is_told_with_its_traceback(pool: Running) -> None:
    outcome = await pool.run("import nothing_of_that_name", "imports")

    assert (outcome.status, error(outcome)) == (
        DEVELOPER_ERROR,
        "Cannot start action. Check logs for details.",
    )
    assert any("nothing_of_that_name" in text for text in texts(outcome))


async def test_an_action_past_its_memory_limit_is_ended(pool: Running) -> None:
    outcome = await misbehave(pool, "held = []\nwhile True:\n    held.append(b'x' * 1_000_000)", memory=128)

    assert (outcome.status, error(outcome)) == (DEVELOPER_ERROR, NO_MEMORY)
    assert "stderr: The container wanted more than its 128 MB and was ended." in texts(outcome)


async def test_the_memory_of_children_counts(pool: Running) -> None:
    body = "subprocess.run([sys.executable, '-c', 'x = b\"x\" * 300_000_000; import time; time.sleep(60)'])"

    outcome = await misbehave(pool, body, memory=128)

    assert error(outcome) == NO_MEMORY


async def test_fifty_megabytes_of_output_neither_block_nor_stay(pool: Running) -> None:
    outcome = await misbehave(
        pool, "for _ in range(50):\n    sys.stdout.write(('x' * 99 + '\\n') * 10_000)", logs=1
    )

    assert outcome.status == SUCCESS
    assert sum(map(len, outcome.logs)) < 1_200_000
    assert texts(outcome)[-1] == f"stderr: {TRUNCATED.format(1 << 20)}"


async def test_one_line_of_fifty_megabytes_does_not_stay_either(pool: Running) -> None:
    outcome = await misbehave(
        pool, "os.write(2, b'first\\n')\nfor _ in range(50):\n    os.write(1, b'x' * 1_000_000)", logs=1
    )

    assert outcome.status == SUCCESS
    assert texts(outcome) == ["stderr: first", f"stderr: {TRUNCATED.format(1 << 20)}"]


async def test_a_log_limit_of_nothing_collects_nothing(pool: Running) -> None:
    outcome = await misbehave(pool, "for _ in range(50):\n    print('x' * 1000)\nos._exit(1)", logs=0)

    assert outcome.logs == []


async def test_closed_streams_are_an_issue_of_the_logs_only(pool: Running) -> None:
    outcome = await misbehave(pool, "print('seen', flush=True)\nos.close(1)\nos.close(2)\nos._exit(0)")

    assert error(outcome) == NO_RUN
    assert "stdout: seen" in texts(outcome)


async def test_a_sentinel_that_never_comes_is_told(pool: Running) -> None:
    body = """
print('before', flush=True)
null = os.open(os.devnull, os.O_WRONLY)
os.dup2(null, 1)
os.dup2(null, 2)
"""

    outcome = await misbehave(pool, body)

    assert outcome.status == SUCCESS
    assert texts(outcome) == ["stdout: before", f"stderr: {MISSING}"]


async def test_text_before_the_sentinel_is_kept_when_its_line_has_no_end(pool: Running) -> None:
    outcome = await pool.run("def main(args):\n    print('half a line', end='')\n    return {}\n", "half")

    assert texts(outcome) == ["stdout: half a line"]


async def test_children_that_an_action_leaves_behind_end_with_its_container(pool: Running) -> None:
    body = """
for session in (False, True, True):
    subprocess.Popen(['sleep', '60'], start_new_session=session)
subprocess.run(['sh', '-c', '(setsid sleep 61 &) &'])
os._exit(0)
"""
    outcome = await misbehave(pool, body)

    assert error(outcome) == NO_RUN


async def test_a_too_long_answer_is_an_application_error_with_its_beginning(pool: Running) -> None:
    outcome = await misbehave(pool, "return {'x': 'y' * 3_000_000}")

    assert outcome.status == APPLICATION_ERROR
    assert error(outcome).startswith(
        f"The action produced a response that exceeded the allowed length: {outcome.size} > 1048576 bytes. "
        'The truncated response was: {"x":"yyy'
    )
    assert len(error(outcome)) < 1_048_576 + 200


@pytest.mark.parametrize(
    "value", ["'text'", "7", "None", "float('nan')", "{'x': float('nan')}", "b'bytes'", "{'x': b'bytes'}"]
)
async def test_what_is_neither_object_nor_array_is_a_developer_error(pool: Running, value: str) -> None:
    outcome = await misbehave(pool, f"return {value}")

    assert outcome.status == DEVELOPER_ERROR
    assert isinstance(error(outcome), str)


async def test_an_array_is_a_result(pool: Running) -> None:
    outcome = await pool.run("def main(args):\n    return [1, None, 'two']\n", "array")

    assert (outcome.status, outcome.result) == (SUCCESS, [1, None, "two"])


async def test_an_error_of_null_is_an_application_error_and_stands_alone(pool: Running) -> None:
    outcome = await pool.run("def main(args):\n    return {'error': None, 'x': 1}\n", "null")

    assert (outcome.status, outcome.result) == (APPLICATION_ERROR, {"error": None})


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


async def test_what_a_call_leaves_behind_may_not_eat_memory_while_no_call_runs(pool: Running) -> None:
    greedy = "import time; time.sleep(0.5); kept = b'x' * (400 << 20); time.sleep(60)"
    code = (
        f"import subprocess, sys\ndef main(args):\n    subprocess.Popen([sys.executable, '-c', {greedy!r}])\n"
    )
    before = pool.processes()

    outcome = await pool.run(code + "    return {}", "greedy")

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
    await misbehave(pool, body, timeout=2_000)
