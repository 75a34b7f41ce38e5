"""How a training on a node ends before its time, and goes on later."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from fixtures.attempts import Attempt, Attempts
from fixtures.machine import descendants, until

SLOW = """
    import json, time
    from pathlib import Path
    class Model:
        def predict(self, x: int = 1) -> int:
            return x
        def train(self, out: Path, epochs: int = 1000, gate: str = "/"):
            kept = out / "checkpoint" / "state.json"
            epoch = json.loads(kept.read_text())["epoch"] if kept.exists() else 0
            kept.parent.mkdir(exist_ok=True)
            try:
                while epoch < epochs:
                    epoch += 1
                    time.sleep(0.05)
                    kept.write_text(json.dumps({"epoch": epoch}))
                    yield {"epoch": epoch}
                    while epoch == 30 and not Path(gate).exists():
                        time.sleep(0.05)
            finally:
                print(f"closed after {epoch}")
            (out / "end.txt").write_text(str(epoch))
"""
DEAF = """
    import subprocess, time
    from pathlib import Path
    class Model:
        def predict(self, x: int = 1) -> int:
            return x
        def train(self, out: Path):
            subprocess.Popen(["sleep", "1000"], start_new_session=True)
            (out / "checkpoint").write_text("1")
            yield {"epoch": 1}
            time.sleep(1000)
"""


def begun(attempt: Attempt) -> "subprocess.Popen[bytes]":
    """Started, and its metrics seen in the store while it runs."""
    process = attempt.start()
    assert until(lambda: attempt.metrics, 60), attempt.said
    assert process.poll() is None
    return process


def ended(pids: set[int]) -> bool:
    return until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_told_to_end_it_ends_between_two_steps_and_its_checkpoint_is_kept(
    attempts: Attempts, number: signal.Signals
) -> None:
    attempt = attempts(SLOW)
    process = begun(attempt)
    process.send_signal(number)

    assert process.wait(60) == 75
    assert attempt.result["state"] == "interrupted"
    assert number.name in attempt.result["message"]
    last = attempt.metrics[-1]["epoch"]
    assert attempt.result["output"]["epoch"] == last
    assert f"closed after {last}" in attempt.log
    assert attempt.read("artifact") == b""

    following = attempts(
        SLOW, {"epochs": last + 2}, attempt=2, resume={"url": attempt.link("checkpoint.zip")}
    )
    assert following.run()["state"] == "done"
    assert [line["epoch"] for line in following.metrics] == [last + 1, last + 2]


def test_a_model_that_does_not_listen_is_ended_with_all_that_it_started(attempts: Attempts) -> None:
    attempt = attempts(DEAF, grace=3)
    process = begun(attempt)
    assert until(lambda: attempt.read("checkpoint"), 60)
    family = descendants(process.pid)
    assert len(family) >= 3
    process.terminate()

    assert process.wait(60) == 75
    assert ended(family)
    assert attempt.result["state"] == "interrupted"
    assert attempt.read("checkpoint")


def test_a_supervisor_that_is_killed_takes_everything_with_it(attempts: Attempts) -> None:
    attempt = attempts(DEAF)
    process = begun(attempt)
    family = descendants(process.pid)
    process.kill()

    assert ended(family)
    assert until(lambda: not list((attempt.folder / "tmp").iterdir()), 60)


def test_the_same_attempt_started_again_goes_on_where_it_was(attempts: Attempts) -> None:
    attempt = attempts(SLOW)
    gate = attempt.folder / "gate"
    attempt.job["arguments"] = {"epochs": 60, "gate": str(gate)}
    process = begun(attempt)
    assert until(lambda: attempt.read("checkpoint") and len(attempt.metrics) > 20, 60)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    gate.touch()
    before = [line["epoch"] for line in attempt.metrics]

    assert attempt.again(SLURM_RESTART_COUNT="1").wait(60) == 0
    epochs = [line["epoch"] for line in attempt.metrics]
    assert epochs[: len(before)] == before
    assert epochs[-1] == 60
    assert epochs[len(before)] > 1  # it did not begin at the beginning
    assert attempt.result["restarts"] == 1
    assert "begun again" in attempt.log
    assert "goes on from the checkpoint of its own" in attempt.log


def test_what_is_done_is_not_done_again(attempts: Attempts) -> None:
    attempt = attempts(SLOW, {"epochs": 2})
    attempt.run()
    lines = attempt.metrics

    assert attempt.again().wait(60) == 0
    assert attempt.metrics == lines


def test_a_training_that_was_cancelled_before_it_began_does_not_begin(attempts: Attempts) -> None:
    attempt = attempts(SLOW, cancelled=True)

    assert attempt.run()["state"] == "cancelled"
    assert attempt.metrics == []


def test_a_training_that_is_cancelled_in_its_own_object_ends_without_a_signal(attempts: Attempts) -> None:
    attempt = attempts(SLOW, renew="2000-01-01T00:00:00+00:00")
    process = begun(attempt)
    attempt.job["cancelled"] = True
    attempt.write()

    assert process.wait(60) == 0
    assert attempt.result["state"] == "cancelled"


def test_told_to_end_before_the_model_runs_nothing_is_lost(attempts: Attempts) -> None:
    attempt = attempts(SLOW)
    (attempt.cache / "environments").mkdir(exist_ok=True)
    process = attempt.start()
    process.terminate()  # the shell, its Python, or the program that it becomes

    code = process.wait(60)
    assert code in (75, 1, -signal.SIGTERM)
    if code == 75:
        assert attempt.result["state"] == "interrupted"


CRASHES: list[tuple[str, str]] = [
    ("raise ValueError('too few photographs')", "ValueError: too few photographs"),
    ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
    ("import os; os._exit(3)", "exited with status 3"),
]


@pytest.mark.parametrize(("statement", "told"), CRASHES)
def test_a_model_that_fails_says_why(attempts: Attempts, statement: str, told: str) -> None:
    attempt = attempts(
        f"""
        from pathlib import Path
        class Model:
            def predict(self, x: int = 1) -> int:
                return x
            def train(self, out: Path):
                yield {{"epoch": 1}}
                {statement}
        """
    )

    result = attempt.run()
    assert (result["state"], result["phase"]) == ("error", "train")
    assert told in result["message"]
    assert [line["epoch"] for line in attempt.metrics] == [1]
    assert attempt.read("artifact") == b""
