"""The plankton classifier: photographs of any shape, and training on the ones it has or on others."""

import json
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

FOLDER = Path(__file__).parent.parent.parent / "catalog" / "plankton"
TRIPOS = FOLDER / "example" / "tripos.jpg"
Train = Callable[..., "subprocess.CompletedProcess[str]"]

# Trains as a runner does: each of the metrics is a line, and what is left in `out` is loaded as artifact.
TRAINING = """
import dataclasses, json, sys
from pathlib import Path
sys.dont_write_bytecode = True
sys.path.insert(0, {folder!r})
from model import Model
out, weights = Path({out!r}), Path({weights!r})
model = Model()
model.load(weights)
shipped = model.predict(Path({photograph!r}))
for metrics in model.train(out, **{arguments}):
    print(json.dumps(dataclasses.asdict(metrics)))
model.load(weights, out)
trained = model.predict(Path({photograph!r}), top=100)
print(json.dumps([dataclasses.asdict(each) for each in (shipped, trained)]))
"""


@pytest.fixture(scope="module")
def classifier(served: Callable[[str], Any]) -> Any:
    return served("plankton")


@pytest.fixture
def train(install: Callable[[str], Any], tmp_path: Path) -> Train:
    def train(out: Path, photograph: Path = TRIPOS, **arguments: str) -> "subprocess.CompletedProcess[str]":
        plankton = install("plankton")
        out.mkdir()
        text = TRAINING.format(
            folder=str(FOLDER),
            out=str(out),
            weights=str(plankton.environment.weights),
            photograph=str(photograph),
            arguments="{" + ", ".join(f"{name!r}: {value}" for name, value in arguments.items()) + "}",
        )
        command = [str(plankton.environment.python), "-c", text]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=plankton.variables)

    return train


def labels(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]["labels"]


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def drawn(path: Path, color: str) -> bytes:
    Image.new("RGB", (40, 30), color).save(path, "PNG")
    return path.read_bytes()


def test_all_groups_are_named_best_first_and_sum_to_one(classifier: Any) -> None:
    answer = classifier.predict(image=TRIPOS, top=6).json()["predictions"]

    assert sorted(answer["labels"]) == [
        "Actinoptychus",
        "Bacillariophyceae",
        "Ciliophora",
        "Dinoflagellata",
        "Noctilucales",
        "Tripos",
    ]
    assert sorted(answer["probabilities"], reverse=True) == answer["probabilities"]
    assert sum(answer["probabilities"]) == pytest.approx(1)


def test_heads_are_right_about_nine_of_ten_photographs_that_they_never_saw(
    train: Train, tmp_path: Path
) -> None:
    *lines, _ = train(tmp_path / "out", epochs="150").stdout.splitlines()

    accuracies = [json.loads(line)["validation_accuracy"] for line in lines]
    assert accuracies[-1] >= 0.9  # in five folds of the 105
    assert accuracies[0] < accuracies[-1]


def test_a_training_that_was_stopped_goes_on_and_ends_at_the_same_head(
    install: Callable[[str], Any], train: Train, tmp_path: Path
) -> None:
    plankton = install("plankton")
    text = f"""
import sys
from pathlib import Path
sys.dont_write_bytecode = True
sys.path.insert(0, {str(FOLDER)!r})
from model import Model
model = Model()
model.load(Path({str(plankton.environment.weights)!r}))
steps = model.train(Path({str(tmp_path / "parts")!r}), epochs=9, seed=4)
print([next(steps).epoch for _ in range(4)])
steps.close()
steps = model.train(Path({str(tmp_path / "parts")!r}), epochs=9, seed=4)
print([each.epoch for each in steps])
"""
    (tmp_path / "parts").mkdir()
    command = [str(plankton.environment.python), "-c", text]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=plankton.variables)
    train(tmp_path / "whole", epochs="9", seed="4")

    assert done.stdout.splitlines() == ["[1, 2, 3, 4]", "[5, 6, 7, 8, 9]"], done.stderr
    heads = [np.load(tmp_path / name / "head.npz") for name in ("parts", "whole")]
    for name in ("weight", "bias"):
        assert np.array_equal(heads[0][name], heads[1][name])


