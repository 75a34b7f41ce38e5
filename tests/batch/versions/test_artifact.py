"""What an artifact may be."""

import datetime
import hashlib
import io
import pickle
import stat
import zipfile

import numpy as np
import pytest

from deepwhisk.batch.versions import artifact
from deepwhisk.batch.versions.artifact import check
from deepwhisk.errors import TrainingError
from deepwhisk.objects.stores.memory import MemoryStore
from fixtures.promoting import zipped

BUCKET = "trainings"


def checked(content: bytes, sha256: str | None = None) -> int:
    store = MemoryStore(buckets=[BUCKET])
    store.put(BUCKET, "a.zip", content)
    return check(store, BUCKET, "a.zip", sha256 or hashlib.sha256(content).hexdigest())


def numpy_file(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def linked() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        member = zipfile.ZipInfo("passwd")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    return file.getvalue()


def torn() -> bytes:
    content = bytearray(zipped({"head.txt": b"x" * 1000}))
    content[500] ^= 1
    return bytes(content)


class Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("it ran",))


HARMLESS = {
    "numbers": numpy_file(np.zeros((3, 4))),
    "names": numpy_file(np.array(["O", "Object"])),
    "structured": numpy_file(np.zeros(2, dtype=[("Outer", "<f4")])),
    "classes.txt": b"ciliophora\ndinoflagellata\nnoctilucales\ntripos\n",
    "text.txt": b"I am a text. (images\nand labels)\n.",
    "images.csv": b"images\nlabels\n.",
    "weights.bin": np.arange(10_000, dtype=np.float32).tobytes(),
    "odd.bin": b"\x80\x04" + bytes(range(256)) * 10,
    "config.json": b'{"a": [1, 2, {"b": null}]}',
    "empty": b"",
}


@pytest.mark.parametrize("name", HARMLESS)
def test_data_is_taken(name: str) -> None:
    content = zipped({f"folder/{name}": HARMLESS[name]})
    assert checked(content) == len(content)


def test_a_numpy_archive_within_is_taken() -> None:
    file = io.BytesIO()
    np.savez(file, classes=np.array(["a", "b"]), weight=np.zeros(3))
    assert checked(zipped({"head.npz": file.getvalue()}))


REFUSED = {
    "a path upwards": (zipped({"../evil": b"x"}), "leaves its folder"),
    "a path upwards with backslashes": (zipped({"a\\..\\..\\evil": b"x"}), "leaves its folder"),
    "an absolute path": (zipped({"/etc/passwd": b"x"}), "absolute"),
    "a drive": (zipped({"C:/evil": b"x"}), "absolute"),
    "a link": (linked(), "no file"),
    "no zip": (b"hello", "no zip"),
    "a torn zip": (torn(), "no zip"),
    "a pickle by name": (zipped({"model.PKL": b"x"}), "pickle"),
    "weights of torch": (zipped({"model.pt": b"x"}), "pickle"),
    "a pickle in a zip": (zipped({"model.bin": zipped({"archive/data.pkl": b"x"})}), "pickle"),
    "zips within zips": (zipped({"a": zipped({"b": zipped({"c": zipped({"d": b"x"})})})}), "deeper"),
    "an array of objects": (zipped({"a.npy": numpy_file(np.array([{}, 1], dtype=object))}), "objects"),
    "an array that has objects": (
        zipped({"a.npy": numpy_file(np.zeros(2, dtype=[("a", "<f4"), ("b", "O")]))}),
        "objects",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_do_harm_is_refused_with_the_reason(name: str) -> None:
    content, reason = REFUSED[name]
    with pytest.raises(TrainingError, match=reason):
        checked(content)


def test_a_zip_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact, "MOST_BYTES", 1000)
    with pytest.raises(TrainingError, match="unpacks to 1001 bytes"):
        checked(zipped({"a": b"x" * 1001}, zipfile.ZIP_DEFLATED))


def test_a_zip_of_too_many_files_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact, "MOST_FILES", 2)
    with pytest.raises(TrainingError, match="3 files"):
        checked(zipped({"a": b"", "b": b"", "c": b""}))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", [Runs(), datetime.datetime(2026, 1, 1)], ids=["runs", "calls"])
def test_a_pickle_under_another_name_is_refused(protocol: int, value: object) -> None:
    for end in (b"", b"trailing"):
        with pytest.raises(TrainingError, match="pickle"):
            checked(zipped({"weights.bin": pickle.dumps(value, protocol) + end}))


def test_a_pickle_that_never_ends_is_refused() -> None:
    with pytest.raises(TrainingError, match="pickle"):
        checked(zipped({"weights.bin": pickle.dumps(Runs(), 0)[:-1]}))


def test_other_bytes_than_those_announced_are_refused() -> None:
    with pytest.raises(TrainingError, match="announced"):
        checked(zipped({"a": b"x"}), "0" * 64)
