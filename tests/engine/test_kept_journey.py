"""Answers that are kept, through a real engine: over a web action, across containers, not versions."""

import base64
import io
import zipfile
from typing import Any

import requests

from fixtures.engine import Engine

COUNTER = '''"""Counts how often it is asked."""
class Model:
    deterministic = True
    def load(self):
        self.asked = 0
    def predict(self, word: str) -> dict:
        self.asked += 1
        return {"letters": len(word) + EXTRA, "asked": self.asked}
EXTRA = 0
'''


def put(engine: Engine, source: str) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("model.py", source)
    body = {
        "exec": {"kind": "python:3", "code": base64.b64encode(held.getvalue()).decode()},
        "annotations": [{"key": "web-export", "value": True}, {"key": "raw-http", "value": True}],
    }
    path = f"{engine.apihost}/api/v1/namespaces/_/actions/kept-answers?overwrite=true"
    auth = tuple(engine.auth.split(":"))
    assert requests.put(path, json=body, auth=(auth[0], auth[1]), timeout=60).status_code == 200


def ask(engine: Engine, **headers: str) -> tuple[str | None, Any]:
    path = f"{engine.apihost}/api/v1/web/guest/default/kept-answers/v2/models/kept-answers/predict/"
    answer = requests.post(path, json={"word": "three"}, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.headers.get("X-Cache"), answer.json()["predictions"]


def test_a_web_action_says_whether_its_model_was_asked(engine: Engine) -> None:
    put(engine, COUNTER)
    assert ask(engine) == ("miss", {"letters": 5, "asked": 1})
    assert ask(engine) == ("hit", {"letters": 5, "asked": 1})
    assert ask(engine, **{"Cache-Control": "no-store"}) == ("bypass", {"letters": 5, "asked": 2})

    put(engine, COUNTER.replace("EXTRA = 0", "EXTRA = 1"))
    assert ask(engine) == ("miss", {"letters": 6, "asked": 1})
    put(engine, COUNTER)  # in another container, whose model is never asked
    assert ask(engine) == ("hit", {"letters": 5, "asked": 1})
    assert list((engine.state / "answers").glob("??/*"))
