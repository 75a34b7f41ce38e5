"""Calls that share a container: a model that answers batches, in real containers."""

import asyncio
import base64
import io
import zipfile
from pathlib import Path

from deepwhisk.engine.invocation import SUCCESS, Executable, Outcome
from fixtures.pool import Running, call, executable

DOUBLER = '''"""Doubles numbers, several at a time."""
import os, time
class Model:
    most = 0
    def predict(self, n: int) -> dict:
        return self.predict_batch([{"n": n}])[0]
    def predict_batch(self, calls):
        self.most = max(self.most, len(calls))
        time.sleep(0.05)
        while not os.path.exists(GATE): time.sleep(0.01)
        if any(call["n"] == 13 for call in calls): raise ValueError("unlucky")
        return [{"twice": 2 * call["n"], "most": self.most, "pid": os.getpid()} for call in calls]
GATE = "/"
'''


def doubler(concurrency: int, gate: Path = Path("/")) -> Executable:
    """It answers nobody before GATE is there."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("model.py", DOUBLER.replace('GATE = "/"', f"GATE = {str(gate)!r}"))
    code = base64.b64encode(held.getvalue()).decode()
    return executable(code, "doubler", binary=True, concurrency=concurrency)


async def test_calls_at_the_same_time_are_answered_together_in_one_container(running: Running) -> None:
    action, most = doubler(40), 0
    for _ in range(20):
        outcomes = await asyncio.gather(*(running.pool.run(action, call(n=n)) for n in range(40, 80)))
        assert [outcome.result["twice"] for outcome in outcomes] == [2 * n for n in range(40, 80)]
        assert len({outcome.result["pid"] for outcome in outcomes}) == 1
        most = max(outcome.result["most"] for outcome in outcomes)
        if most > 1:
            break

    assert 1 < most <= 32
    assert len(running.folders()) == 1


async def test_a_call_that_spoils_a_batch_leaves_the_others_their_answers(running: Running) -> None:
    asked = [call(n=n) for n in range(20)]
    outcomes = await asyncio.gather(*(running.pool.run(doubler(20), each) for each in asked))

    for n, outcome in enumerate(outcomes):
        if n == 13:
            assert outcome.result["error"]["activation"] == asked[n].activation_id
        else:
            assert (outcome.status, outcome.result["twice"]) == (SUCCESS, 2 * n)


async def test_a_call_that_is_given_up_takes_no_other_with_it(running: Running, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    action = doubler(8, gate)
    await running.pool.run(action, call(n=1))
    gate.unlink()
    calls = [asyncio.create_task(running.pool.run(action, call(n=n))) for n in range(8)]
    await asyncio.sleep(0.02)
    calls[3].cancel()
    gate.touch()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)

    assert isinstance(outcomes.pop(3), asyncio.CancelledError)
    assert [isinstance(each, Outcome) and each.status for each in outcomes] == [SUCCESS] * 7
