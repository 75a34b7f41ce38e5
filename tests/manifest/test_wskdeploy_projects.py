"""Projects written for wskdeploy, read as it reads them: a folder for each thing that its own suite is about.

`expected.json` beside a manifest is what is sent to a server whose kinds are those below.
"""

import json
from pathlib import Path

import pytest

from deepwhisk.manifest import Environ, Manifest, find_origin, parse
from fixtures.bodies import normal

PROJECTS = Path(__file__).parents[1] / "data" / "wskdeploy"
ENVIRON = {
    "ACTION": "greet",
    "BOUND": "utils",
    "FILE_NAME": "hello",
    "PACKAGE": "wd-named",
    "PAYLOAD": "tick",
    "PERSON": "Ada",
    "PLACE": "Lugano",
    "PROJECT": "named",
    "REGISTRY": "registry.example",
    "USER_OF_IT": "someone",
}
DEFAULTS = {
    "go": "go:1.20",
    "java": "java:8",
    "nodejs": "nodejs:20",
    "php": "php:8.0",
    "python": "python:3.11",
    "ruby": "ruby:2.5",
    "swift": "swift:5.7",
}
KNOWN = frozenset([*DEFAULTS.values(), "python:3"])
NAMES = [
    *("bare", "conductor", "feeds", "images", "include", "languages", "managed"),
    *("names", "routes", "settings", "shared", "web"),
]


def read(name: str, manifest: str = "manifest.yaml") -> Manifest:
    folder = PROJECTS / name
    origin = find_origin(folder, folder / manifest)
    return parse(origin.text, origin.source(Environ(ENVIRON), DEFAULTS, KNOWN))


def warnings(name: str) -> str:
    return "\n".join(read(name).warnings)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_sent_is_what_the_manifest_says(name: str) -> None:
    expected = json.loads((PROJECTS / name / "expected.json").read_text())
    ours = [
        {"path": f"{entity.collection}/{entity.name}", "body": normal(entity.body)}
        for entity in read(name).entities
    ]
    assert ours == expected


def test_feeds_get_what_the_deployment_file_says() -> None:
    feeds = {entity.name: entity.feed for entity in read("feeds").entities if entity.feed}
    assert feeds["nightly"].name == "/whisk.system/alarms/alarm"
    assert feeds["nightly"].inputs == {
        "cron": "0 4 * * *",
        "maxTriggers": 2,
        "trigger_payload": {"night": True},
    }
    assert (feeds["by-binding"].name, feeds["by-binding"].inputs) == ("/_/ticks/interval", {"minutes": 5})


def test_what_the_manifest_does_not_have_is_a_warning_of_the_deployment_file() -> None:
    assert "deployment.yaml:5: there is no trigger gone in the manifest" in warnings("feeds")
    found = warnings("settings")
    assert "deployment.yml:14: there is no action first/nobody" in found
    assert "deployment.yml:21: there is no package third" in found
    assert "deployment.yml:13: function of hello belongs into the manifest" in found


def test_the_endpoint_is_the_deployment_files_where_it_says_one() -> None:
    endpoint = read("settings").endpoint
    assert (endpoint.apihost, endpoint.auth, endpoint.namespace) == (
        "deployment.example",
        "someone:secret",
        "_",
    )


def test_routes_are_rooted_and_have_the_response_that_their_path_asks_for() -> None:
    routes = [(api.method, api.base + api.path, api.action, api.response) for api in read("routes").apis]
    assert routes == [
        ("get", "/club/books", "books/list", "json"),
        ("put", "/club/books", "books/put", "http"),
        ("get", "/club/books/{isbn}", "books/get", "http"),
        ("delete", "/club/books/{isbn}", "books/drop", "http"),
        ("post", "/club/everything/{a}/and/{a}", "books/all", "http"),
        ("get", "/v2/", "books/list", "text"),
    ]
    assert "manifest.yaml:17: the route book-club: books/get has no web-export" in warnings("routes")


def test_a_project_that_is_needed_is_read_once_and_keeps_its_own_name() -> None:
    (lender,) = read("shared").dependencies
    assert lender.project == "lender"
    assert [entity.name for entity in lender.entities] == ["words", "words/count"]


def test_runtimes_that_the_server_does_not_have_are_mended_with_a_warning() -> None:
    found = warnings("languages")
    assert "manifest.yaml:5: action tongues/py-old: the runtime python:2 is not on the server" in found
    assert "action tongues/py-wrong: the runtime nodejs:20 is not of python" in found
    assert "it is deployed as nodejs:20" in found


def test_limits_that_nobody_can_set_are_a_warning() -> None:
    found = warnings("web")
    assert "manifest.yaml:15: action pages/limited: the limit memorySize is 64, less than the least" in found
    assert "the limit concurrentActivations belongs to the server" in found


def test_the_projects_name_and_its_hash_are_those_that_wskdeploy_gives() -> None:
    manifest = read("managed")
    assert manifest.project == "kept"
    assert len(manifest.hash) == 40
    assert "packages.kept-one.feeds: it is read and not deployed" in warnings("managed")


@pytest.mark.parametrize(
    ("manifest", "deployment"),
    [
        ("manifest.yaml", "deployment.yaml"),
        ("manifest.yml", "deployment.yml"),
        ("any-name.yaml", "other.yml"),
        ("any-name.yml", "other.yaml"),
    ],
)
def test_the_two_files_may_have_any_name(tmp_path: Path, manifest: str, deployment: str) -> None:
    (tmp_path / manifest).write_text("packages: {p: {triggers: {t: {inputs: {a: 1}}}}}")
    (tmp_path / deployment).write_text("packages: {p: {triggers: {t: {inputs: {a: 2}}}}}")
    standard = manifest.startswith("manifest")
    origin = (
        find_origin(tmp_path)
        if standard
        else find_origin(tmp_path, tmp_path / manifest, tmp_path / deployment)
    )
    found = parse(origin.text, origin.source(Environ()))
    assert found.entities[-1].body["parameters"] == [{"key": "a", "value": 2}]
    assert found.file == manifest
