"""The page of deployed models, on a machine as a user starts it, in a browser as a user opens it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from selenium.webdriver import Chrome

from fixtures.machine import Machine, run, started, until

pytestmark = pytest.mark.xdist_group("services")
BROKEN = '''"""Fails at every call."""


def predict(text: str = "") -> dict[str, int]:
    raise RuntimeError("out of order")
'''
TOLD = """title: A model whose title is aslongasnothingelsethatoneseesonaphonewhichmustnotscroll <b>&
summary: It fails, whatever it is given.
license: Apache-2.0
"""
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CONTRAST = """
(() => {
  const light = color => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map(Number).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  return Math.min(...[...document.querySelectorAll("body *")].map(element => {
    const ink = light(getComputedStyle(element).color);
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  }));
})()
"""


class Listed:
    """A machine with a project of two models, one of which fails."""

    def __init__(self, machine: Machine, project: Path) -> None:
        self.machine, self.project = machine, project

    @property
    def address(self) -> str:
        found = until(lambda: re.search(r"http://\S+/services/services", self.machine.said.read_text()))
        assert found is not None
        return found[0]

    def states(self) -> dict[str, Any]:
        answer = requests.get(f"{self.address}.json", timeout=60)
        return {service["name"]: service for service in answer.json()["services"]}


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listed]:
    folder = tmp_path_factory.mktemp("services")
    project = folder / "garden"
    assert run("new", "project", str(project)).returncode == 0
    with started(folder, project) as machine:
        yield Listed(machine, project)


def test_a_deployed_model_appears_fails_and_goes(listed: Listed) -> None:
    before = listed.states()
    (listed.project / "catalog" / "broken").mkdir()
    (listed.project / "catalog" / "broken" / "model.py").write_text(BROKEN)
    (listed.project / "catalog" / "broken" / "ai4-metadata.yml").write_text(TOLD)
    state = {"DEEPWHISK_STATE": str(listed.machine.state.folder)}
    for words in (["manifest"], ["deploy"]):
        done = run(*words, cwd=listed.project, **state)
        assert done.returncode == 0, done.stderr
    deployed = listed.states()
    refused = requests.post(deployed["broken"]["links"]["predict"], json={"text": "a"}, timeout=60)
    failing = until(lambda: listed.states()["broken"]["since"] and listed.states()["broken"])
    answered = requests.post(deployed["mood"]["links"]["predict"], json={"text": "glad"}, timeout=60)
    warm = until(lambda: listed.states()["mood"]["state"] == "warm")
    listed.machine.whisk.delete("actions", "models/broken")

    assert set(before) == {"mood"}
    assert deployed["broken"]["state"] == "cold"
    assert (refused.status_code, answered.status_code, warm) == (500, 200, True)
    assert failing["state"] == "failing"
    assert failing["since"] >= failing["deployed"]
    assert set(listed.states()) == {"mood"}


@pytest.mark.parametrize(
    ("path", "accept", "form"),
    [
        (".html", "*/*", "text/html"),
        (".json", BROWSER, "application/json"),
        (".text", BROWSER, "text/plain"),
        ("", BROWSER, "text/html"),
        (".http", "application/json", "application/json"),
        ("/", "text/plain", "text/plain"),
    ],
)
def test_each_address_answers_in_its_form(listed: Listed, path: str, accept: str, form: str) -> None:
    answer = requests.get(f"{listed.address}{path}", headers={"Accept": accept}, timeout=60)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].partition(";")[0] == form
    assert "mood" in answer.text


def open_page(browser: Chrome, listed: Listed, width: int, scheme: str = "light") -> None:
    """Open the page as on a screen of that width, in light or dark."""
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(f"{listed.address}.html")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_is_read_on_a_phone_and_on_a_screen(
    listed: Listed, browser: Chrome, width: int, scheme: str
) -> None:
    open_page(browser, listed, width, scheme)
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")

    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script(f"return {CONTRAST.strip()}") >= 4.5
    assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(13, 17, 23)")
    assert "mood" in browser.execute_script("return document.querySelector('main').innerText")
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]


def test_its_links_lead_to_the_api_the_metadata_and_the_other_forms(listed: Listed, browser: Chrome) -> None:
    open_page(browser, listed, 360)
    links = browser.execute_script("return [...document.links].map(link => [link.innerText, link.href])")

    assert {"Try it (API)", "Metadata", "JSON", "text"} == {text for text, _ in links}
    for _, address in links:
        assert requests.get(address, timeout=60).status_code == 200, address
