"""What a node tells of a training: bounded, without links, whatever the numbers are."""

import json
import re
from pathlib import Path

import pytest

from deepwhisk_runtime.batch import about, memory
from deepwhisk_runtime.batch.logtext import HEAD, TAIL, Log
from fixtures.attempts import Attempts

SAYS = """
    import math, os
    from pathlib import Path
    class Model:
        def predict(self, x: int = 1) -> int:
            return x
        def train(self, out: Path, lines: int = 1):
            for line in range(lines):
                print(f"line {line:08} " + "x" * 100)
            print(dict(os.environ))
            yield {"loss": math.nan, "best": -math.inf, 3: [1.5, math.inf]}
            yield 0.25
"""


def test_a_long_log_keeps_its_head_and_its_tail_and_says_what_is_cut(attempts: Attempts) -> None:
    attempt = attempts(SAYS, {"lines": 20_000})
    attempt.run()

    assert len(attempt.log) < HEAD + 2 * TAIL
    assert "line 00000000" in attempt.log
    assert "line 00019999" in attempt.log
    cut = re.search(r"\n\[\.\.\. (\d+) bytes are left out here \.\.\.\]\n", attempt.log)
    assert cut
    assert int(cut[1]) > 500_000


def test_a_log_that_is_gone_on_with_is_the_same_log() -> None:
    whole, parts = Log(), Log()
    blocks = [bytes([65 + number % 26]) * 50_000 for number in range(60)]
    for number, block in enumerate(blocks):
        whole.write(block)
        if number in (3, 40):
            anew = Log()
            anew.restore(parts.text())
            parts = anew
        parts.write(block)

    assert parts.size == whole.size == 3_000_000
    assert parts.text().startswith(blocks[0])
    assert parts.text().endswith(blocks[-1])


def test_numbers_that_json_cannot_hold_are_texts(attempts: Attempts) -> None:
    attempt = attempts(SAYS)

    assert attempt.run()["output"] == 0.25
    first, second = attempt.metrics
    assert (first["loss"], first["best"], first["3"]) == ("nan", "-inf", [1.5, "inf"])
    assert second["value"] == 0.25


def test_no_link_is_told_anywhere(attempts: Attempts) -> None:
    attempt = attempts(SAYS)
    attempt.run()

    told = [attempt.said, attempt.log, *(attempt.read(name).decode() for name in ("environment", "result"))]
    for text in told:
        assert "Signature=" not in text
        assert "DEEPWHISK_JOB" not in text


def test_a_training_that_leaves_nothing_has_no_artifact(attempts: Attempts) -> None:
    attempt = attempts(SAYS)

    result = attempt.run()
    assert (result["state"], result["artifact"]) == ("done", None)
    assert attempt.read("artifact") == b""


def test_a_gpu_that_is_there_is_told_to_record_and_model(attempts: Attempts) -> None:
    attempt = attempts(SAYS, gpus={"count": 1, "required": True})
    attempt.variables["CUDA_VISIBLE_DEVICES"] = "3"

    result = attempt.run()
    assert result["gpu"]["visible"] == ["3"]
    assert result["gpu"]["used"] is True
    assert json.loads(attempt.read("environment"))["gpus"] == ["3"]
    assert "'CUDA_VISIBLE_DEVICES': '3'" in attempt.log


@pytest.mark.parametrize("required", [True, False])
def test_a_gpu_that_is_not_there_is_said_and_fatal_when_it_is_required(
    attempts: Attempts, required: bool
) -> None:
    attempt = attempts(SAYS, gpus={"count": 1, "required": required})
    attempt.variables["CUDA_VISIBLE_DEVICES"] = "NoDevFiles"

    result = attempt.run()
    assert result["state"] == ("error" if required else "done")
    if required:
        assert "No GPU can be seen" in result["message"]
        assert "requires 1" in result["message"]
    else:
        assert "the CPU is used" in attempt.log


def test_of_the_scheduler_nothing_secret_is_told() -> None:
    told = about.machine(
        {
            "SLURM_JOB_ID": "7",
            "SLURM_JWT": "secret",
            "SLURM_JOB_COMMENT": "a key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        }
    )["scheduler"]

    assert told == {"SLURM_JOB_ID": "7", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}


def test_the_memory_of_this_machine_is_told(tmp_path: Path) -> None:
    assert about.machine({})["memory_MB"] > 100


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ("0::/slurm/job_7", "slurm/job_7/memory.events"),
        ("9:memory:/job_7", "memory/job_7/memory.oom_control"),
    ],
)
def test_a_kill_for_memory_is_known_by_the_count_of_its_control_group(
    tmp_path: Path, line: str, file: str
) -> None:
    (tmp_path / "groups").write_text(f"3:cpu,cpuacct:/\n{line}\n")
    counter = tmp_path / file
    counter.parent.mkdir(parents=True)
    counter.write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")

    assert memory.kills(tmp_path / "groups", tmp_path) == 2
    assert memory.kills(tmp_path / "none", tmp_path) == 0
