"""What an action's zip says about its environment."""

import base64
import io
import random
import struct
import zipfile

import pytest

from deepwhisk.engine.source import Recipe, recipe_of
from deepwhisk.errors import EnvironmentFailed
from fixtures.pool import executable


def zipped(**members: bytes) -> str:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return base64.b64encode(held.getvalue()).decode()


def recipe(**members: bytes) -> Recipe:
    return recipe_of(executable(zipped(**members), binary=True))


def test_text_asks_for_nothing() -> None:
    assert recipe_of(executable()) == Recipe()


def test_requirements_and_build_come_from_the_root_of_the_zip() -> None:
    found = recipe(**{"requirements.txt": b"numpy>=2  # arrays\n\nPillow\n", "build.py": b"print()"})

    assert found == Recipe("Pillow\nnumpy>=2", "print()")


def test_files_of_folders_are_not_meant() -> None:
    assert recipe(**{"src/requirements.txt": b"numpy", "src/build.py": b""}) == Recipe()


def test_a_zip_with_a_virtualenv_brings_its_own() -> None:
    assert recipe(**{"requirements.txt": b"numpy", "virtualenv/bin/activate_this.py": b""}) == Recipe()


def test_packages_have_normalized_names() -> None:
    asked = "Scikit_Learn[x]>=1 ; python_version > '3'\ntiny @ file:///tiny.whl\n--no-binary x\n-r other.txt"

    assert sorted(Recipe(asked).packages) == ["scikit-learn", "tiny"]


@pytest.mark.parametrize("code", ["", "no base64", base64.b64encode(b"no zip").decode(), zipped()[:40]])
def test_what_is_no_zip_asks_for_nothing(code: str) -> None:
    assert recipe_of(executable(code, binary=True)) == Recipe()


def test_huge_requirements_are_refused() -> None:
    with pytest.raises(EnvironmentFailed, match=r"requirements.txt .* larger than 1048576 bytes"):
        recipe(**{"requirements.txt": b"#" * 5_000_000})


def test_requirements_that_are_no_text_are_refused() -> None:
    with pytest.raises(EnvironmentFailed, match=r"requirements.txt .* UTF-8"):
        recipe(**{"requirements.txt": b"\xff\xfe\x00n"})


def test_a_zip_that_claims_to_be_small_is_not_unpacked_further_than_it_claims() -> None:
    bomb = bytearray(base64.b64decode(zipped(**{"requirements.txt": b"#" * 30_000_000})))
    for size in (22, bomb.rindex(b"PK\x01\x02") + 24):  # what the member says of itself, twice
        struct.pack_into("<I", bomb, size, 100)

    with pytest.raises(EnvironmentFailed, match=r"requirements.txt .* cannot be read"):
        recipe_of(executable(base64.b64encode(bomb).decode(), binary=True))


def test_a_compression_that_may_explode_is_refused() -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("build.py", b"")

    with pytest.raises(EnvironmentFailed, match=r"build.py .* not stored or deflated"):
        recipe_of(executable(base64.b64encode(held.getvalue()).decode(), binary=True))


def test_a_zip_that_lists_more_files_than_a_container_takes_asks_for_nothing() -> None:
    members = b"PK\x01\x02" * 50_001

    assert recipe_of(executable(base64.b64encode(members).decode(), binary=True)) == Recipe()


def test_a_damaged_zip_asks_for_nothing_or_is_refused() -> None:
    whole = base64.b64decode(zipped(**{"requirements.txt": b"numpy\n" * 50, "build.py": b"print()\n" * 50}))
    chance = random.Random(1)
    for _ in range(500):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            recipe_of(executable(base64.b64encode(damaged).decode(), binary=True))
        except EnvironmentFailed as refusal:
            assert "zip" in str(refusal)  # noqa: PT017  some of them are harmless
