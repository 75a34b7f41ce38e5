"""A real engine with real containers: what only the whole can show."""

import base64
import http.client
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import requests

from fixtures.engine import ECHO, Engine, wait_until

FEED = (
    "def main(args):\n"
    "    wanted = ('lifecycleEvent', 'triggerName', 'authKey', 'every')\n"
    "    return {key: args.get(key) for key in wanted}\n"
)
SLEEPS = "import time\ndef main(args):\n    time.sleep(args.get('for', 0))\n    return {}\n"
WAITS = (
    "import pathlib, time\n"
    "def main(args):\n"
    "    if 'in' in args:\n"
    "        pathlib.Path(args['in'], 'reached').touch()\n"
    "        while not pathlib.Path(args['in'], 'gate').exists(): time.sleep(0.02)\n"
    "    return args\n"
)


class Client:
    def __init__(self, engine: Engine) -> None:
        self.base = f"{engine.apihost}/api/v1"
        self._auth = tuple(engine.auth.split(":"))

    def __call__(self, method: str, path: str, body: Any = None) -> requests.Response:
        url = f"{self.base}/namespaces/_/{path}"
        return requests.request(method, url, json=body, auth=self._auth, timeout=90)

    def make(self, name: str, code: str = ECHO, **members: Any) -> None:
        exec_ = {"kind": "python:default", "code": code, **members.pop("exec", {})}
        answer = self("PUT", f"actions/{name}?overwrite=true", {"exec": exec_, **members})
        assert answer.status_code == 200, answer.text

    def result(self, name: str, payload: Any = None) -> tuple[int, Any]:
        answer = self("POST", f"actions/{name}?blocking=true&result=true", payload or {})
        return answer.status_code, answer.json()

    def record(self, activation_id: str) -> Any:
        return wait_until(
            lambda: (answer := self("GET", f"activations/{activation_id}")).ok and answer.json()
        )


@pytest.fixture
def client(engine: Engine) -> Client:
    return Client(engine)


def notes(record: dict[str, Any]) -> dict[str, Any]:
    return {note["key"]: note["value"] for note in record["annotations"]}


def test_the_first_call_is_cold_and_the_next_is_not(client: Client) -> None:
    client.make("warm")
    first, second = (client("POST", "actions/warm?blocking=true", {"n": n}).json() for n in (1, 2))

    assert first["response"]["result"] == {"n": 1}
    assert notes(first)["initTime"] >= 0
    assert "initTime" not in notes(second)


def test_what_is_printed_is_in_the_record(client: Client) -> None:
    client.make(
        "prints",
        "import sys\ndef main(args):\n    print('one')\n    print('two', file=sys.stderr)\n    return {}\n",
    )
    answer = client("POST", "actions/prints?blocking=true").json()
    logs = client("GET", f"activations/{answer['activationId']}/logs").json()["logs"]

    assert answer["logs"] == []
    assert sorted(line.split(" ", 1)[1].strip() for line in logs) == ["stderr: two", "stdout: one"]


def test_a_time_limit_says_how_long_it_was(client: Client) -> None:
    client.make("slow", SLEEPS, limits={"timeout": 1000})
    client.make(
        "slowinit", "import time\ntime.sleep(30)\ndef main(args):\n    return {}\n", limits={"timeout": 1000}
    )

    wait_until(lambda: client.result("slow") == (200, {}))  # it is not the start that takes so long
    assert client.result("slow", {"for": 30}) == (
        502,
        {"error": "The action exceeded its time limits of 1000 milliseconds."},
    )
    error = "The action exceeded its time limits of 1000 milliseconds during initialization."
    assert client.result("slowinit") == (502, {"error": error})
    newest = client("GET", "activations?name=slow&docs=true&limit=1").json()[0]
    assert notes(newest)["timeout"] is True


def test_an_answer_over_a_mebibyte_is_cut(client: Client) -> None:
    client.make("large", "def main(args):\n    return {'x': 'y' * (1 << 20)}\n")
    status, result = client.result("large")

    assert status == 502
    assert result["error"].startswith("The action produced a response that exceeded the allowed length: 1048")
    assert "> 1048576 bytes. The truncated response was:" in result["error"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("def main(args):\n    raise ValueError('kaput')\n", "kaput"),
        ("def main(args):\n    return 7\n", "The action did not return a dictionary or array."),
    ],
)
def test_an_action_that_fails_says_so_and_the_next_call_works(client: Client, code: str, error: str) -> None:
    client.make("fails", code)
    assert client.result("fails") == (502, {"error": error})
    client.make("fails")
    assert client.result("fails", {"n": 1}) == (200, {"n": 1})


