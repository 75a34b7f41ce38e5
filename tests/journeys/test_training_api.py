"""The whole loop over the REST API of a model: a training is asked for, runs, is promoted, and answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from deepwhisk.batch.layout import BUCKET
from deepwhisk.objects.store import Store
from deepwhisk.settings import read_wskprops
from fixtures.greeter import MODEL
from fixtures.machine import Machine, run, started, until

pytestmark = pytest.mark.xdist_group("training-api")
ENDED = ("done", "error", "cancelled")
ON_DATA = "resources: {training: {on_data: true}}\n"
ASYNC = "resources: {inference: {async: true}}\n"
SECONDS = 120.0  # a slow machine makes an environment first


@dataclass(frozen=True)
class Api:
    """The REST API of a model behind its web action, with the key of its namespace or none."""

    machine: Machine
    name: str
    auth: tuple[str, str] | None

    @property
    def base(self) -> str:
        return f"{self.machine.running.apihost}/api/v1/web/guest/models/{self.name}"

    def __call__(self, method: str, path: str, **more: Any) -> requests.Response:
        url = path if path.startswith("http") else f"{self.base}/v2/models/{self.name}/{path}"
        return requests.request(method, url, auth=self.auth, timeout=120, **more)

    def ended(self, place: str) -> dict[str, Any]:
        """What stands at a place once it is over."""

        def look() -> dict[str, Any] | None:
            found = self("GET", place).json()
            return dict(found) if found["status"] in ENDED else None

        found = until(look, SECONDS)
        assert found is not None, self("GET", place).text
        return found

    @property
    def store(self) -> Store:
        return self.machine.bucket_store(BUCKET)


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A machine with one trainable model."""
    folder = tmp_path_factory.mktemp("loop")
    done = run("new", "project", str(folder / "p"))
    assert done.returncode == 0, done.stderr
    for name, metadata in (("greeter", ON_DATA), ("slow", ASYNC)):
        place = folder / "p" / "catalog" / name
        place.mkdir()
        (place / "model.py").write_text(MODEL)
        (place / "ai4-metadata.yml").write_text(metadata)
    assert run("manifest", cwd=folder / "p").returncode == 0
    with started(folder, folder / "p") as machine:
        user, _, key = read_wskprops(machine.state.wskprops)["AUTH"].partition(":")
        yield Api(machine, "greeter", (user, key))


def begun(api: Api) -> set[str]:
    """All that was ever begun; of what has ended, something may still be written."""
    return {each.key.split("/")[1] for each in api.store.list(BUCKET, "greeter/")}


def said(api: Api) -> str:
    return str(api("POST", "predict/", json={"name": "Ada"}).json()["predictions"]["said"])


def test_a_training_over_the_api_becomes_the_version_that_answers(loop: Api, tmp_path: Path) -> None:
    before = said(loop)
    answer = loop("POST", "train/", params={"epochs": "2"}, data={"word": "hi 'there' $(id)\n\"é\""})
    assert answer.status_code == 200, answer.text
    training = answer.json()
    assert training["status"] == "running"
    assert training["args"] == {"word": "hi 'there' $(id)\n\"é\"", "epochs": 2, "data": None}
    assert before != f"{training['args']['word']} Ada"

    done = loop.ended(f"train/{training['uuid']}")

    assert (done["status"], done["state"]) == ("done", "done"), done
    assert done["result"]["output"]["accuracy"] == 0.9
    assert {"finish_date", "duration"} <= done["result"].keys()
    assert training["uuid"] in [each["uuid"] for each in loop("GET", "train/").json()]
    assert until(lambda: said(loop) == f"{training['args']['word']} Ada", SECONDS)
    told = loop("GET", "").json()["promoted"]
    assert told["training"] == training["uuid"]


def test_a_file_of_a_training_goes_through_the_store(loop: Api) -> None:
    answer = loop("POST", "train/", data={"word": "x"}, files={"data": ("my set.zip", b"12345")})
    training = answer.json()
    assert training["args"]["data"] == "my set.zip"
    keys = [each.key for each in loop.store.list(BUCKET, f"greeter/{training['uuid']}/files/")]
    assert keys == [f"greeter/{training['uuid']}/files/data/my set.zip"]
    assert loop("DELETE", f"train/{training['uuid']}").status_code == 200
    if loop.ended(f"train/{training['uuid']}")["status"] == "done":  # it was faster than its end
        assert until(lambda: said(loop) == "x Ada", SECONDS)


