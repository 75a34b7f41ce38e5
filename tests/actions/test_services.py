"""The list of deployed models, on a real engine, in a namespace of its own."""

import importlib.util
import json
import re
import uuid
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from deepwhisk.whisk import Whisk
from fixtures.engine import Engine, wait_until

Json = dict[str, Any]
FILE = Path(__file__).parents[2] / "actions" / "services.py"
CALLED = """
def main(args):
    if args.get("crash"):
        raise SystemExit(1)
    return args["answer"]
"""
GOOD: Json = {"answer": {"predictions": []}}
WRONGLY_ASKED: Json = {"answer": {"error": {"phase": "arguments", "status": 422}}}
WRONG_REQUEST: Json = {"answer": {"error": {"statusCode": 422, "body": "{}"}}}
FAILED: Json = {"answer": {"error": {"phase": "predict", "message": "out of order"}}}
FAILED_REQUEST: Json = {"answer": {"error": {"statusCode": 500, "body": "{}"}}}


class Namespace:
    """A namespace with models, and the action that lists them."""

    def __init__(self, whisk: Whisk, listing: ModuleType) -> None:
        self.whisk, self._listing = whisk, listing

    def deploy(self, name: str, **told: Any) -> None:
        self.whisk.put("packages", "models", {})
        notes = [{"key": key, "value": value} for key, value in told.items()]
        exec_ = {"kind": "python:3", "code": CALLED}
        self.whisk.put("actions", f"models/{name}", {"exec": exec_, "annotations": notes})

    def call(self, name: str, payload: Json) -> None:
        """Call a model; its record can be read when this returns."""
        answer = self.whisk.invoke(f"models/{name}", payload, blocking=False)
        wait_until(lambda: self._there(answer["activationId"]))

    def _there(self, activation: str) -> bool:
        return any(one["activationId"] == activation for one in self.whisk.list("activations", limit=20))

    def ask(self, path: str = "", method: str = "get", **headers: str) -> Json:
        """What the action gives to a request."""
        sent = {
            "host": "models.example",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return dict(self._listing.main({"__ow_method": method, "__ow_path": path, "__ow_headers": sent}))

    def only(self) -> Json:
        """The one model that is listed."""
        (service,) = self.ask()["services"]
        return dict(service)


@pytest.fixture(scope="module")
def listing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("services_action", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def namespace(engine: Engine, listing: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Namespace]:
    name = f"n{uuid.uuid4().hex[:8]}"
    system = Whisk(engine.apihost, engine.auth_system)
    auth = system.send("PUT", f"/admin/v1/users/{name}", {})["auth"]
    monkeypatch.setattr(listing, "SECONDS", 60)
    monkeypatch.setenv("__OW_API_HOST", engine.apihost)
    monkeypatch.setenv("__OW_API_KEY", auth)
    monkeypatch.setenv("__OW_ACTION_NAME", f"/{name}/services/services")
    whisk = Whisk(engine.apihost, auth)
    yield Namespace(whisk, listing)
    whisk.close()
    system.close()


class Page(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [str(value) for name, value in attrs if (tag, name) == ("a", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


class TestWhatIsListed:
    def test_nothing_is_listed_where_nothing_is_deployed(self, namespace: Namespace) -> None:
        answer = namespace.ask()

        assert answer["services"] == []
        assert "none is deployed" in answer["html"]
        assert "none is deployed" in answer["text"]

    def test_a_model_tells_what_its_annotations_say_and_where_it_answers(self, namespace: Namespace) -> None:
        namespace.deploy("m", title="Marks", description="Marks m.", license="MIT", version="1.2")

        service = namespace.only()

        base = f"http://models.example/api/v1/web/{namespace.whisk.namespace()}/models/m"
        assert {key: service[key] for key in ("name", "title", "description", "license", "version")} == {
            "name": "m",
            "title": "Marks",
            "description": "Marks m.",
            "license": "MIT",
            "version": "1.2",
        }
        assert service["links"] == {
            "predict": f"{base}/v2/models/m/predict/",
            "ui": f"{base}/api",
            "metadata": f"{base}/v2/models/m/",
        }

    def test_a_model_without_annotations_has_its_name(self, namespace: Namespace) -> None:
        namespace.deploy("m")

        service = namespace.only()

        assert (service["title"], service["description"], service["license"]) == ("m", None, None)
        assert "not said" in namespace.ask()["html"]

    def test_models_are_in_the_order_of_their_names_and_go_with_their_action(
        self, namespace: Namespace
    ) -> None:
        for name in ("b", "c", "a"):
            namespace.deploy(name)
        before = [service["name"] for service in namespace.ask()["services"]]
        namespace.whisk.delete("actions", "models/b")

        assert before == ["a", "b", "c"]
        assert [service["name"] for service in namespace.ask()["services"]] == ["a", "c"]

    def test_more_models_than_a_page_of_the_api_holds_are_all_listed(
        self, namespace: Namespace, listing: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(5):
            namespace.deploy(f"m{number}")
        monkeypatch.setattr(listing.itertools, "repeat", lambda _: iter([2] * 9))

        assert len(namespace.ask()["services"]) == 5

    @pytest.mark.parametrize(
        ("headers", "site"),
        [
            ({"host": "a.example:8080"}, "http://a.example:8080"),
            ({"host": "a.example", "x_forwarded_proto": "https"}, "https://a.example"),
            ({"host": "a", "x_forwarded_host": "b.example"}, "http://b.example"),
            ({"host": '"><script>'}, ""),
        ],
    )
    def test_links_begin_where_the_client_came_in(
        self, namespace: Namespace, headers: dict[str, str], site: str
    ) -> None:
        namespace.deploy("m")

        assert namespace.ask(**headers)["services"][0]["links"]["ui"].startswith(f"{site}/api/v1/web/")


class TestStates:
    def test_a_model_that_nobody_called_is_cold(self, namespace: Namespace) -> None:
        namespace.deploy("m")

        service = namespace.only()

        assert (service["state"], service["since"], service["lastCall"]) == ("cold", None, None)

    def test_a_model_that_answered_is_warm_until_its_container_is_gone(
        self, namespace: Namespace, listing: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        namespace.deploy("m")
        namespace.call("m", GOOD)
        now = namespace.only()
        monkeypatch.setattr(listing, "WARM_SECONDS", 0)

        assert (now["state"], now["since"]) == ("warm", None)
        assert namespace.only()["state"] == "cold"

    @pytest.mark.parametrize("failure", [FAILED, FAILED_REQUEST, {"crash": True}])
    def test_it_is_failing_since_the_first_failure_after_the_last_success(
        self, namespace: Namespace, failure: Json
    ) -> None:
        namespace.deploy("m")
        for payload in (failure, GOOD, failure, WRONGLY_ASKED, failure):
            namespace.call("m", payload)
        starts = [one["start"] for one in namespace.whisk.list("activations", limit=5)]

        service = namespace.only()

        assert service["state"] == "failing"
        assert service["since"] == moment(starts[2])
        assert service["lastCall"] == moment(starts[0])

    @pytest.mark.parametrize("mistake", [WRONGLY_ASKED, WRONG_REQUEST])
    def test_the_mistake_of_a_caller_is_no_failure_of_the_model(
        self, namespace: Namespace, mistake: Json
    ) -> None:
        namespace.deploy("m")
        namespace.call("m", mistake)

        assert namespace.only()["state"] == "warm"

    def test_a_new_deployment_begins_without_a_past(self, namespace: Namespace) -> None:
        namespace.deploy("m")
        namespace.call("m", FAILED)
        before = namespace.only()["state"]
        namespace.deploy("m", title="mended")

        assert (before, namespace.only()["state"]) == ("failing", "cold")

    def test_a_long_row_of_failures_is_looked_at_further(
        self, namespace: Namespace, listing: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listing, "PAGES", (1, 2))
        namespace.deploy("m")
        for _ in range(4):
            namespace.call("m", FAILED)
        starts = [one["start"] for one in namespace.whisk.list("activations", limit=4)]

        assert namespace.only()["since"] == moment(starts[2])

    def test_a_state_that_openwhisk_does_not_tell_is_unknown(
        self, namespace: Namespace, listing: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        namespace.deploy("m")
        asked = listing._ask

        def ask(key: str, path: str, **query: Any) -> Any:
            if path.startswith("activations"):
                raise listing._Refused("it is down")
            return asked(key, path, **query)

        monkeypatch.setattr(listing, "_ask", ask)

        assert namespace.only()["state"] == "unknown"


def moment(milliseconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class TestForms:
    HOSTILE = "<script>alert(1)</script> & \"quoted\" 'text' </title>"

    def test_the_page_escapes_whatever_it_shows(self, namespace: Namespace) -> None:
        namespace.deploy("m", title=self.HOSTILE, description=self.HOSTILE, license=[self.HOSTILE])

        page = Page(namespace.ask()["html"])

        assert "script" not in page.tags
        assert page.text.count("<script>alert(1)</script>") == 3

    def test_the_page_has_headings_a_language_and_nothing_from_elsewhere(self, namespace: Namespace) -> None:
        namespace.deploy("m", title="Marks")
        html = namespace.ask()["html"]
        page = Page(html)

        assert '<html lang="en">' in html
        assert "width=device-width" in html
        assert "prefers-color-scheme: dark" in html
        assert (page.tags.count("h1"), page.tags.count("h2"), page.tags.count("main")) == (1, 1, 1)
        assert not {"script", "img", "iframe"} & set(page.tags)
        assert all(link.startswith("/api/v1/web/") for link in page.links)

    def test_the_text_has_a_paragraph_for_each_model(self, namespace: Namespace) -> None:
        namespace.deploy("m", title="Marks\nand more")
        namespace.deploy("n")
        head, first, second = namespace.ask()["text"].split("\n\n")

        assert head.endswith(": 2 deployed, 2 cold.")
        assert first.startswith("m: cold\n  Marks and more\n")
        assert second.startswith("n: cold\n")

    @pytest.mark.parametrize(
        ("accept", "form"),
        [
            ("*/*", "application/json"),
            ("", "application/json"),
            ("application/json", "application/json"),
            ("application/json, text/plain, */*", "application/json"),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
            ("text/plain;q=0.9, text/html;q=0.1", "text/plain"),
            ("text/*", "text/html"),
        ],
    )
    def test_the_address_with_a_slash_answers_as_the_client_likes_best(
        self, namespace: Namespace, accept: str, form: str
    ) -> None:
        answer = namespace.ask("/", accept=accept)

        assert answer["headers"]["Content-Type"] == form
        assert answer["headers"]["Cache-Control"] == "no-cache"
        assert "Accept" in answer["headers"]["Vary"]
        assert isinstance(answer["body"], dict if form == "application/json" else str)

    def test_a_form_that_there_is_not_is_refused(self, namespace: Namespace) -> None:
        assert namespace.ask("/", accept="image/png")["error"]["statusCode"] == 406

    def test_who_has_it_already_is_told_so(self, namespace: Namespace) -> None:
        namespace.deploy("m")
        tag = namespace.ask("/")["headers"]["ETag"]
        again = namespace.ask("/", if_none_match=f"W/{tag}, *")
        namespace.deploy("m", title="new")

        assert (again["statusCode"], "body" in again) == (304, False)
        assert "statusCode" not in namespace.ask("/", if_none_match=tag)

    def test_without_extension_it_leads_to_the_address_with_a_slash(self, namespace: Namespace) -> None:
        answer = namespace.ask()

        assert (answer["statusCode"], answer["headers"]["Location"]) == (303, "services/")

    def test_called_as_an_action_it_gives_the_list_alone(
        self, namespace: Namespace, listing: ModuleType
    ) -> None:
        namespace.deploy("m")

        assert set(listing.main({})) == {"namespace", "services"}

    @pytest.mark.parametrize(
        ("path", "method", "status"), [("/x", "get", 404), ("", "post", 405), ("/", "delete", 405)]
    )
    def test_anything_else_is_refused_in_a_sentence(
        self, namespace: Namespace, path: str, method: str, status: int
    ) -> None:
        error = namespace.ask(path, method)["error"]

        assert error["statusCode"] == status
        assert re.fullmatch(r"[A-Z].*\.\n", error["body"])


class TestWithoutOpenWhisk:
    def test_an_action_without_a_key_says_what_is_missing(
        self, namespace: Namespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("__OW_API_KEY")

        error = namespace.ask()["error"]

        assert error["statusCode"] == 502
        assert "provide-api-key: true" in error["body"]

    def test_an_openwhisk_that_does_not_answer_is_told_and_its_address_is_not(
        self, namespace: Namespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("__OW_API_HOST", "http://127.0.0.1:1")

        error = namespace.ask()["error"]

        assert error["statusCode"] == 502
        assert "127.0.0.1" not in json.dumps(error)
