"""Answers that are kept: hit, miss, bypass; what is never kept, and what is thrown away."""

import base64
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deepwhisk_runtime import kept
from deepwhisk_runtime.answers import Outgoing, encode
from deepwhisk_runtime.errors import Fault
from deepwhisk_runtime.served import Asking
from runtime.program import Program, model
from runtime.served import Served, serving

COUNTER = '''"""Counts how often it is really asked."""
from pathlib import Path
from typing import Literal
CALLS = []
class Model:
    deterministic = True
    def predict(self, n: int = 0, file: Path | None = None, how: str = "",
                accept: Literal["application/json", "text/csv"] = "application/json"):
        CALLS.append(n)
        if how == "raise": raise ValueError("no")
        if how == "file": return b"bytes"
        if how == "large": return {"x": "y" * 300_000}
        if how == "nan": return float("nan")
        if accept == "text/csv": return "a,b"
        return {"calls": len(CALLS), "size": file and file.stat().st_size}
'''


class Answers:
    """A model that counts, and what keeps its answers."""

    def __init__(self, folder: Path, version: str = "1", **bounds: Any) -> None:
        self.kept = kept.Kept(lambda: version, folder, **bounds)
        self.calls = 0
        self.answer: Any = None

    def __call__(self, wish: str = "", **arguments: Any) -> tuple[str, Any]:
        asking = Asking(wish=wish)
        answer = self.kept.answer(arguments, asking, self._ask)
        return asking.cached, json.loads(encode(answer))

    def _ask(self) -> Any:
        self.calls += 1
        if isinstance(self.answer, Fault):
            raise self.answer
        return {"call": self.calls} if self.answer is None else self.answer


@pytest.fixture
def answers(tmp_path: Path) -> Answers:
    return Answers(tmp_path / "answers")


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("??/*"))


def test_the_same_call_is_worked_for_once(answers: Answers, tmp_path: Path) -> None:
    assert [answers(n=1), answers(n=1), answers(n=2)] == [
        ("miss", {"call": 1}),
        ("hit", {"call": 1}),
        ("miss", {"call": 2}),
    ]
    assert Answers(tmp_path / "answers")(n=1) == ("hit", {"call": 1})  # in another container
    assert Answers(tmp_path / "answers", "2")(n=1) == ("miss", {"call": 1})  # of another version
    assert (tmp_path / "answers").stat().st_mode & 0o077 == 0


def test_who_wants_it_fresh_gets_it_and_renews_it(answers: Answers) -> None:
    assert answers(n=1) == ("miss", {"call": 1})
    assert answers("no-cache", n=1) == ("bypass", {"call": 2})
    assert answers(n=1) == ("hit", {"call": 2})
    assert answers("no-store", n=1) == ("bypass", {"call": 3})
    assert answers(n=1) == ("hit", {"call": 2})


def test_nothing_is_left_of_who_wants_nothing_kept(answers: Answers, tmp_path: Path) -> None:
    answers("no-store", n=1)
    assert files(tmp_path / "answers") == []


def test_faults_are_not_kept(answers: Answers, tmp_path: Path) -> None:
    answers.answer = Fault("predict", "no")
    for _ in range(2):
        with pytest.raises(Fault):
            answers(n=1)
    answers.answer = {"nan": float("nan")}
    with pytest.raises(Fault, match="nan is nan"):
        answers(n=1)

    assert answers.calls == 3
    assert files(tmp_path / "answers") == []


@pytest.mark.parametrize("result", [Outgoing(b"\0x", "text/csv", "a"), b"\0bytes", {"a": [1, None, "ü"]}])
def test_an_answer_is_the_same_from_the_folder(tmp_path: Path, result: Any) -> None:
    plain = kept.standing(result)
    again = kept.unpacked(kept.packed(plain, "name"), "name")

    assert type(again) is type(plain)
    assert again == plain if isinstance(plain, Outgoing) else vars(again) == vars(plain)
    assert encode(again) == encode(result)


@pytest.mark.parametrize("harm", ["cut", "empty", "changed", "other", "folder"])
def test_what_was_not_written_whole_is_thrown_away(answers: Answers, tmp_path: Path, harm: str) -> None:
    answers(n=1)
    (path,) = files(tmp_path / "answers")
    content = path.read_bytes()
    if harm == "folder":
        path.unlink()
        path.mkdir()
    else:
        other = {"cut": content[:-1], "empty": b"", "changed": content[:-2] + b"9}", "other": content}[harm]
        path.write_bytes(other)
    if harm == "other":  # that of another call, whole, in the place of this one's
        answers(n=2)
        second = next(each for each in files(tmp_path / "answers") if each != path)
        path.write_bytes(second.read_bytes())

    found = answers(n=1)
    assert found == ("bypass" if harm == "folder" else "miss", {"call": answers.calls})


