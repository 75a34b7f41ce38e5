"""An API before a real engine and a real container, as `wsk` makes it and a visitor uses it."""

from pathlib import Path
from typing import Any

import requests

from fixtures.engine import Engine, start_engine, stop_engine
from fixtures.gateway import APIMGMT, apidoc

BOOK = (
    "def main(args):\n"
    "    number = args['__ow_path'].rsplit('/', 1)[1]\n"
    "    if args['__ow_method'] == 'put':\n"
    "        return {'statusCode': 201, 'headers': {'X-Book': number}, 'body': {'title': args['title']}}\n"
    "    return {'body': {'book': number, 'lang': args.get('lang')}}\n"
)


def manage(engine: Engine, method: str, call: str, body: Any = None, **query: str) -> requests.Response:
    user, key = engine.auth.split(":")
    query = {"accesstoken": "DUMMY TOKEN", "spaceguid": user, **query}
    url = f"{engine.apihost}{APIMGMT}/{call}.http"
    answer = requests.request(method, url, params=query, json=body, auth=(user, key), timeout=60)
    assert answer.status_code == 200, answer.text
    return answer


def make(engine: Engine) -> None:
    body = {
        "exec": {"kind": "python:default", "code": BOOK},
        "annotations": [
            {"key": "web-export", "value": True},
            {"key": "require-whisk-auth", "value": "a-secret"},
        ],
    }
    user, key = engine.auth.split(":")
    url = f"{engine.apihost}/api/v1/namespaces/_/actions/book"
    assert requests.put(url, json=body, auth=(user, key), timeout=60).ok


def test_a_book_club_opens_and_outlives_its_engine(tmp_path: Path, environment_cache: Path) -> None:
    state = tmp_path / "state"
    engine = start_engine(state, environment_cache)
    try:
        make(engine)
        for verb in ("GET", "PUT"):
            doc = apidoc("/club", "/books/{id}", verb, "book", secret="a-secret", apiName="Book Club")
            made = manage(engine, "POST", "createApi", {"apidoc": doc}, responsetype="http").json()
        url = made["gwApiUrl"] + "/books/7"
        got = requests.get(url, params={"lang": "en"}, timeout=60)
        assert (got.status_code, got.json()) == (200, {"book": "7", "lang": "en"})

        engine.process.kill()
        engine.process.wait()
        assert engine.process.stdout is not None
        engine.process.stdout.close()
        engine = start_engine(state, environment_cache)

        [api] = manage(engine, "GET", "getApi", basepath="Book Club").json()["apis"]
        url = api["value"]["gwApiUrl"] + "/books/8"
        put = requests.put(url, json={"title": "Emma"}, timeout=60)
        assert (put.status_code, put.headers["X-Book"], put.json()) == (201, "8", {"title": "Emma"})
        assert requests.post(url, timeout=60).status_code == 405

        manage(engine, "DELETE", "deleteApi", basepath="/club")
        assert requests.get(url, timeout=60).status_code == 404
    finally:
        assert stop_engine(engine) == 0
