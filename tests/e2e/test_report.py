"""The report as a reader meets it: in a browser, from a file, at two widths; and as a workbook."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import duckdb
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from octane_flows import reports
from octane_flows.questions import list_questions
from octane_flows.reports.report_content import METRICS_NOT_SHOWN

pytestmark = pytest.mark.slow

DESK, PHONE = (1280, 900), (390, 800)


@pytest.fixture
def page(browser: webdriver.Chrome, demo_home: Path) -> webdriver.Chrome:
    browser.set_window_size(*DESK)
    browser.get_log("browser")  # type: ignore[no-untyped-call]  # what other pages said before
    browser.get((demo_home / reports.REPORT_FILE).as_uri())
    return browser


def section(page: webdriver.Chrome, slug: str) -> WebElement:
    return page.find_element(By.CSS_SELECTOR, f"section[aria-labelledby='{slug}']")


def column(part: WebElement, number: int) -> list[str]:
    cells = part.find_elements(By.CSS_SELECTOR, f"tbody tr:not([hidden]) td:nth-child({number})")
    return [cell.get_attribute("textContent") or "" for cell in cells]


def test_it_opens_without_complaint_and_asks_for_nothing(page: webdriver.Chrome) -> None:
    assert page.get_log("browser") == []  # type: ignore[no-untyped-call]
    loaded = page.execute_script("return performance.getEntriesByType('resource').length")
    assert loaded == 0
    for asked in (*list_questions("flow"), *list_questions("metric")):
        if asked.slug not in METRICS_NOT_SHOWN:
            assert section(page, asked.slug).is_displayed()


def test_diagrams_of_flows_and_areas_fit_a_phone(page: webdriver.Chrome) -> None:
    page.set_window_size(*PHONE)
    defects = section(page, "er-defects").find_element(By.CSS_SELECTOR, "svg.er")

    assert defects.is_displayed()
    assert defects.size["width"] <= PHONE[0]
    text = defects.get_attribute("textContent") or ""
    assert "REST: detected_in_release" in text
    assert "links" in text
    assert section(page, "planned_runs").find_elements(By.CSS_SELECTOR, "details svg.er")


def test_a_filter_shows_the_rows_that_hold_the_words(page: webdriver.Chrome) -> None:
    part = section(page, "failing_tests")
    before = column(part, 1)

    part.find_element(By.CSS_SELECTOR, "input").send_keys("test_172")

    assert len(before) > 1
    assert column(part, 1) == ["test_172"]
    assert part.find_element(By.CSS_SELECTOR, "output").text == "1 rows match"


def test_a_heading_sorts_its_numbers_by_value(page: webdriver.Chrome) -> None:
    part = section(page, "slow_tests")
    headings = part.find_elements(By.CSS_SELECTOR, "th")
    number = next(i for i, one in enumerate(headings) if "result count" in one.text)

    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", headings[number])
    headings[number].find_element(By.CSS_SELECTOR, "button").click()

    counts = [int(text.replace(",", "")) for text in column(part, number + 1)]
    assert counts == sorted(counts)
    assert headings[number].get_attribute("aria-sort") == "ascending"


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_nothing_sticks_out_sideways(page: webdriver.Chrome, size: tuple[int, int]) -> None:
    page.set_window_size(*size)

    width, inner = page.execute_script(
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )

    assert width <= inner


def test_the_readiness_of_each_release_is_read_from_top_to_bottom(page: webdriver.Chrome) -> None:
    part = section(page, "release_readiness")
    page.set_window_size(*PHONE)
    box = part.find_element(By.CSS_SELECTOR, ".facts")

    first = part.find_element(By.CSS_SELECTOR, "tr")
    names = [one.text for one in first.find_elements(By.TAG_NAME, "a")]
    facts = [one.text.splitlines()[0] for one in part.find_elements(By.CSS_SELECTOR, "th")]
    assert names == ["2.9 winter", "2.8 spring"]
    assert {"remaining", "blocking defect count", "passed"} <= set(facts)
    assert (
        page.execute_script("return arguments[0].scrollWidth - arguments[0].clientWidth", box) < 2
    )


def test_every_control_and_region_has_a_name(page: webdriver.Chrome) -> None:
    nameless = page.execute_script(
        """return [...document.querySelectorAll("button, input, a, [role=region], nav")].filter(
          (one) => !(one.textContent.trim() || one.getAttribute("aria-label")
            || one.labels?.[0]?.textContent.trim())).map((one) => one.outerHTML)"""
    )

    assert nameless == []


def test_the_workbook_holds_every_question(demo_home: Path) -> None:
    book = reports.write_excel(demo_home)

    with zipfile.ZipFile(book) as parts:
        names = parts.read("xl/workbook.xml").decode()
        texts = parts.read("xl/sharedStrings.xml").decode()
    for asked in (*list_questions("flow"), *list_questions("metric")):
        assert f'name="{asked.slug[:31]}"' in names
    assert "test_172" in texts


def test_the_csv_files_hold_all_rows(
    demo_home: Path, demo_warehouse: duckdb.DuckDBPyConnection
) -> None:
    folder = reports.write_csv(demo_home)

    with (folder / "failed_previous_runs.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    counted = demo_warehouse.execute("select count(*) from flow.failed_previous_runs()").fetchall()[
        0
    ][0]
    assert len(rows) == counted > 100
