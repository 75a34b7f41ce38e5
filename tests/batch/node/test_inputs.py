"""What reaches a model on a node: arguments exactly as they were said, files whole, nothing poisoned."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fixtures.attempts import Attempts

TELLS = """
    import json
    from pathlib import Path
    from typing import Any
    class Model:
        def predict(self, x: int = 1) -> int:
            return x
        def train(self, out: Path, given: Any = None, one: Path | None = None, several: list[Path] = []):
            def told(path):
                if path is None or path.is_file():
                    return path and [path.name, path.read_text()]
                return sorted(str(each.relative_to(path)) for each in path.rglob("*") if each.is_file())
            yield {"given": given, "one": told(one), "several": [told(each) for each in several]}
            (out / "x").write_text("x")
"""
AWKWARD = (
    'it\'s "$(touch /tmp/owned)" `id` $HOME ${IFS} \\n\\\n\n\t; rm -rf / & | < > * ? ~ '
    "'ü' 海 🦠 \u2028 %s {0} <<EOF"
)


def test_arguments_arrive_exactly(attempts: Attempts) -> None:
    given = {"text": AWKWARD, AWKWARD: [1, 2.5, True, None, {"": "END_OF_BOOTSTRAP"}]}
    attempt = attempts(TELLS, {"given": given})

    assert attempt.run()["output"]["given"] == given
    assert attempt.metrics[0]["given"] == given
    assert not Path("/tmp/owned").exists()


def test_files_arrive_alone_as_a_list_and_as_a_folder(attempts: Attempts) -> None:
    attempt = attempts(TELLS, many=["several"])
    attempt.give("one", "a b'ü.txt", b"one")
    attempt.give("several", "same.txt", b"first")
    attempt.give("several", "same.txt", b"second")

    output = attempt.run()["output"]
    assert output["one"] == ["a b'ü.txt", "one"]
    assert output["several"] == [["same.txt", "first"], ["same.txt", "second"]]

    folder = attempts(TELLS, many=["one"])
    folder.give("one", "cats/a.jpg", b"a")
    folder.give("one", "dogs/a.jpg", b"b")
    assert folder.run()["output"]["one"] == ["cats/a.jpg", "dogs/a.jpg"]


def test_arguments_that_do_not_fit_are_named(attempts: Attempts) -> None:
    result = attempts(TELLS, {"epochs": 3}).run()

    assert (result["state"], result["phase"]) == ("error", "arguments")
    assert "epochs: There is no such argument" in result["message"]


@pytest.mark.parametrize("which", ["code", "runtime"])
def test_what_has_another_digest_is_refused(attempts: Attempts, which: str) -> None:
    attempt = attempts(TELLS)
    attempt.job[which]["sha256"] = "0" * 64
    process = attempt.start()

    assert process.wait(60) == 1
    if which == "runtime":
        assert "refused" in attempt.said
    else:
        assert attempt.result["phase"] == "download"
        assert "refused" in attempt.result["message"]


def zipped(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return made.getvalue()


@pytest.mark.parametrize("name", ["../outside.py", "/etc/outside.py"])
def test_a_zip_that_leaves_its_folder_is_refused(attempts: Attempts, name: str) -> None:
    attempt = attempts(TELLS, resume={"url": ""})
    attempt.put("poisoned.zip", zipped("checkpoint/fine", name))
    attempt.job["resume"] = {"url": attempt.link("poisoned.zip")}

    result = attempt.run()
    assert result["state"] == "error"
    assert "The checkpoint is refused" in result["message"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"size": 4}, "has 3 bytes, not 4"),
        ({"etag": "0" * 32}, "changed since"),
        ({"sha256": "0" * 64}, "refused"),
        ({"name": "../../outside"}, "leads out of its folder"),
    ],
)
def test_a_file_that_is_not_what_was_planned_is_refused(
    attempts: Attempts, change: dict[str, Any], told: str
) -> None:
    attempt = attempts(TELLS)
    attempt.give("one", "a.txt", b"abc")
    attempt.job["files"]["one"][0] |= change

    result = attempt.run()
    assert (result["state"], result["phase"]) == ("error", "download")
    assert told in result["message"]


def test_a_file_that_is_gone_is_said(attempts: Attempts) -> None:
    attempt = attempts(TELLS)
    attempt.job["files"]["one"] = [{"url": attempt.link("nowhere"), "name": "a", "size": 1}]

    result = attempt.run()
    assert result["phase"] == "download"
    assert "There is nothing at" in result["message"]
    assert "Signature" not in json.dumps(result)
