"""The REST API of a model behind its raw web action, on a whole machine: what only that way can go wrong."""

import requests

from fixtures.machine import ROOT, Machine

CAT = ROOT / "catalog" / "object-detection" / "example" / "cat.jpg"


def base(machine: Machine, name: str) -> str:
    return f"{machine.running.apihost}/api/v1/web/guest/models/{name}"


def test_a_path_without_its_last_slash_leads_to_the_one_with_it_on_the_same_host(machine: Machine) -> None:
    at = base(machine, "language-identification")
    model = "/v2/models/language-identification"
    answer = requests.get(f"{at}{model}?a=1", allow_redirects=False, timeout=60)
    path = at.removeprefix(machine.running.apihost) + model
    assert (answer.status_code, answer.headers["Location"]) == (308, f"{path}/?a=1")
    answer = requests.post(f"{at}{model}/predict", json={"text": "Wie spät ist es?"}, timeout=60)
    assert answer.json()["predictions"]["language"] == "de"


def test_an_answer_of_another_type_arrives_as_it_is(machine: Machine) -> None:
    at = f"{base(machine, 'object-detection')}/v2/models/object-detection/predict/"
    for header, kind, start in (
        ("image/png", "image/png", b"\x89PNG"),
        ("application/json, text/plain, */*", "application/json", b'{"status":"OK"'),
    ):
        with CAT.open("rb") as image:
            answer = requests.post(at, files={"image": image}, headers={"Accept": header}, timeout=120)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == kind
        assert answer.content.startswith(start)


def test_the_descriptions_begin_where_the_web_action_does(machine: Machine) -> None:
    at = base(machine, "language-identification")
    path = at.removeprefix(machine.running.apihost)
    assert requests.get(f"{at}/swagger.json", timeout=60).json()["basePath"] == path
    assert requests.get(f"{at}/openapi.json", timeout=60).json()["servers"] == [{"url": path}]
    answer = requests.get(f"{at}/ui", allow_redirects=False, timeout=60)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{path}/api")


def test_arguments_that_do_not_fit_are_named_in_the_words_of_v2(machine: Machine) -> None:
    at = f"{base(machine, 'language-identification')}/v2/models/language-identification/predict/"
    answer = requests.post(f"{at}?top=x", data={"other": "1"}, timeout=60)
    assert (answer.status_code, answer.json()) == (
        422,
        {"text": ["Missing data for required field."], "top": ["Not a valid integer."]},
    )
    answer = requests.post(at, data=b"{", headers={"Content-Type": "application/json"}, timeout=60)
    assert (answer.status_code, answer.json()) == (400, {"json": ["Invalid JSON body."]})


def test_trainings_over_a_web_action_are_for_who_has_the_key(machine: Machine) -> None:
    at = f"{base(machine, 'language-identification')}/v2/models/language-identification/train/"
    answer = requests.get(at, timeout=60)
    assert (answer.status_code, answer.headers["WWW-Authenticate"][:5]) == (401, "Basic")
    assert "needs your OpenWhisk key" in answer.json()["error"]["message"]
    answer = requests.post(at, timeout=60)
    assert (answer.status_code, "cannot be trained" in answer.text) == (501, True)