def test_what_is_too_old_is_worked_for_again(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "answers", age=100.0)
    answers(n=1)
    (path,) = files(tmp_path / "answers")
    os.utime(path, (time.time() - 101,) * 2)
    assert answers(n=1) == ("miss", {"call": 2})
    assert answers(n=1) == ("hit", {"call": 2})


def test_the_oldest_go_where_there_are_too_many(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "answers", size=20_000)
    answers.answer = {"text": "x" * 1000}
    for n in range(60):
        answers(n=n)
        for path in files(tmp_path / "answers"):
            assert path.stat().st_size > 1000

    assert sum(path.stat().st_size for path in files(tmp_path / "answers")) <= 22_000
    assert answers(n=59)[0] == "hit"


def test_a_large_answer_is_given_and_not_kept(answers: Answers, tmp_path: Path) -> None:
    answers.answer = {"text": "x" * kept.LARGEST_ANSWER}
    assert [answers(n=1)[0], answers(n=1)[0]] == ["bypass", "bypass"]
    answers.answer = b"x" * kept.LARGEST_ANSWER
    assert answers(n=2)[0] == "bypass"
    assert files(tmp_path / "answers") == []


def test_without_a_place_calls_are_answered_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answers = Answers(tmp_path / "file" / "answers")
    assert [answers(n=1), answers(n=1)] == [("bypass", {"call": 1}), ("bypass", {"call": 2})]


def test_what_cannot_be_compared_is_not_looked_for(answers: Answers) -> None:
    assert answers(n={1, 2})[0] == "bypass"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    folder = tmp_path / "counter"
    folder.mkdir()
    (folder / "model.py").write_text(COUNTER)
    place = {"DEEPWHISK_ANSWERS": str(tmp_path / "answers")}
    with serving("serve", str(folder), "--port", "0", cwd=tmp_path, **place) as server:
        yield server


def test_a_model_served_alone_says_what_it_kept(served: Served) -> None:
    def ask(body: Any = None, **headers: str) -> tuple[str | None, Any]:
        reply = served.ask("POST", "predict/", body or {"n": 1}, **headers)
        return reply.headers.get("X-Cache"), reply.json.get("predictions")

    assert ask() == ("miss", {"calls": 1, "size": None})
    assert ask() == ask({"n": "1"}) == ask({"n": 1, "other": 2}) == ("hit", {"calls": 1, "size": None})
    assert ask(**{"Cache-Control": "no-cache"}) == ("bypass", {"calls": 2, "size": None})
    assert ask() == ("hit", {"calls": 2, "size": None})
    text = base64.b64encode(b"abc").decode()
    assert ask({"file": text})[0] == "miss"
    assert ask({"file": {"$bytes": text}}) == ("hit", {"calls": 3, "size": 3})
    assert [ask({"how": "file"}), ask({"how": "file"})][1][0] == "hit"
    assert [served.ask("POST", "predict/", {"how": "raise"}).status for _ in range(2)] == [500, 500]
    csv = [served.ask("POST", "predict/?n=7", None, Accept="text/csv") for _ in range(2)]
    assert [(each.headers["X-Cache"], each.body) for each in csv] == [("miss", b"a,b"), ("hit", b"a,b")]


def test_a_web_action_says_what_it_kept_and_no_other_call_is_worked_for_twice(tmp_path: Path) -> None:
    with Program(tmp_path, DEEPWHISK_ANSWERS=str(tmp_path / "answers")) as container:
        container.init(model(COUNTER))
        asked = {"__ow_body": base64.b64encode(b'{"n": 3}').decode()}
        headers = {"host": "x", "content-type": "application/json"}
        path = "/v2/models/thing/predict/"
        replies = [container.web("POST", path, __ow_headers=headers, **asked) for _ in range(2)]
        assert [each["headers"]["X-Cache"] for each in replies] == ["miss", "hit"]
        assert replies[0]["body"] == replies[1]["body"]
        fresh = container.web("POST", path, __ow_headers=headers | {"cache-control": "no-store"}, **asked)
        assert (fresh["headers"]["X-Cache"], json.loads(fresh["body"])["predictions"]["calls"]) == (
            "bypass",
            2,
        )
        assert container.result({"n": 3}) == {"calls": 1, "size": None}
        large = [container.result({"how": "large"}) for _ in range(2)]
        assert large[0] == large[1] == {"x": "y" * 300_000}


def test_of_other_models_nothing_is_kept(tmp_path: Path) -> None:
    plain = COUNTER.replace("deterministic = True", "deterministic = 'maybe'")
    with Program(tmp_path, DEEPWHISK_ANSWERS=str(tmp_path / "answers")) as container:
        container.init(model(plain))
        assert [container.result({"n": 1})["calls"] for _ in range(2)] == [1, 2]
        assert not (tmp_path / "answers").exists()


def test_answers_are_kept_where_it_is_said_or_in_the_cache_of_the_user(tmp_path: Path) -> None:
    assert kept.folder_of({"DEEPWHISK_ANSWERS": "/x"}) == Path("/x")
    assert kept.folder_of({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "deepwhisk" / "answers"
