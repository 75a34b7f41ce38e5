"""Modules in the style of the public ones answer unchanged, each in its own environment."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from fixtures.engine import wait_until
from fixtures.modules import COFFEE

pytestmark = pytest.mark.xdist_group("modules")
PNG = b"\x89PNG"


def green_leaf(folder: Path) -> Path:
    """A picture whose left half is green."""
    image = Image.new("RGB", (8, 4), "white")
    image.paste((0, 200, 0), (0, 0, 4, 4))
    image.save(folder / "leaf.png")
    return folder / "leaf.png"


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server of leaves keeps what it is sent, and no other program anything."""
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def leaves(module_program: Any, uploads: Path) -> Iterator[str]:
    program, folder = module_program("leafcolors")
    alone = replace(program, variables={**program.variables, "TMPDIR": str(uploads)})
    with alone.serving(str(folder)) as address:
        yield address


@pytest.fixture(scope="module")
def words(module_program: Any) -> Iterator[str]:
    program, folder = module_program("word_counts")
    with program.serving(str(folder)) as address:
        yield address


@pytest.fixture(scope="module")
def tides(module_program: Any) -> Iterator[str]:
    program, folder = module_program("tide_forecast")
    with program.serving(str(folder)) as address:
        yield address


def ask(address: str, path: Path, headers: dict[str, str] | None = None, **given: Any) -> requests.Response:
    files = {"data": (path.name, path.read_bytes(), "image/png")}
    return requests.post(f"{address}predict/", params=given, files=files, headers=headers, timeout=60)


def test_an_uploaded_file_arrives_as_the_module_wants_it(leaves: str, tmp_path: Path) -> None:
    answer = ask(leaves, green_leaf(tmp_path))

    assert answer.json() == {
        "status": "OK",
        "predictions": {
            "filename": "leaf.png",
            "content_type": "image/png",
            "labels": ["green", "other"],
            "probabilities": [0.5, 0.5],
            "color-space": "rgb",
        },
    }


def test_names_with_hyphens_and_an_enum_that_only_documents(leaves: str, tmp_path: Path) -> None:
    answer = ask(leaves, green_leaf(tmp_path), **{"color-space": "cmyk", "unknown": "1"})

    assert answer.json()["predictions"]["color-space"] == "cmyk"


def test_the_argument_accept_chooses_an_image_or_a_zip(leaves: str, tmp_path: Path) -> None:
    image = ask(leaves, green_leaf(tmp_path), accept="image/png")
    archive = ask(leaves, green_leaf(tmp_path), accept="application/zip")

    assert (image.headers["Content-Type"], image.content[:4]) == ("image/png", PNG)
    assert archive.headers["Content-Type"] == "application/zip"
    assert set(zipfile.ZipFile(io.BytesIO(archive.content)).namelist()) == {"leaf.png", "mask.png"}


def test_so_does_the_header(leaves: str, tmp_path: Path) -> None:
    leaf = green_leaf(tmp_path)
    image = ask(leaves, leaf, {"Accept": "image/png"})
    browser = ask(leaves, leaf, {"Accept": "application/json, text/plain, */*"})
    anything = ask(leaves, leaf, {"Accept": "*/*"})

    assert image.content[:4] == PNG
    assert browser.json()["status"] == anything.json()["status"] == "OK"


def test_arguments_that_do_not_fit_are_told_in_the_words_of_v2(leaves: str, words: str) -> None:
    answer = requests.post(f"{leaves}predict/", params={"threshold": "300"}, timeout=60)
    assert answer.status_code == 422
    assert answer.json() == {
        "data": ["Missing data for required field."],
        "threshold": ["Must be greater than or equal to 0 and less than or equal to 255."],
    }
    nested = requests.post(
        f"{words}predict/", json={"texts": 3, "pattern": {"least": 0}, "top": "many"}, timeout=60
    )
    assert nested.json() == {
        "texts": ["Not a valid list."],
        "pattern": ["at least: Must be greater than or equal to 1."],
        "top": ["Not a valid integer."],
    }


