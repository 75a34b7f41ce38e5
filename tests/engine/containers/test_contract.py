"""What every sort of container owes its actions: one suite, tried on each."""

import asyncio
import base64
import io
import json
import re
import textwrap
import zipfile
from dataclasses import replace
from typing import Any

import pytest

from deepwhisk.engine import verdict
from deepwhisk.engine.bodies import run_body
from deepwhisk.engine.container import Answer, Lost
from deepwhisk.engine.invocation import APPLICATION_ERROR, DEVELOPER_ERROR, SUCCESS, Outcome
from deepwhisk.engine.logs import MISSING, TRUNCATED, UNEXPECTED
from deepwhisk.engine.running import initialize, run
from fixtures.pool import becomes, call, executable
from fixtures.subject import Subject, begin

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEAD = """
import os, signal, subprocess, sys, time
def main(args):
    if args.get('bad'):
{}
    return {{'ok': True}}
"""


async def misbehave(subject: Subject, body: str, **limits: Any) -> Outcome:
    """The outcome of a bad call; afterwards the action works, and what the bad one had is gone."""
    code = HEAD.format(textwrap.indent(body.strip(), " " * 8))
    action = executable(code, "bad", **({"key": ("guest", "guest/bad", str(hash(code)))} | limits))
    before = subject.left()
    await begin(subject.pool, action)
    outcome = await subject.pool.run(action, call(bad=True))
    good = await subject.pool.run(replace(action, timeout=30_000), call())
    assert (good.status, good.result) == (SUCCESS, {"ok": True})
    await becomes(lambda: len(subject.left() - before) <= 1, True)
    return outcome


def error(outcome: Outcome) -> Any:
    return outcome.result["error"]


def texts(outcome: Outcome) -> list[str]:
    return [re.sub(r"^\S+ ", "", line) for line in outcome.logs]


def zipped(**members: str) -> str:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__py", ".py"), text)
    return base64.b64encode(held.getvalue()).decode()


async def test_a_call_gives_its_result_its_times_and_its_logs(subject: Subject) -> None:
    code = """
import sys
def main(args):
    print('out')
    print('err', file=sys.stderr)
    return {'got': args}
"""

    outcome = await subject.run(code, "logs", x="\u00fc\u2603")

    assert (outcome.status, outcome.result) == (SUCCESS, {"got": {"x": "\u00fc\u2603"}})
    assert sorted(texts(outcome)) == ["stderr: err", "stdout: out"]
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z std(out|err): ", outcome.logs[0])
    assert outcome.init_time is not None
    assert outcome.start <= outcome.end
    assert outcome.size == len('{"got":{"x":"\u00fc\u2603"}}\n'.encode())


async def test_calls_one_after_another_share_a_container_and_each_has_its_own_logs(subject: Subject) -> None:
    code = """
calls = 0
def main(args):
    global calls
    calls += 1
    print('call', calls)
    return {'n': calls}
"""
    outcomes = [await subject.run(code, "warm") for _ in range(3)]

    assert [outcome.result["n"] for outcome in outcomes] == [1, 2, 3]
    assert [texts(outcome) for outcome in outcomes] == [[f"stdout: call {number}"] for number in (1, 2, 3)]
    assert [outcome.init_time is None for outcome in outcomes] == [False, True, True]


async def test_calls_at_the_same_time_have_containers_of_their_own(subject: Subject) -> None:
    code = """
import time, uuid
own = str(uuid.uuid4())
def main(args):
    time.sleep(2)
    return {'own': own}
"""
    outcomes = await asyncio.gather(*(subject.run(code, "together") for _ in range(3)))

    assert [outcome.status for outcome in outcomes] == [SUCCESS] * 3, outcomes
    assert len({outcome.result["own"] for outcome in outcomes}) == 3


async def test_what_an_action_learns_of_itself(subject: Subject) -> None:
    action = executable(
        "import os\nborn = dict(os.environ)\ndef main(_):\n    return dict(init=born, run=dict(os.environ))",
        "known",
        init_parameters={"SHELF": {"a": [1]}, "WORD": "x"},
        version="0.0.7",
    )
    asked = call()
    outcome = await subject.pool.run(action, asked)
    variables = outcome.result["run"]

    assert (variables["SHELF"], variables["WORD"], variables["GREETING"]) == ('{"a":[1]}', "x", "hello")
    assert re.fullmatch(r"http://[\d.]+:\d+", variables["__OW_API_HOST"])
    assert variables["__OW_ACTION_NAME"] == outcome.result["init"]["__OW_ACTION_NAME"] == "/guest/known"
    assert variables["__OW_ACTION_VERSION"] == "0.0.7"
    assert variables["__OW_NAMESPACE"] == "guest"
    assert variables["__OW_ACTIVATION_ID"] == asked.activation_id
    assert variables["__OW_DEADLINE"].isdigit()
    assert "__OW_API_KEY" not in variables


