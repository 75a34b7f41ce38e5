"""The stock `wsk`, where PATH has one: a script over everything that it manages."""

import uuid
import zipfile
from pathlib import Path

import pytest
import requests

from fixtures.engine import Engine, wait_until
from fixtures.foreign import Binary

pytestmark = pytest.mark.go_binary
HELLO = "def main(args):\n    print('said')\n    return {'hello': args.get('name', 'nobody'), 'all': args}\n"
FEED = "def main(args):\n    return {'event': args['lifecycleEvent'], 'every': args.get('every')}\n"
NOT_FOUND, CONFLICT, BAD_REQUEST, UNAUTHORIZED, FAILED = 148, 153, 144, 145, 246  # HTTP status − 256


@pytest.fixture
def name(tmp_path: Path) -> str:
    """A name that no other test has, in a folder with the code of actions."""
    (tmp_path / "hello.py").write_text(HELLO)
    (tmp_path / "feed.py").write_text(FEED)
    (tmp_path / "error.py").write_text("def main(args):\n    return {'error': 'sorry'}\n")
    (tmp_path / "web.py").write_text("def main(args):\n    return {'body': args.get('name', 'nobody')}\n")
    (tmp_path / "args.json").write_text('{"name": "of a file"}')
    with zipfile.ZipFile(tmp_path / "hello.zip", "w") as archive:
        archive.writestr("__main__.py", "from other import main\n")
        archive.writestr("other.py", HELLO)
    return f"wsk-{uuid.uuid4().hex[:8]}"


def test_properties_and_namespaces_are_shown(wsk: Binary, engine: Engine) -> None:
    assert "guest" in wsk.well("namespace list").out
    assert engine.apihost in wsk.well("property get --apihost").out
    assert "deepwhisk" in wsk.well("property get --apibuildno").out
    for line in ("property get --all", "namespace get", "list"):
        wsk.well(line)


def test_an_action_lives_and_ends(wsk: Binary, name: str) -> None:
    wsk.well(f"action create {name} hello.py -p name Ada -a why because -m 256 -t 30000 -l 5")
    got = wsk.well(f"action get {name}").json
    assert got["limits"] == {"timeout": 30000, "memory": 256, "logs": 5, "concurrency": 1}
    assert {"key": "name", "value": "Ada"} in got["parameters"]
    assert {"key": "why", "value": "because"} in got["annotations"]
    wsk.well(f"action update {name} -a more 1 --del-annotation why")
    keys = {each["key"] for each in wsk.well(f"action get {name}").json["annotations"]}
    assert "more" in keys
    assert "why" not in keys
    assert name in wsk.well("action list --limit 200").out
    wsk.well(f"action get {name} --save-as saved.py")
    assert (wsk.folder / "saved.py").read_text() == HELLO
    assert wsk("action", "create", name, "hello.py").code == CONFLICT
    assert wsk("action", "create", f"{name}-2", "hello.py", "-t", "10").code == BAD_REQUEST
    wsk.well(f"action delete {name}")
    assert wsk("action", "get", name).code == NOT_FOUND


def test_an_action_is_invoked_in_each_way(wsk: Binary, name: str) -> None:
    wsk.well(f"action create {name} hello.py")
    wsk.well(f"action create {name}-zip hello.zip --kind python:default")
    wsk.well(f"action create {name}-seq --sequence {name},{name}-zip")
    wsk.well(f"action create {name}-err error.py")

    assert wsk.well(f"action invoke {name} -r -p name Grace -p n 1").json["all"] == {"name": "Grace", "n": 1}
    assert wsk.well(f"action invoke {name} -r -P args.json").json["hello"] == "of a file"
    assert wsk.well(f"action invoke /guest/{name} -b").json["response"]["status"] == "success"
    assert wsk.well(f"action invoke {name}-seq -r").json["all"]["hello"] == "nobody"
    assert "with id" in wsk.well(f"action invoke {name}").out
    assert wsk("action", "invoke", f"{name}-err", "-b").code == FAILED
    for end in ("", "-zip", "-seq", "-err"):
        wsk.well(f"action delete {name}{end}")


