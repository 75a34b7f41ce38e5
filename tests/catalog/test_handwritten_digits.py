"""The reader of handwritten digits: pictures of any sort, a training that goes on where it was."""

import dataclasses
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps

FOLDER = Path(__file__).parent.parent.parent / "catalog" / "handwritten-digits"
THREE = FOLDER / "example" / "three.png"
# Trains as a node does: `stop` ends it between two steps, by closing what `train` gave.
TRAINING = """
import dataclasses, json, sys
from pathlib import Path
sys.dont_write_bytecode = True
sys.path.insert(0, {folder!r})
from model import Model
out, weights = Path({out!r}), Path({weights!r})
model = Model()
model.load(weights)
steps = model.train(out, **{arguments!r})
for metrics in steps:
    print(json.dumps(dataclasses.asdict(metrics)))
    if metrics.epoch == {stop}:
        steps.close()
if (out / "network.npz").exists():
    model.load(weights, out)
    print(json.dumps(dataclasses.asdict(model.predict(Path({picture!r})))))
"""


@dataclasses.dataclass
class Trained:
    metrics: list[dict[str, Any]]
    answer: Any


Train = Callable[..., Trained]


@pytest.fixture(scope="module")
def reader(served: Callable[[str], Any]) -> Any:
    return served("handwritten-digits")


@pytest.fixture
def train(install: Callable[[str], Any], tmp_path: Path) -> Train:
    def train(out: str, stop: int = 0, **arguments: Any) -> Trained:
        digits = install("handwritten-digits")
        (tmp_path / out).mkdir(exist_ok=True)
        text = TRAINING.format(
            folder=str(FOLDER),
            out=str(tmp_path / out),
            weights=str(digits.environment.weights),
            arguments=arguments,
            stop=stop,
            picture=str(THREE),
        )
        command = [str(digits.environment.python), "-c", text]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=digits.variables)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        return Trained([each for each in told if "epoch" in each], told[-1])

    return train


def labels(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]["labels"]


def test_color_format_size_and_place_make_no_difference(reader: Any, tmp_path: Path) -> None:
    picture = Image.open(THREE)
    changed = {
        "light.png": ImageOps.invert(picture),
        "red.jpg": ImageOps.colorize(picture, "darkred", "lightyellow"),
        "large.webp": picture.resize((1500, 1375)),
        "small.bmp": picture.resize((48, 44), Image.Resampling.BOX),
        "corner.tiff": ImageOps.expand(picture, (0, 0, 300, 500), 255),
    }
    for name, each in changed.items():
        each.save(tmp_path / name)
        assert labels(reader.predict(image=tmp_path / name, top=1)) == ["3"], name


def test_an_empty_picture_and_what_is_none_are_refused(reader: Any, tmp_path: Path) -> None:
    Image.new("L", (30, 30), 200).save(tmp_path / "empty.png")
    (tmp_path / "words.png").write_bytes(b"Dear diary")

    assert "there is no digit in it" in reader.predict(image=tmp_path / "empty.png").text
    assert "no picture that can be read" in reader.predict(image=tmp_path / "words.png").text


def test_a_training_becomes_right_about_digits_that_it_never_saw(train: Train) -> None:
    trained = train("out", epochs=25)

    assert [each["epoch"] for each in trained.metrics] == list(range(1, 26))
    assert trained.metrics[-1]["validation_accuracy"] > 0.93
    assert trained.metrics[-1]["validation_loss"] < trained.metrics[0]["validation_loss"] / 2
    assert trained.answer["labels"][0] == "3"


def test_a_training_that_was_stopped_goes_on_and_ends_at_the_same_network(
    train: Train, tmp_path: Path
) -> None:
    whole = train("whole", epochs=8, seed=3, hidden=20)
    first = train("parts", epochs=8, seed=3, hidden=20, stop=3)
    rest = train("parts", epochs=8, seed=3, hidden=20)

    assert [each["epoch"] for each in first.metrics] == [1, 2, 3]
    assert [each["epoch"] for each in rest.metrics] == [4, 5, 6, 7, 8]
    assert first.metrics + rest.metrics == whole.metrics
    assert rest.answer == whole.answer
    assert {path.name for path in (tmp_path / "parts").iterdir()} == {"checkpoint", "network.npz"}


def test_arguments_decide(train: Train) -> None:
    losses = {
        train(f"{lr}-{seed}", epochs=2, lr=lr, seed=seed).metrics[-1]["loss"]
        for lr in (0.1, 0.001)
        for seed in (0, 1)
    }
    assert len(losses) == 4
