"""Zips of Node.js actions: modules of every form, and those that nobody should unpack."""

import io
import stat
import struct
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.node import NodeContainer, a_node_container, needs_node, zipped

pytestmark = needs_node

MAIN = "exports.main = a => ({got: a.x})"
REFUSED = "Initialization has failed due to: There was an error uncompressing the action archive: "


@pytest.fixture
def container(tmp_path: Path) -> Iterator[NodeContainer]:
    with a_node_container(tmp_path) as container:
        yield container


@pytest.mark.parametrize(
    ("members", "main"),
    [
        ({"index.js": MAIN}, "main"),
        ({"package.json": '{"main": "lib/start.js"}', "lib/start.js": MAIN}, "main"),
        ({"package.json": '{"main": "start"}', "start.js": MAIN}, "main"),
        ({"package.json": "{}", "index.js": MAIN}, "main"),
        ({"index.js": "exports.lib = {f: a => ({got: a.x})}"}, "lib.f"),
        (
            {"index.js": "exports.main = require('./other').f", "other.js": "exports.f = a => ({got: a.x})"},
            "main",
        ),
        (
            {
                "index.js": "exports.main = require('dep')",
                "node_modules/dep/index.js": "module.exports = a => ({got: a.x})",
            },
            "main",
        ),
        ({"package.json": '{"type": "module"}', "index.js": "export const main = a => ({got: a.x})"}, "main"),
        ({"package.json": '{"main": "a.mjs"}', "a.mjs": "export default {main: a => ({got: a.x})}"}, "main"),
        (
            {
                "index.js": "const fs = require('fs'); exports.main = () => ({got: +fs.readFileSync('n')})",
                "n": "1",
            },
            "main",
        ),
        ({"ünï/": "", "ünï/code.js": MAIN, "package.json": '{"main": "ünï/code.js"}'}, "main"),
    ],
)
def test_a_zip_is_a_module(container: NodeContainer, members: dict[str, str], main: str) -> None:
    assert container.init(zipped(members), binary=True, main=main) == (200, {"OK": True})
    assert container.run({"x": 1}) == (200, {"got": 1})


def test_a_zip_without_a_module_is_refused(container: NodeContainer) -> None:
    _, answer = container.init(zipped({"main.js": MAIN}), binary=True)

    assert answer["error"] == (
        "Initialization has failed due to: "
        "Zipped actions must contain either package.json or index.js at the root."
    )


def test_a_zip_whose_main_is_missing_is_refused(container: NodeContainer) -> None:
    assert container.init(zipped({"index.js": MAIN}), binary=True, main="other") == (
        502,
        {"error": "Initialization has failed due to: Action entrypoint 'other' is not a function."},
    )


def test_a_program_in_a_zip_can_be_run(container: NodeContainer) -> None:
    member = zipfile.ZipInfo("tool.sh")
    member.external_attr = 0o755 << 16
    code = "exports.main = () => ({said: require('child_process').execFileSync('./tool.sh').toString()})"

    container.init(packed((member, "#!/bin/sh\necho hello\n"), ("index.js", code)), binary=True)

    assert container.run() == (200, {"said": "hello\n"})


def packed(*members: tuple[str | zipfile.ZipInfo, str]) -> str:
    return b64encode(raw(*members)).decode()


def raw(*members: tuple[str | zipfile.ZipInfo, str]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members:
            archive.writestr(name, text)
    return held.getvalue()


def link(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


def changed(field: int, shape: str, value: int) -> bytes:
    """A zip whose list of files says something else of its first member."""
    whole = bytearray(raw(("index.js", MAIN)))
    struct.pack_into(shape, whole, whole.index(b"PK\1\2") + field, value)
    return bytes(whole)


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (raw(("../evil.js", "")), "it holds a path that leaves its folder: ../evil.js"),
        (raw(("a/../../evil.js", "")), "it holds a path that leaves its folder: a/../../evil.js"),
        (raw(("..\\evil.js", "")), "it holds a path that leaves its folder: ../evil.js"),
        (raw(("/tmp/evil.js", "")), "it holds an absolute path: /tmp/evil.js"),
        (raw(("C:/evil.js", "")), "it holds an absolute path: C:/evil.js"),
        (raw((link("index.js"), "/etc/passwd")), "it holds a link: index.js"),
        (changed(8, "<H", 1), "it holds an encrypted file: index.js"),
        (changed(10, "<H", 12), "it holds a file neither stored nor deflated: index.js"),
        (changed(24, "<I", 5), "Cannot create a Buffer larger than 5 bytes"),
        (changed(24, "<I", 500), "index.js is damaged"),
        (changed(24, "<I", 0xFFFFFFFF), "it unpacks to 4294967295 bytes, more than 536870912"),
        (changed(42, "<I", 7), "index.js is damaged"),
        (changed(42, "<I", 0x7FFFFFFF), 'The value of "offset" is out of range.'),
        (raw(("index.js", MAIN))[:-30], "it is no zip"),
        (b"no zip, but long enough to be looked at", "it is no zip"),
        (b"abc", "it is no zip"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # the bytes of a zip hold the time
)
def test_a_zip_that_is_harmful_or_damaged_is_refused(
    container: NodeContainer, archive: bytes, reason: str
) -> None:
    before = files(container)

    status, answer = container.init(b64encode(archive).decode(), binary=True)

    assert status == 502
    assert answer["error"].startswith(f"{REFUSED}{reason}")
    assert files(container) == before


def files(container: NodeContainer) -> list[Path]:
    return sorted(path for path in container.folder.rglob("*") if path.is_file())


def test_a_small_zip_does_not_become_a_large_file(container: NodeContainer) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(6):
            archive.writestr(f"{number}", b"\0" * (100 << 20))

    _, answer = container.init(b64encode(held.getvalue()).decode(), binary=True)

    assert answer["error"].startswith(f"{REFUSED}it unpacks to 629145600 bytes, more than 536870912")


@pytest.mark.parametrize("main", ["other.niam", "other.inner.niam", "index.main.niam"])
def test_main_may_name_another_file_of_the_zip(container: NodeContainer, main: str) -> None:
    members = {
        "other.js": "exports.niam = () => ({ ok: true }); exports.inner = { niam: exports.niam }",
        "index.js": "exports.main = { niam: () => ({ ok: true }) }",
    }

    assert container.init(zipped(members), binary=True, main=main)[0] == 200
    assert container.run() == (200, {"ok": True})