def test_an_activation_can_be_looked_up(wsk: Binary, name: str) -> None:
    wsk.well(f"action create {name} hello.py")
    one = wsk.well(f"action invoke {name} -b").json["activationId"]
    wait_until(lambda: "said" in wsk("activation", "logs", one).out)

    assert wsk.well(f"activation get {one}").json["name"] == name
    assert wsk.well(f"activation result {one}").json["hello"] == "nobody"
    assert wsk.well(f"activation logs {one} --strip").out.strip() == "said"
    assert one in wsk.well(f"activation list {name}").out
    assert wsk("activation", "get", "0" * 32).code == NOT_FOUND
    wsk.well(f"action delete {name}")


def test_packages_are_bound_and_deleted(wsk: Binary, name: str) -> None:
    wsk.well(f"package create {name} -p name Zoe --shared yes")
    wsk.well(f"package bind {name} {name}-bound -p name Bound")
    wsk.well(f"action create {name}/hello hello.py")

    assert wsk.well(f"action invoke {name}-bound/hello -r").json["hello"] == "Bound"
    assert [each["name"] for each in wsk.well(f"package get {name}").json["actions"]] == ["hello"]
    assert f"{name}-bound" in wsk.well("package list --limit 200").out
    assert wsk("package", "delete", name).code == CONFLICT
    for line in (f"package delete {name}-bound", f"action delete {name}/hello", f"package delete {name}"):
        wsk.well(line)


def test_triggers_rules_and_feeds_work_together(wsk: Binary, name: str) -> None:
    wsk.well(f"action create {name} hello.py")
    wsk.well(f"action create {name}-feed feed.py -a feed true")
    wsk.well(f"trigger create {name}-t -p name Tim")
    wsk.well(f"trigger create {name}-fed --feed /_/{name}-feed -p every day")
    wsk.well(f"rule create {name}-r {name}-t {name}")
    assert "is active" in wsk.well(f"rule status {name}-r").out
    wsk.well(f"rule disable {name}-r")
    assert "is inactive" in wsk.well(f"rule status {name}-r").out
    wsk.well(f"rule enable {name}-r")
    assert "with id" in wsk.well(f"trigger fire {name}-t -p place here").out
    wait_until(lambda: f"/{name}:" in wsk("activation", "list", name).out)
    assert wsk.well(f"trigger get {name}-fed").json
    for line in ("trigger list", "rule list"):
        assert name in wsk.well(f"{line} --limit 200").out
    for line in (f"rule delete {name}-r", f"trigger delete {name}-t", f"trigger delete {name}-fed"):
        wsk.well(line)
    wsk.well(f"action delete {name}")
    wsk.well(f"action delete {name}-feed")


def test_web_actions_and_routes_answer(wsk: Binary, engine: Engine, name: str) -> None:
    wsk.well(f"action create {name} web.py --web true")
    address = f"{engine.apihost}/api/v1/web/guest/default/{name}.http"
    assert requests.get(address, {"name": "Ada"}, timeout=60).text == "Ada"
    wsk.well(f"api create /{name} /rel get {name} --response-type http")
    routed = f"{engine.apihost}/api/guest/{name}/rel"
    assert requests.get(routed, {"name": "Ada"}, timeout=60).text == "Ada"
    assert f"/{name}" in wsk.well("api list").out
    assert wsk.well(f"api get /{name}").json["basePath"] == f"/{name}"
    wsk.well(f"api delete /{name}")
    wsk.well(f"action delete {name}")


def test_a_wrong_key_is_refused(wsk: Binary) -> None:
    wrong = "23bc46b1-71f6-4ed5-8c54-816aa4f8c502:" + "x" * 64
    assert wsk("action", "list", "--auth", wrong).code == UNAUTHORIZED