def test_an_exception_with_a_status_is_answered_and_the_next_call_works(leaves: str, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    for _ in range(2):
        refused = ask(leaves, tmp_path / "text.png")
        assert refused.status_code == 400
        assert "cannot identify image file" in refused.json()["error"]["message"]
    assert ask(leaves, green_leaf(tmp_path)).status_code == 200


def test_no_upload_is_left(leaves: str, uploads: Path, tmp_path: Path) -> None:
    ask(leaves, green_leaf(tmp_path))
    ask(leaves, green_leaf(tmp_path), accept="application/zip")

    assert not list(uploads.glob("files-*"))


def test_lists_nested_objects_and_enumerations_come_from_forms_and_from_json(words: str) -> None:
    form = requests.post(
        f"{words}predict/", params={"texts": ["The fox", "the Fox"], "case": "lower"}, timeout=60
    )
    body = {"texts": ["a bb a"], "pattern": {"least": 2}, "aliases": {"bb": "ccc"}, "top": 1}
    json = requests.post(f"{words}predict/", json=body, timeout=60)

    assert form.json() == {"words": ["the", "fox"], "counts": [2, 2], "mean": 3.0}
    assert json.json() == {"words": ["ccc"], "counts": [1], "mean": 3.0}


def test_with_a_schema_the_answer_stands_alone_and_has_to_fit_it(words: str) -> None:
    refused = requests.post(f"{words}predict/", json={"texts": ["a"], "broken": True}, timeout=60)

    assert refused.status_code == 500
    assert "nonsense: Unknown field." in refused.json()["error"]["message"]


def test_metadata_is_the_modules_and_the_folders(leaves: str, words: str, tides: str) -> None:
    leaf, word, tide = (requests.get(each, timeout=60).json() for each in (leaves, words, tides))

    assert (leaf["Name"], leaf["Version"]) == ("leafcolors", "0.3.0")
    assert (word["license"], word["ready"], word["title"]) == ("MIT", True, "Counts of words")
    assert tide["author"] == ["Ada Sailor", "Bo Sailor"]
    assert tide["models"][0] == "harbor"


def test_the_description_says_what_the_fields_say(leaves: str, words: str) -> None:
    root = leaves.partition("/v2/")[0]
    swagger = requests.get(f"{root}/swagger.json", timeout=60).json()
    predict = swagger["paths"]["/v2/models/leafcolors/predict/"]["post"]
    told = {each["name"]: each for each in predict["parameters"]}

    assert (told["data"]["type"], told["data"]["required"]) == ("file", True)
    assert "image" in told["data"]["description"]
    assert (told["threshold"]["minimum"], told["threshold"]["maximum"], told["threshold"]["default"]) == (
        0,
        255,
        20,
    )
    assert told["color-space"]["enum"] == ["rgb", "hsv"]
    assert {"application/json", "image/png", "application/zip"} <= set(predict["produces"])


def test_a_text_answer_has_the_type_that_was_asked_for(tides: str) -> None:
    answer = requests.post(
        f"{tides}predict/", params={"model_name": "harbor", "hours": 0, "accept": "text/csv"}, timeout=60
    )

    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.text == "hour,height\n0.0,2.50\n"


def test_a_field_of_the_modules_own_says_what_is_wrong(tides: str) -> None:
    answer = requests.post(f"{tides}predict/", params={"model_name": "lake"}, timeout=60)

    assert (answer.status_code, answer.json()) == (422, {"model_name": ["Checkpoint `lake` not found."]})


def test_a_long_training_runs_beside_predictions_and_leaves_a_model(tides: str) -> None:
    given = {"model_name": "lagoon", "epochs": 40, "pause": 0.05}
    begun = requests.post(f"{tides}train/", json=given, timeout=60).json()
    meanwhile = requests.post(f"{tides}predict/", params={"model_name": "harbor"}, timeout=60)
    one = f"{tides}train/{begun['uuid']}"

    assert begun["status"] == "running"
    assert meanwhile.json()["predictions"]["highest"] == 2.5
    ended = wait_until(lambda: (now := requests.get(one, timeout=60).json())["status"] == "done" and now, 60)
    assert ended["result"]["output"]["model"] == "lagoon"
    assert len(ended["result"]["output"]["history"]) == 40
    after = requests.post(f"{tides}predict/", params={"model_name": "lagoon", "hours": 0}, timeout=60)
    assert after.json()["predictions"]["heights"] == [1.02]


def test_a_module_that_cannot_be_trained_says_so(leaves: str) -> None:
    assert requests.post(f"{leaves}train/", timeout=60).status_code in (402, 501)


def test_the_command_line_asks_it_too(module_program: Any) -> None:
    program, folder = module_program("leafcolors")

    assert program.predict(str(folder), "-i", f"data=@{COFFEE}")["filename"] == "coffee.jpg"
    drawn = program.predict(str(folder), "-i", f"data=@{COFFEE}", "-i", "accept=image/png")
    assert drawn["contentType"] == "image/png"
    refused = program.run("predict", str(folder), "-i", "threshold=x")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "threshold: Not a valid integer." in refused.stderr