def test_a_zip_runs(client: Client) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(
            "__main__.py", "from other import VALUE\n\ndef main(args):\n    return {'zip': VALUE}\n"
        )
        archive.writestr("other.py", "VALUE = 5\n")
    client.make("zipped", base64.b64encode(file.getvalue()).decode())

    assert client.result("zipped") == (200, {"zip": 5})


def test_an_action_speaks_to_its_engine_with_the_key_it_asked_for(client: Client) -> None:
    code = (
        "import json, os, urllib.request, base64\n"
        "def main(args):\n"
        "    key = base64.b64encode(os.environ['__OW_API_KEY'].encode()).decode()\n"
        "    url = os.environ['__OW_API_HOST'] + '/api/v1/namespaces'\n"
        "    request = urllib.request.Request(url, headers={'Authorization': 'Basic ' + key})\n"
        "    return {'namespaces': json.load(urllib.request.urlopen(request))}\n"
    )
    client.make("calls", code, annotations=[{"key": "provide-api-key", "value": True}])

    assert client.result("calls") == (200, {"namespaces": ["guest"]})


def test_a_feed_is_created_and_deleted_as_wsk_does(client: Client, engine: Engine) -> None:
    client("PUT", "packages/feeds?overwrite=true", {})
    client.make("feeds/alarm", FEED, annotations=[{"key": "feed", "value": True}])
    annotation = {"key": "feed", "value": "/_/feeds/alarm"}
    created = client("PUT", "triggers/fed?overwrite=false", {"name": "fed", "annotations": [annotation]})
    event = {"triggerName": "/_/fed", "authKey": engine.auth, "every": "hour"}
    path = "actions/feeds/alarm?blocking=true&result=false"

    assert created.status_code == 200
    for lifecycle in ("CREATE", "READ", "DELETE"):
        answer = client("POST", path, {**event, "lifecycleEvent": lifecycle})
        assert answer.status_code == 200
        assert answer.json()["response"]["result"] == {**event, "lifecycleEvent": lifecycle}
    assert [feed["name"] for feed in client("GET", "packages/feeds").json()["feeds"]] == ["alarm"]
    assert client("DELETE", "triggers/fed").json()["annotations"] == [annotation]


def test_a_web_action_answers_a_browser(client: Client) -> None:
    client.make(
        "page",
        "def main(args):\n    return {'html': '<p>' + args['name']}\n",
        annotations=[{"key": "web-export", "value": True}],
    )
    answer = requests.get(f"{client.base}/web/guest/default/page.html?name=ä", timeout=60)

    assert (answer.status_code, answer.text) == (200, "<p>ä")
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"


def test_environments_are_listed(engine: Engine) -> None:
    found = requests.get(f"{engine.apihost}/environments", timeout=60).json()

    assert {"digest", "state", "phase", "packages", "since"} <= set(found[0])


def test_what_is_as_deep_as_json_may_be_goes_through_a_container(client: Client) -> None:
    client.make("deep")
    for depth in (300, 900):
        payload: dict[str, Any] = {}
        for _ in range(depth - 1):
            payload = {"a": payload}
        raw = json.dumps(payload)

        answer = requests.post(
            f"{client.base}/namespaces/_/actions/deep?blocking=true&result=true",
            data=raw,
            headers={"Content-Type": "application/json"},
            auth=client._auth,
            timeout=60,
        )

        assert (answer.status_code, answer.text.count('"a":')) == (200, depth - 1)


def call_and_leave(client: Client, folder: Path) -> None:
    """A call of WAITS whose caller leaves while it runs."""
    key = base64.b64encode(":".join(client._auth).encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {key}"}
    caller = http.client.HTTPConnection(client.base.split("/")[2], timeout=60)
    body = json.dumps({"in": str(folder)})
    caller.request("POST", "/api/v1/namespaces/_/actions/left?blocking=true", body, headers)
    wait_until((folder / "reached").exists)
    caller.close()
    (folder / "gate").touch()


def test_a_caller_who_leaves_costs_neither_the_record_nor_the_container(
    client: Client, tmp_path: Path
) -> None:
    client.make("left", WAITS)
    client.result("left")
    call_and_leave(client, tmp_path)

    found = wait_until(
        lambda: [
            one
            for one in client("GET", "activations?name=left&docs=true").json()
            if one["response"]["result"] == {"in": str(tmp_path)}
        ]
    )
    assert found[0]["response"]["success"]
    record = client("POST", "actions/left?blocking=true", {}).json()
    assert "initTime" not in notes(record)
