"""The report as a reader meets it: in a browser, from a file, at two widths; and as a workbook."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import duckdb
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from octane_flows import reports
from octane_flows.questions import list_questions
from octane_flows.reports.report_content import METRICS_NOT_SHOWN
from tests.e2e.support import octane_flows
from tests.needs import need
from tests.services import until

pytestmark = pytest.mark.slow

AXE = Path(__file__).parents[1] / "vendor_sdk/node_modules/axe-core/axe.min.js"
SWITCH = "TESTS_NEED_NODE"
DESK, PHONE = (1280, 900), (390, 800)


@pytest.fixture
def page(browser: webdriver.Chrome, demo_home: Path) -> webdriver.Chrome:
    browser.set_window_size(*DESK)
    browser.get_log("browser")  # type: ignore[no-untyped-call]  # what other pages said before
    browser.get((demo_home / reports.REPORT_FILE).as_uri())
    return browser


def section(page: webdriver.Chrome, slug: str) -> WebElement:
    """The section of a question; its page is shown."""
    page.execute_script("location.hash = arguments[0]", slug)
    part = page.find_element(By.CSS_SELECTOR, f"section[aria-labelledby='{slug}']")
    until(part.is_displayed, f"the page of {slug}")
    return part


def column(part: WebElement, number: int) -> list[str]:
    cells = part.find_elements(By.CSS_SELECTOR, f"tbody tr:not([hidden]) td:nth-child({number})")
    return [cell.get_attribute("textContent") or "" for cell in cells]


def number_of(text: str) -> int:
    return int(text.replace(",", ""))


def test_it_opens_without_complaint_and_asks_for_nothing(page: webdriver.Chrome) -> None:
    assert page.get_log("browser") == []  # type: ignore[no-untyped-call]
    loaded = page.execute_script("return performance.getEntriesByType('resource').length")
    assert loaded == 0
    for question in (*list_questions("flow"), *list_questions("metric")):
        if question.slug not in METRICS_NOT_SHOWN:
            assert section(page, question.slug).is_displayed()


def test_it_opens_on_today_and_shows_a_page_at_a_time(page: webdriver.Chrome) -> None:
    links = page.find_elements(By.CSS_SELECTOR, "nav li a")
    assert [link.text.strip("\u203a\u00a0") for link in links] == [
        "Today", "Release", "2.9 winter", "Tests", "Defects", "Traceability", "Flows", "Data",
        "Method", "All pages",
    ]  # fmt: skip

    def displayed() -> list[str | None]:
        parts = page.find_elements(By.CSS_SELECTOR, ".page")
        return [part.get_attribute("id") for part in parts if part.is_displayed()]

    assert displayed() == ["today"]
    links[3].click()
    until(lambda: displayed() == ["tests"], "the page of the tests")
    assert links[3].get_attribute("aria-current") == "page"
    links[9].click()
    until(lambda: len(displayed()) == 9, "all pages")


def test_headlines_are_the_numbers_of_the_rows_they_lead_to(
    page: webdriver.Chrome, demo_warehouse: duckdb.DuckDBPyConnection
) -> None:
    boxes = page.find_elements(By.CSS_SELECTOR, ".headlines a")
    counts = {
        str(box.get_attribute("hash")).strip("#"): number_of(
            box.find_element(By.TAG_NAME, "b").text
        )
        for box in boxes
    }
    people = section(page, "people")
    sums = [sum(map(number_of, column(people, place))) for place in (2, 3, 4, 5)]

    assert sums == [
        counts[slug] for slug in ("current_failures", "grave_defects", "overdue", "planned_runs")
    ]
    for slug in ("grave_defects", "overdue", "planned_runs"):
        heading = section(page, slug).find_element(By.CSS_SELECTOR, "h2 .count")
        assert number_of(heading.text) == counts[slug], slug
    rows = section(page, "current_failures")
    failing = {
        name
        for state, name in zip(column(rows, 1), column(rows, 2), strict=True)
        if state == "failing"
    }
    assert len(failing) == counts["current_failures"]
    ((in_releases,),) = demo_warehouse.execute(
        "select sum(blocking_defect_count) from metric.release_readiness()"
    ).fetchall()
    graves = section(page, "grave_defects")
    planned_for = column(graves, 5)
    assert counts["grave_defects"] == in_releases + planned_for.count("")


def test_changes_and_headlines_agree(page: webdriver.Chrome) -> None:
    text = section(page, "changes").text.splitlines()
    began = next(line for line in text if line.startswith("Tests that began to fail"))
    still = next(line for line in text if line.startswith("Tests that still fail"))
    failing = page.find_element(By.CSS_SELECTOR, ".headlines b").text

    assert number_of(began.split()[-1]) + number_of(still.split()[-1]) == number_of(failing)


def test_a_release_has_a_verdict_by_stated_thresholds(page: webdriver.Chrome) -> None:
    graves = section(page, "grave_defects-release-1002")
    verdict = page.find_element(By.CSS_SELECTOR, "#release-1002 .verdict").text

    assert verdict.startswith("Not ready")
    assert "Not met: At least 95 % of the executed last runs passed (94.0 %)" in verdict
    blocking = len(column(graves, 1))
    assert f"Not met: No defect of severity high or worse is open ({blocking})" in verdict
    assert column(graves, 1)[:3] == ["Urgent", "Very High", "Very High"]


def test_diagrams_of_flows_and_areas_fit_a_phone(page: webdriver.Chrome) -> None:
    page.set_window_size(*PHONE)
    defects = section(page, "er-defects").find_element(By.CSS_SELECTOR, "svg.er")

    assert defects.is_displayed()
    assert defects.size["width"] <= PHONE[0]
    text = defects.get_attribute("textContent") or ""
    assert "REST: detected_in_release" in text
    assert "links" in text
    method = section(page, "method-planned_runs")
    assert method.find_elements(By.CSS_SELECTOR, "details svg.er")


def test_a_filter_shows_the_rows_that_hold_the_words(page: webdriver.Chrome) -> None:
    part = section(page, "failing_tests")
    before = column(part, 1)

    part.find_element(By.CSS_SELECTOR, "input").send_keys("test_172")

    assert len(before) > 1
    assert column(part, 1) == ["test_172"]
    assert part.find_element(By.CSS_SELECTOR, "output").text == f"1 of the {len(before)} rows"


def test_a_filter_says_how_many_rows_it_cannot_see(page: webdriver.Chrome) -> None:
    part = section(page, "slow_tests")

    part.find_element(By.CSS_SELECTOR, "input").send_keys("no such test")

    text = part.find_element(By.CSS_SELECTOR, "output").text
    assert text == "0 of the 50 rows shown (258 in all)"


def test_a_table_is_one_tab_stop_and_arrow_keys_go_through_it(page: webdriver.Chrome) -> None:
    part = section(page, "slow_tests")
    region = part.find_element(By.CSS_SELECTOR, ".rows")
    stops = region.find_elements(By.CSS_SELECTOR, "a, button")

    assert {stop.get_attribute("tabindex") for stop in stops} == {"-1"}
    region.send_keys(Keys.ARROW_DOWN)
    assert page.switch_to.active_element == stops[0]


def test_a_heading_sorts_its_numbers_by_value(page: webdriver.Chrome) -> None:
    part = section(page, "slow_tests")
    headings = part.find_elements(By.CSS_SELECTOR, "th")
    number = next(place for place, heading in enumerate(headings) if heading.text == "Results")

    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", headings[number])
    headings[number].find_element(By.CSS_SELECTOR, "button").click()

    counts = [int(text.replace(",", "")) for text in column(part, number + 1)]
    assert counts == sorted(counts)
    assert headings[number].get_attribute("aria-sort") == "ascending"


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_nothing_sticks_out_sideways(page: webdriver.Chrome, size: tuple[int, int]) -> None:
    page.set_window_size(*size)
    page.execute_script("location.hash = 'whole'")

    width, inner = page.execute_script(
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )

    assert width <= inner


def test_the_readiness_of_each_release_is_read_from_top_to_bottom(page: webdriver.Chrome) -> None:
    part = section(page, "release_readiness")
    page.set_window_size(*PHONE)
    box = part.find_element(By.CSS_SELECTOR, ".facts")

    first = part.find_element(By.CSS_SELECTOR, "tr")
    names = [element.text for element in first.find_elements(By.TAG_NAME, "a")]
    facts = [element.text.splitlines()[0] for element in part.find_elements(By.CSS_SELECTOR, "th")]
    assert names == ["2.9 winter", "2.8 spring"]
    assert {"Remaining", "Blocking defects", "Planned runs"} <= set(facts)
    assert "Passed" not in facts, "the verdict has the share of the gate"
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


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("slug", ["today", "grave_defects-release-1002", "defects", "data"])
def test_axe_finds_nothing_serious(
    page: webdriver.Chrome, slug: str, size: tuple[int, int]
) -> None:
    need(AXE.is_file(), "axe-core is not installed: `make test` brings it with npm", SWITCH)
    page.set_window_size(*size)
    page.execute_script("location.hash = arguments[0]", slug)
    page.set_script_timeout(600)
    page.execute_script(AXE.read_text(encoding="utf-8"))

    violations = page.execute_async_script(
        """const done = arguments[0];
        axe.run(document, {resultTypes: ["violations"]}).then((result) => done(
          result.violations.filter((rule) => ["serious", "critical"].includes(rule.impact))
            .map((rule) => [rule.id, rule.nodes[0].html])))"""
    )

    assert violations == []


def test_the_command_writes_the_pages_where_they_are_wanted(
    demo_environment: dict[str, str], tmp_path: Path
) -> None:
    target = tmp_path / "morning.html"

    written = octane_flows("report", "--output", str(target), environment=demo_environment)
    refused = octane_flows(
        "report",
        "--format",
        "csv",
        "--output",
        str(tmp_path / "rows.html"),
        environment=demo_environment,
    )

    assert written.returncode == 0, written.stderr
    assert '<article class="page" id="today"' in target.read_text(encoding="utf-8")
    assert refused.returncode == 2
    assert "leave it out with --format csv" in refused.stderr


def test_the_workbook_holds_every_question(demo_home: Path) -> None:
    book = reports.write_excel(demo_home)

    with zipfile.ZipFile(book) as parts:
        names = parts.read("xl/workbook.xml").decode()
        texts = parts.read("xl/sharedStrings.xml").decode()
    for question in (*list_questions("flow"), *list_questions("metric")):
        assert f'name="{question.slug[:31]}"' in names
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
