"""A promoted training in the containers of a model, on a real engine and a real store."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from deepwhisk.batch.layout import BUCKET, version
from deepwhisk.batch.versions.history import Version
from deepwhisk.deploy import Gateway
from deepwhisk.deploy.export import Chosen, collect, compose
from deepwhisk.errors import TrainingError, WhiskError
from fixtures.greeter import MODEL, Greeter
from fixtures.machine import until
from fixtures.promoting import zipped

SLEEPS = "time.sleep(seconds)"
# A call that is to take long goes on once the file is there that its name names.
WAITS = """while seconds and not Path(name).exists():
            Path(f"{name}.begun").touch()
            time.sleep(0.02)"""


def test_a_promoted_training_answers_the_next_call_and_a_rollback_the_one_after(greeter: Greeter) -> None:
    assert greeter.said(name="Ada") == "hello Ada"
    for word in ("hi", "ciao"):
        greeter.promotions.promote(greeter.left(word))
        assert greeter.said(name="Ada") == f"{word} Ada"
    for wanted, word in ((None, "hi"), (2, "ciao"), (0, "hello")):
        greeter.promotions.rollback(greeter.name, wanted)
        assert greeter.said(name="Ada") == f"{word} Ada"


def test_pages_tell_the_version_that_answers(greeter: Greeter) -> None:
    at = f"{greeter.whisk.apihost}/api/v1/web/guest/models/{greeter.name}/v2/models/{greeter.name}/"
    assert "promoted" not in requests.get(at, timeout=60).json()
    place = greeter.left("hi")
    decision = greeter.promotions.promote(place)

    told = requests.get(at, timeout=60).json()
    assert told["promoted"] == {"version": 1, "training": place.uuid, "sha256": decision.body()["sha256"]}


def test_under_load_every_answer_is_of_one_version_or_the_other_and_none_fails(greeter: Greeter) -> None:
    stop = threading.Event()
    words = ["hello"]

    def ask() -> list[str]:
        said = []
        while not stop.is_set():
            said.append(greeter.said(seconds=0.05))
        return said

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask) for _ in range(3)]
        try:
            for word in ("hi", "ciao"):
                greeter.promotions.promote(greeter.left(word))
                words.append(word)
                assert greeter.said() == f"{word} you"
            greeter.promotions.rollback(greeter.name, 1)
            assert greeter.said() == "hi you"
        finally:
            stop.set()
        answers = [each for asked in asking for each in asked.result()]

    assert {each.removesuffix(" you") for each in answers} <= set(words)
    assert len(answers) >= 3


def test_a_call_under_way_ends_in_the_version_that_began_it(greeter: Greeter, tmp_path: Path) -> None:
    assert SLEEPS in MODEL
    (greeter.folder / "catalog" / greeter.name / "model.py").write_text(MODEL.replace(SLEEPS, WAITS))
    greeter.deploy()
    gate, begun = tmp_path / "gate", tmp_path / "gate.begun"
    greeter.said()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(greeter.said, name=str(gate), seconds=1)
        assert until(begun.exists)
        greeter.promotions.promote(greeter.left("hi"))
        assert greeter.said() == "hi you"
        gate.touch()
        assert slow.result() == f"hello {gate}"


def test_two_promotions_at_once_leave_the_newest_in_the_containers(greeter: Greeter) -> None:
    places = {word: greeter.left(word) for word in ("a", "b", "c", "d")}
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(greeter.promotions.promote, places.values()))

    found = greeter.promotions.versions.all(greeter.name)
    assert [each.version for each in found] == [1, 2, 3, 4]
    words = {place.uuid: word for word, place in places.items()}
    assert greeter.said() == f"{words[str(found[-1].training)]} you"


def test_a_poisoned_artifact_is_refused_and_the_old_version_goes_on(greeter: Greeter) -> None:
    greeter.promotions.promote(greeter.left("hi"))
    poisoned = [greeter.left("no", sha256="0" * 64), greeter.left("no")]
    greeter.store.put(BUCKET, poisoned[1].attempt(1).artifact, zipped({"../word.txt": b"no"}))
    for place in poisoned:
        with pytest.raises(TrainingError, match="refused"):
            greeter.promotions.promote(place, force=True)
    assert greeter.said() == "hi you"


@pytest.mark.parametrize("harm", ["swapped", "gone"])
def test_an_artifact_that_changed_after_its_promotion_does_not_begin(greeter: Greeter, harm: str) -> None:
    place = greeter.left("hi")
    greeter.promotions.promote(place)
    if harm == "swapped":
        greeter.store.put(BUCKET, place.attempt(1).artifact, zipped({"word.txt": b"evil"}))
        said = "is refused: its sha256 is"
    else:
        written = Version(2, 2, "promoted", "2026-01-01T00:00:00Z", training="t", sha256="0")
        gone = {**written.body(), "key": f"{greeter.name}/{'0' * 32}/attempts/1/artifact.zip"}
        greeter.store.put(BUCKET, version(greeter.name, 2), json.dumps(gone).encode())
        greeter.promotions.settle(greeter.name)
        said = "cannot be had: there is nothing at"

    with pytest.raises(WhiskError, match=said):
        greeter.said()
    greeter.promotions.rollback(greeter.name, 0)
    assert greeter.said() == "hello you"


def test_a_deployment_keeps_what_was_promoted(greeter: Greeter) -> None:
    greeter.promotions.promote(greeter.left("hi"))
    assert greeter.deploy() == []

    greeter.write("title: A greeter\nsummary: Greets with a word\n")
    assert greeter.deploy() == [f"update action models/{greeter.name}"]
    assert greeter.said() == "hi you"
    assert greeter.promotions.settle(greeter.name) is False


def test_an_export_leaves_out_what_was_promoted(greeter: Greeter) -> None:
    greeter.promotions.promote(greeter.left("hi"))
    found = compose(collect(Chosen(project=greeter.name), greeter.whisk, Gateway(greeter.whisk)))
    assert "DEEPWHISK_ARTIFACT" not in found.text
    assert any(f"models/{greeter.name}: it serves a training" in note for note in found.notes)


def test_containers_that_are_kept_warm_have_the_promoted_version_before_anybody_calls(
    greeter: Greeter,
) -> None:
    annotations = [{"key": "min-warm", "value": 1}]
    greeter.whisk.put("actions", f"models/{greeter.name}", {"annotations": annotations})
    place = greeter.left("hi")
    greeter.promotions.promote(place)

    def warm() -> bool:
        asked = greeter.whisk.list("activations", name="training/artifact", docs=True, limit=20)
        told = [each["response"]["result"].get("training") for each in asked]
        status = requests.get(f"{greeter.whisk.apihost}/metrics", timeout=60).text
        return place.uuid in told and "containers_starting 0" in status

    assert until(warm, 60)
    activation = greeter.whisk.invoke(f"models/{greeter.name}")
    assert activation["response"]["result"]["said"] == "hi you"
    greeter.whisk.put("actions", f"models/{greeter.name}", {"delAnnotations": ["min-warm"]})
