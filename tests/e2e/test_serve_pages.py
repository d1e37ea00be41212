"""The pages of `octane-flows serve` as a QA lead uses them: in a browser, on the demo's data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from octane_flows.questions import list_questions
from tests.served import serving

pytestmark = pytest.mark.slow

WAIT_S = 120.0  # on a busy machine; a second on a quiet one
FAILURES = "/flow/modules_with_recent_failures"


@pytest.fixture(scope="module")
def client(demo_home: Path) -> Iterator[httpx.Client]:
    with serving(demo_home) as opened:
        yield opened


def address(client: httpx.Client, path: str) -> str:
    return f"{str(client.base_url).rstrip('/')}{path}"


def test_a_question_is_found_changed_and_taken_along(
    client: httpx.Client, browser: webdriver.Chrome
) -> None:
    browser.get_log("browser")  # type: ignore[no-untyped-call]  # what other pages said before
    browser.get(address(client, "/"))
    browser.find_element(By.LINK_TEXT, "modules_with_recent_failures").click()
    wait = WebDriverWait(browser, WAIT_S)
    wait.until(lambda page: page.find_elements(By.CSS_SELECTOR, "tbody tr"))
    few = len(browser.find_elements(By.CSS_SELECTOR, ".wide tbody tr"))

    hours = browser.find_element(By.NAME, "hours")
    hours.clear()
    hours.send_keys("9000")
    browser.find_element(By.CSS_SELECTOR, "form button").click()
    wait.until(lambda page: parse_qs(urlsplit(page.current_url).query).get("hours") == ["9000"])
    wait.until(lambda page: page.find_elements(By.CSS_SELECTOR, ".wide tbody tr"))

    rows = browser.find_elements(By.CSS_SELECTOR, ".wide tbody tr")
    table = client.get(f"{FAILURES}.json?hours=9000").json()
    assert len(rows) == table["row_count"] > few
    assert table["rows"][0]["application_module_name"] in rows[0].text
    assert "hours := 9000" in browser.find_element(By.TAG_NAME, "pre").text
    link = browser.find_element(By.CSS_SELECTOR, "input.copy").get_attribute("value")
    assert link == address(client, f"{FAILURES}?hours=9000")
    browser.get(link)
    assert len(browser.find_elements(By.CSS_SELECTOR, ".wide tbody tr")) == len(rows)
    assert browser.find_element(By.LINK_TEXT, "CSV").get_attribute("href") == address(
        client, f"{FAILURES}.csv?hours=9000"
    )
    log = browser.get_log("browser")  # type: ignore[no-untyped-call]
    assert [entry for entry in log if "favicon" not in entry["message"]] == []


def test_a_mistake_is_told_beside_the_form(client: httpx.Client, browser: webdriver.Chrome) -> None:
    browser.get(address(client, f"{FAILURES}?hours=many"))

    assert "write a whole number" in browser.find_element(By.CSS_SELECTOR, "[role=alert]").text
    assert browser.find_element(By.NAME, "hours").get_attribute("value") == "many"


@pytest.mark.parametrize(
    "path", ["/", "/api", "/flow/planned_runs?workspace_id=nowhere", "/metric/flaky_tests?days=x"]
)
def test_nothing_sticks_out_on_a_phone(
    path: str, client: httpx.Client, browser: webdriver.Chrome
) -> None:
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.get(address(client, path))
        script = "return document.documentElement.scrollWidth"
        assert browser.execute_script(script) <= 390
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_form_is_filled_and_sent_with_the_keyboard_alone(
    client: httpx.Client, browser: webdriver.Chrome
) -> None:
    browser.get(address(client, "/metric/flaky_tests"))
    for _ in range(30):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        if browser.switch_to.active_element.get_attribute("name") == "days":
            break

    browser.switch_to.active_element.send_keys(Keys.CONTROL, "a")
    browser.switch_to.active_element.send_keys("9", Keys.ENTER)

    WebDriverWait(browser, WAIT_S).until(
        lambda page: parse_qs(urlsplit(page.current_url).query).get("days") == ["9"]
    )
    assert "days := 9" in browser.find_element(By.TAG_NAME, "pre").text


def test_every_question_of_the_demo_is_answered(client: httpx.Client) -> None:
    functions = {entry["name"] for entry in client.get("/odata/").json()["value"]}
    for question in (*list_questions("flow"), *list_questions("metric")):
        name = f"{question.kind}_{question.slug}"
        answer = client.get(f"/odata/{name}?$top=2")

        assert name in functions
        assert answer.status_code == 200, answer.text
        for row in answer.json()["value"]:
            assert list(row) == [column.name for column in question.columns], name


def test_every_table_of_the_demo_is_a_feed(client: httpx.Client) -> None:
    entries = client.get("/odata/").json()["value"]
    tables = [entry["name"] for entry in entries if entry["kind"] == "EntitySet"]
    assert len(tables) > 90
    for name in tables:
        answer = client.get(f"/odata/{name}?$top=3&$count=true")
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["value"]) == min(3, answer.json()["@odata.count"]), name
