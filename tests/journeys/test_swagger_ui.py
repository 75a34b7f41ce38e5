"""Swagger UI in a real browser, at its web action: a page is opened, a form filled in, an answer read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from fixtures.machine import ROOT, Machine

SECONDS = 60
CATALOG = ROOT / "catalog"
Value = TypeVar("Value")


def wait(browser: Chrome, selector: str, within: str = "") -> WebElement:
    return until(browser, selector, within, lambda element: element)


def until(browser: Chrome, selector: str, within: str, take: Callable[[WebElement], Value]) -> Value:
    """What is taken of an element once it is shown; the page may replace it while one looks."""

    def look(driver: Chrome) -> Value | None:
        found = driver.find_elements(By.CSS_SELECTOR, f"{within} {selector}".strip())
        return next((take(each) for each in found if each.is_displayed()), None)

    found = WebDriverWait(browser, SECONDS, ignored_exceptions=[StaleElementReferenceException]).until(look)
    assert found is not None
    return found


def opened(browser: Chrome, machine: Machine, name: str) -> str:
    """Open the page of a model as a user does, and the operation of predictions; gives where that is."""
    browser.get(f"{machine.running.apihost}/api/v1/web/guest/models/{name}/ui")
    assert urlsplit(browser.current_url).path.endswith(f"/{name}/api")
    operation = "#operations-models-predict"
    wait(browser, ".opblock-summary-control", operation).click()
    wait(browser, ".execute", operation)
    return operation


def executed(browser: Chrome, operation: str) -> Any:
    """The answer that the page shows after `Execute`."""
    button = wait(browser, ".execute", operation)
    browser.execute_script("arguments[0].scrollIntoView(); arguments[0].click()", button)
    answer = ".live-responses-table tbody"
    status, shown = (
        until(browser, f"{answer} {part}", operation, lambda element: element.text)
        for part in (".response-col_status", "pre")
    )
    assert status.startswith("200")
    return json.loads(shown)


def asked(browser: Chrome) -> set[str]:
    """The hosts that the browser asked for anything."""
    logs = [json.loads(each["message"])["message"] for each in browser.get_log("performance")]
    urls = [
        each["params"]["request"]["url"] for each in logs if each["method"] == "Network.requestWillBeSent"
    ]
    return {str(urlsplit(url).netloc) for url in urls if urlsplit(url).scheme.startswith(("http", "ws"))}


def complaints(browser: Chrome) -> list[str]:
    return [each["message"] for each in browser.get_log("browser") if each["level"] == "SEVERE"]


def test_a_photograph_is_uploaded_and_named_on_the_page(
    browser: Chrome, machine: Machine, tmp_path: Path
) -> None:
    operation = opened(browser, machine, "image-classification")
    image = wait(browser, "input[type=file]", operation)
    image.send_keys(str(CATALOG / "image-classification/example/coffee.jpg"))
    top = wait(browser, "[data-property-name=top] input", operation)
    browser.execute_script("arguments[0].select()", top)
    top.send_keys("2", Keys.TAB)  # the page reads a field when it is left

    predictions = executed(browser, operation)["predictions"]

    browser.save_screenshot(str(tmp_path / "page.png"))
    assert predictions["labels"] == ["espresso", "cup"]
    assert asked(browser) == {urlsplit(machine.running.apihost).netloc}
    assert complaints(browser) == []


def test_a_text_is_told_its_language_on_the_page(browser: Chrome, machine: Machine, tmp_path: Path) -> None:
    operation = opened(browser, machine, "language-identification")
    Select(wait(browser, ".body-param-content-type select, .content-type", operation)).select_by_value(
        "application/json"
    )
    body = wait(browser, "textarea.body-param__text", operation)
    body.clear()
    body.send_keys('{"text": "Wie spät ist es?", "top": 2}')

    predictions = executed(browser, operation)["predictions"]

    browser.save_screenshot(str(tmp_path / "page.png"))
    assert predictions["language"] == "de"
    assert len(predictions["labels"]) == 2
    assert asked(browser) == {urlsplit(machine.running.apihost).netloc}
    assert complaints(browser) == []
