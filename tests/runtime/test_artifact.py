"""The promoted training that a container begins with."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deepwhisk_runtime.artifact import PROMOTED, VARIABLE, promoted, settle
from deepwhisk_runtime.errors import Fault
from runtime.web import Web, serving

ASK = "/api/v1/namespaces/ada/actions/training/artifact"
TOLD = {"__OW_ACTION_NAME": "/ada/models/m", "__OW_API_KEY": "u:key"}


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as web:
        yield web


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def zipped(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)
    return content.getvalue()


def variables(web: Web, content: bytes, sha256: str = "") -> dict[str, str]:
    """What a container's environment says, of an artifact that can be had."""
    url = web.page("/a.zip", content)
    web.page(ASK, json.dumps({"url": f"{url}?signed"}).encode())
    wanted = {
        "version": 3,
        "training": "t",
        "sha256": sha256 or hashlib.sha256(content).hexdigest(),
        "key": "m/t/attempts/1/artifact.zip",
    }
    return {VARIABLE: json.dumps(wanted), "__OW_API_HOST": web.url}


def test_the_variable_becomes_the_folder_of_what_was_promoted(web: Web) -> None:
    found = variables(web, zipped(**{"word.txt": "hi", "deep__er.txt": "er"}))
    wanted = json.loads(found[VARIABLE])
    settle(TOLD, found)

    folder = Path(found[VARIABLE])
    assert (folder / "word.txt").read_text() + (folder / "deep" / "er.txt").read_text() == "hier"
    assert promoted(found) == {name: wanted[name] for name in ("version", "training", "sha256")}
    method, path, headers, body = web.sent[0]
    assert (method, path.partition("?")[0], headers["authorization"]) == ("POST", ASK, "Basic dTprZXk=")
    assert json.loads(body) == {**wanted, "model": "m"}


@pytest.mark.parametrize("path", ["", "/some/where", "relative"])
def test_a_plain_path_stays_as_it_is(path: str) -> None:
    found = {VARIABLE: path} if path else {}
    settle(TOLD, found)
    assert found.get(VARIABLE, "") == path
    assert promoted(found) is None


@pytest.mark.parametrize(
    ("content", "change", "said"),
    [
        (zipped(a="x"), {"sha256": "0" * 64}, "is refused: its sha256 is"),
        (zipped(**{"..__evil": "x"}), {}, "leaves its folder"),
        (b"no zip", {}, "is refused: the zip cannot be unpacked"),
    ],
    ids=["another", "a zip that leaves its folder", "no zip"],
)
def test_what_is_not_what_was_promoted_is_refused(
    web: Web, content: bytes, change: dict[str, Any], said: str
) -> None:
    found = variables(web, content, **change)
    with pytest.raises(Fault, match=said) as raised:
        settle(TOLD, found)
    assert raised.value.phase == "load"
    assert "version 3" in raised.value.message
    assert PROMOTED not in found


def test_what_cannot_be_had_is_told_without_link_and_key(web: Web) -> None:
    found = variables(web, zipped(a="x"))
    web.page("/a.zip", b"", 404)
    with pytest.raises(Fault, match="there is nothing at") as raised:
        settle(TOLD, found)
    assert "signed" not in raised.value.message

    web.page(ASK, b'{"error": {"message": "no artifact of m", "status": 422}}', 502)
    with pytest.raises(Fault, match="cannot be had: no artifact of m"):
        settle(TOLD, found)
    with pytest.raises(Fault, match="provide-api-key"):
        settle({"__OW_ACTION_NAME": "/ada/models/m"}, found)
    with pytest.raises(Fault, match="cannot be asked"):
        settle(TOLD, {**found, "__OW_API_HOST": "http://127.0.0.1:1"})


@pytest.mark.parametrize("text", ["{", "{}", '{"version": 1}'])
def test_what_is_neither_path_nor_promotion_is_told(text: str) -> None:
    with pytest.raises(Fault, match="neither a path nor a promotion"):
        settle(TOLD, {VARIABLE: text})
