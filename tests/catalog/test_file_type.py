"""The file type identifier through the shim: any content under any name."""

import gzip
import json
import random
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

EXAMPLE = Path(__file__).parent.parent.parent / "catalog" / "file-type" / "example"


@pytest.fixture(scope="module")
def judge(served: Callable[[str], Any]) -> Any:
    return served("file-type")


def label(judge: Any, file: Path) -> Any:
    answer = judge.predict(file=file)
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]["label"]


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["photo.jpg", "a.exe", "no-ending", "ümläut.pdf"])
def test_the_name_says_nothing(judge: Any, tmp_path: Path, name: str) -> None:
    assert label(judge, written(tmp_path / name, (EXAMPLE / "program.txt").read_bytes())) == "python"


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp", "bmp", "tiff", "pdf", "ico"])
def test_pictures_of_every_format_are_told_apart(judge: Any, tmp_path: Path, kind: str) -> None:
    picture = tmp_path / "picture"
    Image.radial_gradient("L").convert("RGB").save(picture, kind)

    assert label(judge, picture) == kind


def test_archives_and_texts_are_told_apart(judge: Any, tmp_path: Path) -> None:
    program = (EXAMPLE / "program.txt").read_bytes()
    with tarfile.open(tmp_path / "tar", "w") as archive:
        archive.add(EXAMPLE / "program.txt", "program.py")
    table = "name;depth;temperature\n" + "".join(
        f"station {n};{n * 10};{20 - n / 3:.1f}\n" for n in range(40)
    )

    assert label(judge, tmp_path / "tar") == "tar"
    assert label(judge, written(tmp_path / "gz", gzip.compress(program))) == "gzip"
    assert label(judge, written(tmp_path / "csv", table.encode())) == "csv"
    assert label(judge, written(tmp_path / "json", json.dumps({"depths": [1, 2, 3] * 9}).encode())) == "json"
    assert label(judge, Path(__file__)) == "python"


def test_what_is_of_no_type_is_unknown_or_text(judge: Any, tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(5000)

    assert label(judge, written(tmp_path / "noise", noise)) == "unknown"
    assert label(judge, written(tmp_path / "letter", b"a")) == "txt"
    assert label(judge, written(tmp_path / "byte", b"\xff")) == "unknown"


def test_an_empty_file_is_refused(judge: Any, tmp_path: Path) -> None:
    refused = judge.predict(file=written(tmp_path / "empty", b""))

    assert refused.status_code == 422
    assert "empty" in refused.json()["file"][0]


def test_of_a_large_file_only_the_ends_are_read(judge: Any, tmp_path: Path) -> None:
    program = (EXAMPLE / "program.txt").read_bytes()
    before = judge.peak

    assert label(judge, written(tmp_path / "large", program * 60_000)) == "python"
    assert judge.peak - before < 25
