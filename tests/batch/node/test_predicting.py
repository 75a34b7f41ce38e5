"""Predictions as jobs, and modules from outside: the same node does them."""

import json

from fixtures.attempts import Attempts

ANSWERS = """
    from pathlib import Path
    class Model:
        def predict(self, text: str, image: Path | None = None, as_file: bool = False):
            if as_file:
                return Path(__file__)
            return {"text": text, "size": image and image.stat().st_size}
"""
MODULE = """
def get_train_args():
    from webargs import fields
    return {"epochs": fields.Int(load_default=2), "name": fields.Str(required=True)}
def train(**given):
    for epoch in range(given["epochs"]):
        yield {"epoch": epoch, "name": given["name"]}
    return {"trained": given["name"]}
def predict(**given):
    return 1
"""
ABOUT = {
    "METADATA": "Metadata-Version: 2.1\nName: from-outside\nVersion: 1.0\n",
    "entry_points.txt": "[deepaas.v2.model]\nfrom-outside = from_outside\n",
    "RECORD": "",
}


def test_a_prediction_is_in_the_result_and_in_an_object_of_its_own(attempts: Attempts) -> None:
    attempt = attempts(ANSWERS, {"text": "$(id) ü"}, kind="predict")
    attempt.give("image", "a.jpg", b"12345")

    result = attempt.run()
    expected = {"text": "$(id) ü", "size": 5}
    assert (result["state"], result["output"], result["artifact"]) == ("done", expected, None), attempt.said
    assert json.loads(attempt.read("answer")) == expected
    assert result["answer"]["contentType"] == "application/json"


def test_an_answer_that_is_a_file_is_laid_down_as_it_is(attempts: Attempts) -> None:
    attempt = attempts(ANSWERS, {"text": "", "as_file": True}, kind="predict")

    result = attempt.run()
    assert result["answer"]["filename"] == "model.py"
    assert b"class Model" in attempt.read("answer")
    assert "$bytes" in result["output"]


def test_arguments_of_a_prediction_that_do_not_fit_are_an_error(attempts: Attempts) -> None:
    result = attempts(ANSWERS, {}, kind="predict").run()

    assert (result["state"], result["phase"]) == ("error", "arguments")


def test_a_module_from_outside_is_trained(attempts: Attempts) -> None:
    beside = {f"module/from_outside-1.0.dist-info/{name}": text for name, text in ABOUT.items()}
    beside["module/from_outside.py"] = MODULE
    beside["requirements.txt"] = "webargs\n"
    attempt = attempts('MODULE = "from-outside"', {"name": "Zoë"}, files_beside=beside)

    result = attempt.run()
    assert result["state"] == "done", attempt.said
    assert result["output"] == {"trained": "Zoë"}
    assert [line["name"] for line in attempt.metrics] == ["Zoë", "Zoë"]
