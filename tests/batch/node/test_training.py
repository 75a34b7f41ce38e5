"""What a node does with a training, from the link in its environment to the artifact in the store."""

import hashlib
import io
import json
import zipfile

from fixtures.attempts import Attempts

COUNTS = """
    from pathlib import Path
    class Model:
        def predict(self, x: int = 1) -> int:
            return x
        def train(self, out: Path, epochs: int = 3):
            print("it begins")
            for epoch in range(epochs):
                yield {"epoch": epoch, "loss": 1 / (1 + epoch)}
            (out / "numbers.txt").write_text("1 2 3")
            (out / "checkpoint").write_text("not for the artifact")
"""


def test_a_training_leaves_metrics_log_environment_result_and_artifact(attempts: Attempts) -> None:
    attempt = attempts(COUNTS, {"epochs": 4}, files_beside={"signal.py": "raise SystemExit('imported')"})

    result = attempt.run()
    assert result["state"] == "done", attempt.said
    assert [line["epoch"] for line in attempt.metrics] == [0, 1, 2, 3]
    assert all(line["at"].endswith("+00:00") for line in attempt.metrics)
    assert result["output"] == {"epoch": 3, "loss": 0.25}
    assert "it begins" in attempt.log
    environment = json.loads(attempt.read("environment"))
    assert environment["packages"]["pydantic"]
    assert environment["cpus"] >= 1
    artifact = attempt.read("artifact")
    assert result["artifact"] == {
        "sha256": hashlib.sha256(artifact).hexdigest(),
        "size": len(artifact),
        "files": 1,
    }
    assert zipfile.ZipFile(io.BytesIO(artifact)).namelist() == ["numbers.txt"]
    assert not list((attempt.folder / "tmp").iterdir())
