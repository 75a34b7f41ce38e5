"""Folders as zips: what goes in, and always the same bytes."""

import io
import os
import zipfile

import pytest

from deepwhisk.errors import ManifestError
from deepwhisk.manifest.archive import zip_folder
from fixtures.files import Files

MODEL = "def predict(a: int) -> int:\n    return a\n"


def test_the_same_folder_gives_the_same_bytes(files: Files) -> None:
    folder = files(**{"m__model.py": MODEL, "m__a__b.txt": "b"})
    first = zip_folder(folder / "m", folder)
    os.utime(folder / "m" / "model.py", (1, 1))
    assert zip_folder(folder / "m", folder) == first


def test_caches_hidden_and_excluded_files_stay_out(files: Files) -> None:
    folder = files(
        **{"m__model.py": MODEL, "m__.secret": "s", "m__example__in.json": "{}", "m__notes.md": "n"},
    )
    cache = folder / "m" / "__pycache__"
    cache.mkdir()
    (cache / "x.pyc").write_text("x")
    content = zip_folder(folder / "m", folder, exclude=["m/example", "m/no*"])
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["model.py"]


def test_a_star_does_not_cross_a_slash(files: Files) -> None:
    folder = files(**{"m__model.py": MODEL, "m__deep__data.txt": "d", "m__data.txt": "d"})
    content = zip_folder(folder / "m", folder, exclude=["m/d*.txt*"])
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["deep/data.txt", "model.py"]


@pytest.mark.parametrize(
    ("entry", "names"),
    [
        (["common/util.py"], ["common/util.py"]),
        (["common/util.py", "lib/"], ["lib/util.py"]),
        (["common/util.py", "own.py"], ["own.py"]),
        (["common"], ["common/deep/x.py", "common/util.py"]),
        (["common/*", "lib/*"], ["lib/deep/x.py", "lib/util.py"]),
    ],
)
def test_what_is_included_lands_where_it_is_told(files: Files, entry: list[str], names: list[str]) -> None:
    folder = files(**{"m__model.py": MODEL, "common__util.py": "u", "common__deep__x.py": "x"})
    content = zip_folder(folder / "m", folder, include=[entry])
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == sorted([*names, "model.py"])


def test_a_link_is_refused(files: Files) -> None:
    folder = files(**{"m__model.py": MODEL})
    (folder / "m" / "data").symlink_to("/etc/passwd")
    with pytest.raises(ManifestError, match="is a link"):
        zip_folder(folder / "m", folder)