def test_a_request_without_the_key_is_refused_and_nothing_is_begun(loop: Api) -> None:
    for auth in (None, ("23bc46b1-71f6-4ed5-8c54-816aa4f8c502", "wrong")):
        nobody = Api(loop.machine, "greeter", auth)
        for method, path in (
            ("POST", "train/?word=x"),
            ("GET", "train/"),
            ("GET", f"train/{'0' * 32}"),
            ("DELETE", f"train/{'0' * 32}"),
            ("POST", "predict/?async=true"),
            ("GET", f"predictions/{'0' * 32}"),
        ):
            answer = nobody(method, path)
            assert answer.status_code == 401, (method, path, answer.text)
            assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_arguments_that_do_not_fit_are_named_before_anything_is_begun(loop: Api) -> None:
    before = begun(loop)
    answer = loop("POST", "train/?epochs=99", data={"word": "x"})
    assert answer.status_code == 422
    assert answer.json() == {"epochs": ["Must be greater than or equal to 1 and less than or equal to 10."]}
    assert before == begun(loop)


def test_what_is_not_there_is_told(loop: Api) -> None:
    for path in (f"train/{'0' * 32}", "train/x", f"predictions/{'0' * 32}"):
        assert loop("GET", path).status_code == 404
        assert loop("DELETE", path).status_code == 404
    assert Api(loop.machine, "mood", loop.auth)("POST", "train/").status_code == 501


@pytest.mark.parametrize("name", ["greeter", "slow"])
def test_a_long_prediction_is_answered_where_it_says(loop: Api, name: str) -> None:
    api = Api(loop.machine, name, loop.auth)
    query = {"async": "true"} if name == "greeter" else {}
    files = {"picture": ("p.png", b"123")}
    answer = api("POST", "predict/", params=query, data={"name": "Bob"}, files=files)

    assert answer.status_code == 202, answer.text
    place = f"{loop.machine.running.apihost}{answer.headers['Location']}"
    assert answer.json()["links"][0]["href"] == answer.headers["Location"]
    done = api.ended(place)
    assert done["status"] == "done", done
    assert done["output"]["said"].endswith(" Bob")
    assert done["output"]["size"] == 3
    assert api("GET", f"train/{done['uuid']}").status_code == 404


def test_a_large_answer_of_a_long_prediction_is_a_link_that_is_signed_anew(loop: Api) -> None:
    name = "x" * 300_000
    answer = loop("POST", "predict/?async=true", data={"name": name})
    assert answer.status_code == 202, answer.text[:300]
    place = f"{loop.machine.running.apihost}{answer.headers['Location']}"
    done = loop.ended(place)
    assert "output" not in done
    for link in (done["link"], loop("GET", place).json()["link"]):
        assert requests.get(link, timeout=60).json()["said"].endswith(name)


def test_a_prediction_can_be_had_at_once_from_a_model_that_answers_later(loop: Api) -> None:
    api = Api(loop.machine, "slow", loop.auth)
    answer = api("POST", "predict/?async=false", json={"name": "Bob"})
    assert answer.json()["predictions"]["said"].endswith(" Bob")


def test_a_trigger_trains_and_a_poisoned_artifact_changes_nothing(loop: Api) -> None:
    before = said(loop)
    whisk = loop.machine.whisk
    whisk.fire("train-greeter", {"word": "by trigger", "promote": "by hand"})
    found = until(
        lambda: [each for each in loop("GET", "train/").json() if each["args"].get("word") == "by trigger"]
    )
    uuid = found[0]["uuid"]
    assert loop.ended(f"train/{uuid}")["status"] == "done"
    assert said(loop) == before

    poisoned = whisk.invoke(
        "training/submit", {"model": "greeter", "word": "evil", "promote": "by hand"}, result=True
    )
    loop.ended(f"train/{poisoned['uuid']}")
    loop.store.put(BUCKET, f"greeter/{poisoned['uuid']}/attempts/1/artifact.zip", b"PK no zip")
    with pytest.raises(Exception, match="refused"):
        whisk.invoke("training/promote", {"uuid": poisoned["uuid"], "force": True}, result=True)
    assert said(loop) == before

    whisk.invoke("training/promote", {"uuid": uuid, "force": True}, result=True)
    assert said(loop) == "by trigger Ada"
    whisk.invoke("training/rollback", {"model": "greeter", "version": 0}, result=True)
    assert said(loop) == "hello Ada"


def test_data_that_arrives_is_trained_on_and_the_model_answers_with_it(loop: Api) -> None:
    loop.machine.store.put("datasets", "greeter/ä set+1.txt", b"by data")
    assert until(lambda: said(loop) == "by data Ada", SECONDS)
    assert [each["args"] for each in loop("GET", "train/").json()].count({}) == 1