def test_the_format_and_the_size_make_no_difference(classifier: Any, tmp_path: Path) -> None:
    photograph = Image.open(TRIPOS)
    for ending in ("png", "webp", "tiff", "bmp", "gif"):
        photograph.save(tmp_path / f"a.{ending}")
        assert labels(classifier.predict(image=tmp_path / f"a.{ending}", top=1)) == ["Tripos"], ending
    photograph.convert("L").resize((8 * photograph.width, 8 * photograph.height)).save(tmp_path / "l.png")
    assert labels(classifier.predict(image=tmp_path / "l.png", top=1)) == ["Tripos"]


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (3, 2)])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "I;16", "CMYK"])
def test_photographs_of_any_shape_and_mode_are_read(
    classifier: Any, tmp_path: Path, size: tuple[int, int], mode: str
) -> None:
    path = tmp_path / ("a.tiff" if mode == "CMYK" else "a.png")
    Image.new(mode, size).save(path)

    assert len(labels(classifier.predict(image=path))) == 3


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"Dear diary", "cannot identify image file"), (TRIPOS.read_bytes()[:800], "truncated")],
)
def test_what_is_no_photograph_is_told(classifier: Any, tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)

    refused = classifier.predict(image=tmp_path / "a.jpg")
    assert refused.status_code >= 400
    assert "a.jpg is no picture that can be read" in refused.text
    assert told in refused.text


def test_a_header_that_claims_a_billion_pixels_costs_nothing(classifier: Any, tmp_path: Path) -> None:
    Image.new("L", (1, 1)).save(tmp_path / "bomb.bmp")
    small = bytearray((tmp_path / "bomb.bmp").read_bytes())
    small[18:26] = (40_000).to_bytes(4, "little") * 2
    (tmp_path / "bomb.bmp").write_bytes(small)

    assert "may have 16,000,000" in classifier.predict(image=tmp_path / "bomb.bmp").text


def test_training_tells_each_epoch_and_ends_at_the_head_that_build_made(train: Train, tmp_path: Path) -> None:
    *lines, last = train(tmp_path / "out", folds="0", epochs="150").stdout.splitlines()

    metrics = [json.loads(line) for line in lines]
    assert [each["epoch"] for each in metrics] == list(range(1, 151))
    assert metrics[-1]["loss"] < metrics[0]["loss"] / 3
    assert metrics[-1]["accuracy"] > 0.95
    assert metrics[-1]["validation_accuracy"] is None
    shipped, trained = json.loads(last)
    assert shipped["labels"] == trained["labels"][:3]
    assert shipped["probabilities"] == pytest.approx(trained["probabilities"][:3], abs=0.03)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"head.npz", "checkpoint"}


def test_other_photographs_make_other_classes(train: Train, tmp_path: Path) -> None:
    files = {
        f"water/{color}/{number}.png": drawn(tmp_path / "a.png", color)
        for color in ("red", "blue")
        for number in range(3)
    }
    dataset = pack(tmp_path / "colors.zip", files | {"water/.DS_Store": b"x", "__MACOSX/water/a": b"y"})
    (tmp_path / "red.png").write_bytes(files["water/red/0.png"])

    done = train(tmp_path / "out", tmp_path / "red.png", dataset=f"Path({str(dataset)!r})")
    assert json.loads(done.stdout.splitlines()[-1])[1]["labels"] == ["red", "blue"]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "0 photographs of fewer than two classes"),
        ({"one/a.jpg": TRIPOS.read_bytes()}, "1 photographs of fewer than two classes"),
        ({"a.jpg": TRIPOS.read_bytes()}, "a.jpg lies in no folder"),
        ({"one/notes.txt": b"Dear diary"}, "one/notes.txt is no picture that can be read"),
    ],
)
def test_photographs_that_teach_nothing_are_refused(
    train: Train, tmp_path: Path, files: dict[str, bytes], told: str
) -> None:
    done = train(tmp_path / "out", dataset=f"Path({str(pack(tmp_path / 'a.zip', files))!r})")

    assert told in done.stderr
    assert not list((tmp_path / "out").iterdir())


def test_what_is_no_zip_is_refused(train: Train, tmp_path: Path) -> None:
    done = train(tmp_path / "out", dataset=f"Path({str(TRIPOS)!r})")

    assert "tripos.jpg is no zip that can be read" in done.stderr


def test_an_artifact_that_would_run_code_is_not_read(install: Callable[[str], Any], tmp_path: Path) -> None:
    plankton = install("plankton")
    np.savez(tmp_path / "head.npz", classes=np.array([{}], object), weight=np.zeros(1), bias=np.zeros(1))
    done = subprocess.run(
        plankton.command("predict", "-i", f"image=@{TRIPOS}"),
        capture_output=True,
        text=True,
        check=False,
        env=plankton.variables | {"DEEPWHISK_ARTIFACT": str(tmp_path)},
    )

    assert done.returncode
    assert "allow_pickle=False" in done.stderr
