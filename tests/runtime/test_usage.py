"""What a call used, in the header of its answer."""

import json
import re

import pytest

from runtime.program import Program

MEBIBYTE = 1 << 20
HOLD = "def main(args):\n    held = bytearray(args.get('bytes', 0))\n    return {'held': len(held)}"
WORK = "def main(args):\n    return {'sum': sum(range(args['n']))}"
CHILD = (
    "import subprocess, sys\ndef main(args):\n"
    "    subprocess.run([sys.executable, '-c', 'sum(range(5_000_000))'], check=True)\n    return {}"
)


def used(container: Program, **value: object) -> tuple[float, int]:
    """Seconds and bytes of one call."""
    client = container.client()
    client.request("POST", "/run", json.dumps({"value": value}))
    answer = client.getresponse()
    answer.read()
    client.close()
    found = re.fullmatch(r"cpu=(\d+\.\d{6}), memory=(\d+)", answer.headers["X-Deepwhisk-Usage"])
    assert found is not None
    return float(found[1]), int(found[2])


def test_an_answer_says_what_memory_its_call_wanted_at_most(container: Program) -> None:
    container.init(HOLD)
    _, most = used(container, bytes=500 * MEBIBYTE)

    assert 500 * MEBIBYTE < most < 600 * MEBIBYTE


def test_the_peak_is_of_the_call_and_not_of_one_before_it(container: Program) -> None:
    container.init(HOLD)
    used(container, bytes=500 * MEBIBYTE)
    _, after = used(container)

    assert after < 400 * MEBIBYTE


def test_an_answer_says_what_processor_time_its_call_took(container: Program) -> None:
    container.init(WORK)
    little, _ = used(container, n=10)
    much, _ = used(container, n=3_000_000)

    assert 0 <= little < much


@pytest.mark.parametrize("times", [1, 2])
def test_a_child_that_was_waited_for_counts(container: Program, times: int) -> None:
    container.init(CHILD)
    for _ in range(times):
        seconds, _ = used(container)

    assert seconds > 0.02  # processor time: what a hundred million instructions cannot do without


def test_an_action_may_close_all_descriptors_that_it_finds(container: Program) -> None:
    container.init(
        "import glob, os\ndef main(args):\n"
        "    found = [each for each in glob.glob('/proc/self/fd/*') if 'refs' in os.path.realpath(each)]\n"
        "    for each in found:\n"
        "        os.close(int(os.path.basename(each)))\n"
        "    return {'closed': len(found)}"
    )
    assert container.run({}) == (200, {"closed": 1})
    assert container.run({}) == (200, {"closed": 0})