async def test_a_zip_brings_modules_and_files(subject: Subject) -> None:
    code = zipped(
        __main____py="import helper\ndef greet(args):\n    return {'said': helper.said(open('word').read())}",
        helper__py="def said(word):\n    return word * 2",
        word="ho",
    )
    outcome = await subject.pool.run(executable(code, "zip", binary=True, main="greet"), call())

    assert (outcome.status, outcome.result) == (SUCCESS, {"said": "hoho"})


async def test_a_zip_that_is_none_is_told(subject: Subject) -> None:
    outcome = await subject.pool.run(executable("AAAA", "nozip", binary=True), call())

    assert outcome.status == DEVELOPER_ERROR
    assert "cannot decode the request" in error(outcome)


async def test_main_can_have_another_name(subject: Subject) -> None:
    action = executable("def niam(args):\n    return {'it': 'was'}", "niam", main="niam")

    assert (await subject.pool.run(action, call())).result == {"it": "was"}


async def test_a_container_is_initialized_once(subject: Subject) -> None:
    action = executable(name="twice", key=("guest", "guest/twice", "1"))
    driver = subject.pool._driver
    await driver.ready(action)
    container = await driver.start(action)
    try:
        first = await initialize(container, action, call())
        again = await initialize(container, action, call())
        ran = await run(container, action, call(x=1))
    finally:
        await container.stop()

    assert isinstance(first, Answer)
    assert isinstance(again, Answer)
    assert isinstance(ran, Answer)
    assert (first.status, again.status, ran.status) == (200, 403, 200)
    assert json.loads(again.body) == {"error": "Cannot initialize the action more than once."}
    assert json.loads(ran.body) == {"x": 1}


async def test_a_container_that_was_stopped_takes_no_call(subject: Subject) -> None:
    action = executable(name="stopped", key=("guest", "guest/stopped", "1"))
    await subject.pool._driver.ready(action)
    container = await subject.pool._driver.start(action)
    assert verdict.of_init(await initialize(container, action, call()), action.timeout) is None
    await container.stop()

    assert await run(container, action, call()) is Lost.BEFORE


async def test_an_exception_is_an_application_error_and_its_container_stays(subject: Subject) -> None:
    outcome = await misbehave(subject, "raise ValueError('no such thing')")

    assert (outcome.status, outcome.result) == (APPLICATION_ERROR, {"error": "no such thing"})
    assert "stderr: ValueError: no such thing" in texts(outcome)


async def test_a_container_that_exits_is_told_with_its_status_and_its_last_words(subject: Subject) -> None:
    outcome = await misbehave(subject, "print('a line')\nos.write(1, b'no end')\nos._exit(7)")

    assert (outcome.status, error(outcome)) == (DEVELOPER_ERROR, "command exited")
    assert texts(outcome) == [
        "stdout: a line",
        "stdout: no end",
        "stderr: The container exited with status 7.",
        f"stderr: {UNEXPECTED}",
    ]
    assert outcome.size == len('{"error":"command exited"}\n')


async def test_a_container_that_exits_in_init_is_told(subject: Subject) -> None:
    outcome = await subject.run("import os\nos._exit(4)", "dies")

    assert error(outcome) == "Cannot start action. Check logs for details."
    assert "stderr: The container exited with status 4." in texts(outcome)
    assert outcome.init_time is not None


async def test_code_that_cannot_be_imported_is_told_with_its_traceback(subject: Subject) -> None:
    outcome = await subject.run("import nothing_of_that_name", "imports")

    assert (outcome.status, error(outcome)) == (
        DEVELOPER_ERROR,
        "Cannot start action. Check logs for details.",
    )
    assert any("nothing_of_that_name" in text for text in texts(outcome))


async def test_an_idle_container_that_ends_is_not_asked(subject: Subject) -> None:
    code = (
        "import os, uuid\nown = str(uuid.uuid4())\ndef main(args):\n"
        "    return os._exit(1) if args else {'own': own}"
    )
    action, before = executable(code, "idle"), subject.left()
    first = await subject.pool.run(action, call())
    [berth] = [each for each in subject.pool._shelf.all() if each.executable is action]
    assert berth.container is not None
    assert await run(berth.container, action, call(end=True)) is Lost.EXIT  # the pool knows of no call
    await becomes(lambda: subject.left() - before, set())
    second = await subject.run(code, "idle")

    assert second.status == SUCCESS
    assert first.result["own"] != second.result["own"]


async def test_an_action_past_its_time_limit_ends_with_its_children(subject: Subject) -> None:
    body = """
print('begun')
subprocess.Popen(['sleep', '60'])
subprocess.Popen(['sleep', '60'], start_new_session=True)
time.sleep(60)
"""
    outcome = await misbehave(subject, body, timeout=3_000)

    assert outcome.status == DEVELOPER_ERROR
    assert error(outcome) == "The action exceeded its time limits of 3000 milliseconds."
    assert outcome.timed_out
    assert outcome.end - outcome.start >= 3_000
    assert texts(outcome)[0] == "stdout: begun"
    assert "at the time limit" in outcome.logs[-2]


async def test_a_time_limit_holds_for_init_too(subject: Subject) -> None:
    outcome = await subject.pool.run(executable("import time\ntime.sleep(60)", "slow", timeout=500), call())

    assert outcome.status == DEVELOPER_ERROR
    assert error(outcome) == "The action exceeded its time limits of 500 milliseconds during initialization."
    assert outcome.timed_out


