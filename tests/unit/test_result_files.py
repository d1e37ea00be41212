"""Result files of test tools become the runs that Octane's schema wants."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from octane_flows.actions.read_result_files import read_results
from octane_flows.actions.results_xml import Context, counts, to_xml
from octane_flows.errors import UsageError
from octane_simulator.results.result_document import parse

CONTEXT = Context("jenkins", "nightly", "17")
JUNIT = """<?xml version="1.0"?>
<testsuites><testsuite name="pytest" timestamp="2021-01-20T08:00:00+00:00">
<testcase classname="tests.test_grid.TestGrid" name="test_a[1-x]" time="0.0404"/>
<testcase classname="tests.test_grid" name="test_b" time="1,001.5">
  <failure message="assert 1 == 2" type="AssertionError">at line 7 \u2713</failure></testcase>
<testcase classname="tests.test_grid" name="test_c" time="0">
  <error message="no fixture">setup</error></testcase>
<testcase name="test_d"><skipped message="later"/></testcase>
</testsuite></testsuites>"""
TESTNG = """<testng-results><suite><test><class name="a.Grid">
<test-method status="PASS" name="setUp" is-config="true" duration-ms="3"/>
<test-method status="PASS" name="draw" duration-ms="12" started-at="2021-01-20T08:00:00Z"/>
<test-method status="FAIL" name="print" duration-ms="5" started-at="2021-01-20T08:00:00 UTC">
  <exception class="java.lang.Error"><message><![CDATA[ no < paper ]]></message>
  <full-stacktrace><![CDATA[at Grid:3]]></full-stacktrace></exception></test-method>
<test-method status="SKIP" name="fold" duration-ms="0" started-at="2021-01-20T08:00:00"/>
</class></test></suite></testng-results>"""
NUNIT = """<test-run><test-suite><test-suite>
<test-case fullname="A.Grid.Draw(1.5)" name="Draw(1.5)" classname="A.Grid" result="Passed"
  duration="0.012" start-time="2021-01-20 08:00:00Z"/>
<test-case fullname="A.Grid.Print" name="Print" result="Failed" duration="0.005">
  <failure><message>no paper</message><stack-trace>at Grid</stack-trace></failure></test-case>
