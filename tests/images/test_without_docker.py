"""What a build says where there is no Docker, and what it makes of files before there is one."""

import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from deepwhisk.images import context, layers
from deepwhisk.images.labels import created, labels
from deepwhisk.images.layers import EPOCH
from deepwhisk.project import Model, read_project
from fixtures.machine import run

CODE = '"""Says hello."""\ndef predict():\n    return {}\n'


@pytest.fixture
def model(tmp_path: Path) -> Model:
    folder = tmp_path / "catalog" / "hello"
    for name in ("model.py", "data/names.txt", "example/input.json", "__pycache__/model.pyc"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(CODE)
    return read_project(tmp_path).model("hello")


def described(model: Model, **metadata: Any) -> Model:
    return Model(model.name, model.folder, model.title, False, metadata, model.version, 128, 1000)


def test_where_there_is_no_docker_command_it_says_how_to_get_one(model: Model, tmp_path: Path) -> None:
    done = run("build", "hello", cwd=tmp_path, PATH=str(tmp_path))

    assert done.returncode == 1
    assert "There is no docker command here: install Docker" in done.stderr


def test_a_docker_that_does_not_answer_is_told(model: Model, tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    docker.chmod(0o755)
    done = run("build", "hello", cwd=tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}")

    assert done.returncode == 1
    assert "Docker does not answer: start it" in done.stderr
    assert "Cannot connect to the Docker daemon" in done.stderr


def test_a_time_that_is_no_number_is_refused(model: Model, tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\n")
    docker.chmod(0o755)
    done = run(
        "build", "hello", cwd=tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}", SOURCE_DATE_EPOCH="today"
    )

    assert done.returncode == 2
    assert "SOURCE_DATE_EPOCH is 'today'" in done.stderr


def test_the_code_of_a_model_is_a_layer_that_says_nothing_of_this_machine(model: Model) -> None:
    before = context.layer(context.model_files(model))
    (model.folder / "model.py").chmod(0o600)
    os.utime(model.folder / "model.py", (1, 1))

    assert context.layer(context.model_files(model)) == before
    with tarfile.open(fileobj=io.BytesIO(before)) as tar:
        entries = {entry.name: (entry.mode, entry.uid, entry.mtime) for entry in tar}
    assert entries == {
        "catalog": (0o755, 0, EPOCH),
        "catalog/hello": (0o755, 0, EPOCH),
        "catalog/hello/data": (0o755, 0, EPOCH),
        "catalog/hello/data/names.txt": (0o644, 0, EPOCH),
        "catalog/hello/model.py": (0o644, 0, EPOCH),
    }


def test_a_build_is_given_plain_files(model: Model, tmp_path: Path) -> None:
    (model.folder / "model.py").chmod(0o700)
    target = tmp_path / "context"
    target.mkdir(mode=0o700)
    context.lay_out({**context.tool_files(), **context.model_files(model)}, target)

    assert (target / context.DOCKERFILE).is_file()
    assert (target / "runtimes/python/deepwhisk_runtime/__main__.py").stat().st_mode & 0o777 == 0o644
    assert (target / "catalog/hello/model.py").stat().st_mode & 0o777 == 0o755
    assert (target / "catalog/hello").stat().st_mode & 0o777 == 0o755
    assert not list(target.rglob("__pycache__"))


def saved(folder: Path, when: float) -> Path:
    """What `docker save` writes of an image whose second layer has a file, links to it and an attribute."""
    layer = folder / "layer.tar"
    with tarfile.open(layer, "w", format=tarfile.PAX_FORMAT) as tar:
        file = tarfile.TarInfo("file")
        file.mtime, file.size, file.mode = when, 4, 0o640
        file.pax_headers = {"SCHILY.xattr.user.name": "value", "atime": str(when)}
        tar.addfile(file, io.BytesIO(b"text"))
        for kind, name in ((tarfile.LNKTYPE, "hard"), (tarfile.SYMTYPE, "soft"), (tarfile.FIFOTYPE, "pipe")):
            link = tarfile.TarInfo(name)
            link.type, link.linkname, link.mtime = kind, "file", when
            tar.addfile(link)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "container": f"made at {when}",
        "config": {"Env": ["A=b"], "Image": f"sha256:{when}", "Cmd": None},
        "history": [
            {"created": str(when), "created_by": "base"},
            {"created": str(when), "empty_layer": True},
            {"created": str(when), "created_by": "RUN"},
        ],
        "rootfs": {"type": "layers", "diff_ids": ["sha256:base", f"sha256:{when}"]},
    }
    image = layers.Image(config, {"sha256:base": layer, f"sha256:{when}": layer})
    layers.write_image(image, [], folder / "saved.tar")
    return folder / "saved.tar"


def read(folder: Path, when: float) -> layers.Image:
    folder.mkdir()
    with tarfile.open(saved(folder, when)) as archive:
        return layers.read_image(archive, ["sha256:base"], folder)


def test_an_image_without_its_times_is_the_same_image(tmp_path: Path) -> None:
    first, second = read(tmp_path / "a", 1_700_000_000.25), read(tmp_path / "b", 1_800_000_000.5)

    assert first.text == second.text
    assert [each["created_by"] for each in first.config["history"]] == ["base", "RUN"]
    assert first.config["rootfs"]["diff_ids"][0] == "sha256:base"
    assert first.config["config"] == {"Env": ["A=b"]}
    (layer,) = first.layers.values()
    with tarfile.open(layer) as tar:
        file, hard, soft, pipe = tar
        assert file.pax_headers == {"SCHILY.xattr.user.name": "value"}
        assert (file.mode, {each.mtime for each in (file, hard, soft, pipe)}) == (0o640, {EPOCH})
        assert [each.type for each in (hard, soft, pipe)] == [
            tarfile.LNKTYPE,
            tarfile.SYMTYPE,
            tarfile.FIFOTYPE,
        ]


def test_a_model_without_metadata_is_described_by_its_docstring(model: Model) -> None:
    assert labels(model, "then") == {
        "org.opencontainers.image.title": "Says hello.",
        "org.opencontainers.image.description": "Says hello.",
        "org.opencontainers.image.version": "0.1.0",
        "org.opencontainers.image.created": "then",
    }


@pytest.mark.parametrize(
    ("metadata", "when"),
    [
        ({}, "1980-01-01T00:00:00Z"),
        ({"dates": {"created": "2024-02-29"}}, "2024-02-29T00:00:00Z"),
        ({"dates": {"created": "2024-02-29", "updated": "2025-01-01"}}, "2025-01-01T00:00:00Z"),
        ({"dates": {"updated": "soon"}}, "1980-01-01T00:00:00Z"),
        ({"dates": "never"}, "1980-01-01T00:00:00Z"),
    ],
)
def test_an_image_is_as_old_as_its_model(model: Model, metadata: dict[str, Any], when: str) -> None:
    assert created(described(model, **metadata), None) == when


@pytest.mark.parametrize(
    ("authors", "told"),
    [
        ([{"name": "Ada"}, {"name": "Ben", "role": "tester"}], "Ada, Ben"),
        (["Ada", "Ben"], "Ada, Ben"),
        ("Ada", "Ada"),
        ([{"mail": "a@b"}], None),
    ],
)
def test_authors_are_named(model: Model, authors: Any, told: str | None) -> None:
    assert labels(described(model, authors=authors), "then").get("org.opencontainers.image.authors") == told