async def test_an_action_past_its_memory_limit_is_ended(subject: Subject) -> None:
    body = "held = [b'x' * 1_000_000 for _ in range(300)]\ntime.sleep(60)"
    outcome = await misbehave(subject, body, memory=128)

    assert outcome.status == DEVELOPER_ERROR
    assert error(outcome) == "The action exhausted its memory and was aborted."
    assert "stderr: The container wanted more than its 128 MB and was ended." in texts(outcome)


async def test_fifty_megabytes_of_output_neither_block_nor_stay(subject: Subject) -> None:
    body = "for _ in range(50):\n    sys.stdout.write(('x' * 99 + '\\n') * 10_000)"
    outcome = await misbehave(subject, body, logs=1)

    assert outcome.status == SUCCESS
    assert sum(map(len, outcome.logs)) < 1_200_000
    assert texts(outcome)[-1] == f"stderr: {TRUNCATED.format(1 << 20)}"


async def test_a_log_limit_of_nothing_collects_nothing(subject: Subject) -> None:
    outcome = await misbehave(subject, "for _ in range(50):\n    print('x' * 1000)\nos._exit(1)", logs=0)

    assert outcome.logs == []


async def test_a_sentinel_that_never_comes_is_told(subject: Subject) -> None:
    body = """
print('before', flush=True)
null = os.open(os.devnull, os.O_WRONLY)
os.dup2(null, 1)
os.dup2(null, 2)
"""
    outcome = await misbehave(subject, body)

    assert outcome.status == SUCCESS
    assert texts(outcome) == ["stdout: before", f"stderr: {MISSING}"]


async def test_text_before_the_sentinel_is_kept_when_its_line_has_no_end(subject: Subject) -> None:
    outcome = await subject.run("def main(args):\n    print('half a line', end='')\n    return {}\n", "half")

    assert texts(outcome) == ["stdout: half a line"]


async def test_children_that_an_action_leaves_behind_end_with_its_container(subject: Subject) -> None:
    body = (
        "for own in (False, True):\n    subprocess.Popen(['sleep', '60'], start_new_session=own)\nos._exit(0)"
    )
    outcome = await misbehave(subject, body)

    assert error(outcome) == "command exited"


@pytest.mark.parametrize("size", [1_000_000, 3_000_000])
async def test_a_large_call_is_taken_and_a_too_large_answer_shows_its_beginning(
    subject: Subject, size: int
) -> None:
    outcome = await subject.run("def main(args):\n    return args", f"large{size}", x="y" * size)

    if size < 1 << 20:
        assert (outcome.status, outcome.result) == (SUCCESS, {"x": "y" * size})
        return
    assert outcome.status == APPLICATION_ERROR
    assert error(outcome).startswith(
        f"The action produced a response that exceeded the allowed length: {outcome.size} > 1048576 bytes. "
        'The truncated response was: {"x":"yyy'
    )


@pytest.mark.parametrize("value", ["'text'", "7", "None", "float('nan')", "b'bytes'"])
async def test_what_is_neither_object_nor_array_is_a_developer_error(subject: Subject, value: str) -> None:
    outcome = await subject.run(f"def main(args):\n    return {value}", "nothing")

    assert outcome.status == DEVELOPER_ERROR
    assert isinstance(error(outcome), str)


async def test_an_array_is_a_value_and_a_result(subject: Subject) -> None:
    action = executable("def main(args):\n    return args[::-1]", "array")
    asked = call()
    outcome = await subject.pool.run(action, type(asked)(asked.activation_id, "tid", [1, None, "two"], None))

    assert (outcome.status, outcome.result) == (SUCCESS, ["two", None, 1])


async def test_an_error_of_null_is_an_application_error_and_stands_alone(subject: Subject) -> None:
    outcome = await subject.run("def main(args):\n    return {'error': None, 'x': 1}\n", "null")

    assert (outcome.status, outcome.result) == (APPLICATION_ERROR, {"error": None})


async def test_of_calls_in_one_container_the_one_that_takes_too_long_ends_alone(subject: Subject) -> None:
    code = "import time\ndef main(args):\n    time.sleep(args['seconds'])\n    return {'ok': True}\n"
    action = executable(code, "shared", concurrency=2)
    assert (await subject.pool.run(action, call(seconds=0))).status == SUCCESS
    berth = subject.pool._shelf.take(action.key)
    assert berth is not None
    assert berth.container is not None
    bodies = [run_body(action, call(seconds=seconds)) for seconds in (3, 0)]
    first = asyncio.create_task(berth.container.post("/run", bodies[0], 60))
    await becomes(lambda: len(berth.container._busy), 1)

    assert await berth.container.post("/run", bodies[1], 1) is Lost.TIME  # it waits for the first
    assert await berth.container.logs(ended=True) is not None  # which does not end it
    answer = await first
    assert isinstance(answer, Answer)
    assert json.loads(answer.body) == {"ok": True}
    subject.pool._shelf.retire(berth)