<test-case fullname="A.Grid.Fold" name="Fold" result="Inconclusive"/>
</test-suite></test-suite></test-run>"""
NUNIT_2 = """<test-results><test-suite><results>
<test-case name="A.Grid.Draw" executed="True" result="Success" time="0.012"/>
<test-case name="A.Grid.Fold" executed="False" result="Ignored"/>
</results></test-suite></test-results>"""
CUCUMBER = [
    {
        "uri": "features/grid.feature",
        "keyword": "Feature",
        "name": "Grid",
        "tags": [{"name": "@slow"}, {"name": "@TID2010REV0.2.0"}],
        "elements": [
            {
                "type": "background",
                "name": "",
                "steps": [
                    {"keyword": "Given ", "name": "a grid", "result": {"status": "passed"}},
                ],
            },
            {
                "type": "scenario",
                "keyword": "Scenario Outline",
                "name": "draw",
                "start_timestamp": "2021-01-20T08:00:00.000Z",
                "steps": [
                    {
                        "keyword": "When ",
                        "name": "it is drawn",
                        "result": {
                            "status": "failed",
                            "duration": 2_000_000,
                            "error_message": "\x1b[31mred\x1b[0m",
                        },
                    },
                    {"keyword": "Then ", "name": "all see it", "result": {"status": "skipped"}},
                ],
            },
            {
                "type": "scenario",
                "keyword": "Scenario Outline",
                "name": "draw",
                "steps": [
                    {"keyword": "When ", "name": "nobody", "result": {"status": "undefined"}},
                ],
            },
        ],
    }
]


def read(folder: Path, text: str) -> list[ET.Element]:
    path = folder / "results"
    path.write_text(text, encoding="utf-8")
    return read_results(path)


def told(runs: list[ET.Element]) -> list[tuple[str | None, ...]]:
    names = ("class", "name", "status", "duration", "started")
    return [tuple(run.get(name) for name in names) for run in runs]


def error(run: ET.Element) -> tuple[str | None, str | None, str | None]:
    found = run.find("error")
    assert found is not None
    return found.get("type"), found.get("message"), found.text


def test_junit_and_pytest(tmp_path: Path) -> None:
    runs = read(tmp_path, JUNIT)

    assert told(runs) == [
        ("tests.test_grid.TestGrid", "test_a[1-x]", "Passed", "40", None),
        ("tests.test_grid", "test_b", "Failed", "1001500", None),
        ("tests.test_grid", "test_c", "Failed", "0", None),
        (None, "test_d", "Skipped", "0", None),
    ]
    assert error(runs[1]) == ("AssertionError", "assert 1 == 2", "at line 7 \u2713")
    assert error(runs[2]) == (None, "no fixture", "setup")
    assert runs[3].find("error") is None


def test_testng_without_its_configuration_methods(tmp_path: Path) -> None:
    runs = read(tmp_path, TESTNG)

    assert told(runs) == [
        ("a.Grid", "draw", "Passed", "12", "1611129600000"),
        ("a.Grid", "print", "Failed", "5", "1611129600000"),
        ("a.Grid", "fold", "Skipped", "0", None),  # without a zone the time says too little
    ]
    assert error(runs[1]) == ("java.lang.Error", "no < paper", "at Grid:3")


def test_nunit_of_both_generations(tmp_path: Path) -> None:
    runs = read(tmp_path, NUNIT)

    assert told(runs) == [
        ("A.Grid", "Draw(1.5)", "Passed", "12", "1611129600000"),
        ("A.Grid", "Print", "Failed", "5", None),
        ("A.Grid", "Fold", "Skipped", "0", None),
    ]
    assert error(runs[1]) == (None, "no paper", "at Grid")
    assert told(read(tmp_path, NUNIT_2)) == [
        ("A.Grid", "Draw", "Passed", "12", None),
        ("A.Grid", "Fold", "Skipped", "0", None),
    ]


def test_cucumber_scenarios_keep_their_background_and_outline(tmp_path: Path) -> None:
    [run] = read(tmp_path, json.dumps(CUCUMBER))
    feature = run[0]
    scenarios = list(feature.iter("scenario"))

    assert (run.get("name"), run.get("status"), run.get("duration")) == ("Grid", "Failed", "2")
    assert feature.get("tag") == "@TID2010REV0.2.0"
    assert feature.get("started") == "1611129600000"
    assert [one.get("outlineIndex") for one in scenarios] == ["1", "2"]
    assert [one.get("status") for one in scenarios] == ["Failed", "Skipped"]
    assert [step.get("name") for step in scenarios[0].iter("step")] == [
        "Given a grid", "When it is drawn", "Then all see it",
    ]  # fmt: skip
    assert feature.find(".//error_message") is not None
    assert (feature.findtext(".//error_message") or "").startswith("\ufffd[31mred")
    assert (feature.findtext("file") or "").splitlines()[0] == "Feature: Grid"


@pytest.mark.parametrize("text", [JUNIT, TESTNG, NUNIT, NUNIT_2, json.dumps(CUCUMBER)])
def test_every_report_keeps_to_the_schema(text: str, tmp_path: Path) -> None:
    context = Context(
        "jenkins", "nightly", "17", "Nightly", "#17", None, "_default_", "1005", ("1011", "1012"),
        ("1003",), (("Test_Level", "Unit Test"),), (("OS", "Linux"), ("Browser", "Chrome")),
    )  # fmt: skip
    runs = read(tmp_path, text)

    root = ET.fromstring(to_xml(context, runs))

    assert parse(ET.tostring(root)) is not None
    assert [child.tag for child in root] == [
        "build", "release", "milestone_ref", "backlog_items", "product_areas", "test_fields",
        "environment", "test_runs",
    ]  # fmt: skip
    assert sum(counts(runs).values()) == len(root.find("test_runs") or ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<html/>", "begins with <html>"),
        ("<testsuites><testcase", "is no complete result file"),
        ('[{"uri": "a"}]', "is no complete result file"),
        ("", "is no complete result file"),
    ],
)
def test_other_files_are_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        read(tmp_path, text)


def test_a_report_says_what_it_lacks(tmp_path: Path) -> None:
    runs = read(tmp_path, JUNIT)
    with pytest.raises(UsageError, match="hold no results"):
        to_xml(CONTEXT, [])
    with pytest.raises(UsageError, match="separate reports"):
        to_xml(CONTEXT, [*runs, *read(tmp_path, json.dumps(CUCUMBER))])
    with pytest.raises(UsageError, match="'abc' is no id"):
        to_xml(Context("s", "j", "1", release_id="abc"), runs)
    with pytest.raises(UsageError, match="by id or by name"):
        to_xml(Context("s", "j", "1", release_id="1", release_name="2.9"), runs)
    with pytest.raises(UsageError, match="'Level' is no test field"):
        to_xml(Context("s", "j", "1", fields=(("Level", "Unit"),)), runs)
