"""Results become documents of Octane's schema, and nothing of them is lost on the way."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from octane_flows.actions import results_xml
from octane_flows.actions.results_xml import (
    Context,
    Document,
    Identity,
    check_context,
    cut,
    documents,
)
from octane_flows.errors import UsageError
from octane_flows.results import Result, read
from octane_simulator.results.result_document import parse
from tests.unit.test_result_files import FILES, FOLDER

CONTEXT = Context("jenkins", "nightly", "17")
FULL = Context(
    "jenkins", "nightly", "17", "Nightly", "#17", None, "_default_", "1005", ("1011", "1012"),
    ("1003",), (("Test_Level", "Unit Test"),), (("OS", "Linux"), ("Browser", "Chrome")),
)  # fmt: skip


def documents_of(
    path: Path, context: Context = CONTEXT, identity: Identity = "jenkins"
) -> list[Document]:
    reading = read(path)
    frameworks = {file.file: file.framework for file in reading.files}
    return list(documents(context, reading.results, frameworks=frameworks, identity=identity))


def runs_of(name: str) -> list[ET.Element]:
    [document] = documents_of(FOLDER / name)
    return list(ET.fromstring(document.xml).iter("test_run"))


@pytest.mark.parametrize("path", [*FILES], ids=lambda path: path.name)
def test_every_document_keeps_to_the_schema(path: Path) -> None:
    reading = read(path)
    sent = documents_of(path, FULL)

    assert sum(document.result_count for document in sent) == len(reading.results)
    for document in sent:
        build, results = parse(document.xml)
        assert build is not None
        assert results
        assert [child.tag for child in ET.fromstring(document.xml)] == [
            "build", "release", "milestone_ref", "backlog_items", "product_areas", "test_fields",
            "environment", "test_runs",
        ]  # fmt: skip


def test_tests_are_named_as_jenkins_names_them(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(
        '<testsuite><testcase classname="a.b.C" name="adds()"/></testsuite>', encoding="utf-8"
    )

    [jenkins] = ET.fromstring(documents_of(path)[0].xml).iter("test_run")
    [converter] = ET.fromstring(documents_of(path, identity="converter")[0].xml).iter("test_run")

    names = ("package", "class", "name")
    assert [jenkins.get(name) for name in names] == ["a.b", "C", "adds"]
    assert [converter.get(name) for name in names] == [None, "a.b.C", "adds()"]


def test_the_framework_is_told_unless_the_caller_tells_it() -> None:
    [document] = documents_of(FOLDER / "n07-testng-zone-utc.xml")
    own = Context("s", "j", "1", fields=(("Framework", "JUnit"),))
    [overridden] = documents_of(FOLDER / "n07-testng-zone-utc.xml", own)

    assert b'type="Framework" value="TestNG"' in document.xml
    assert b"TestNG" not in overridden.xml
    assert b"Framework" not in documents_of(FOLDER / "d18-trx.trx")[0].xml  # not in Octane's list


def test_a_project_is_an_environment_beside_the_given_ones() -> None:
    context = Context("s", "j", "1", environment=(("OS", "Linux"),))
    [document] = documents_of(FOLDER / "s15-projects-by-hostname.xml", context)

    _, results = parse(document.xml)

    assert [result.context.environment for result in results] == [
        (("OS", "Linux"), ("Browser", "chromium")),
        (("OS", "Linux"), ("Browser", "firefox")),
    ]
    assert [result.status for result in results] == ["Failed", "Passed"]


def test_descriptions_keep_what_runs_have_no_field_for() -> None:
    [flaky, always] = runs_of("s03-surefire-flaky.xml")
    [skipped] = runs_of("s10-skipped-with-reason.xml")
    [kept] = runs_of("s20-property-external.xml")

    assert (flaky.findtext("description") or "").splitlines() == [
        "attempts: 2 (failed, passed); flaky",
        "attempt 1: first",
    ]
    assert (always.findtext("description") or "").startswith("attempts: 2 (failed, failed)\n")
    assert skipped.findtext("description") == "skipped: env\nneeds a database\nmore words"
    assert kept.findtext("description") == "test_key: AB-1\nattachments: /tmp/a.png"


def test_all_failures_are_told_and_errors_come_first() -> None:
    [both] = runs_of("s05-error-and-failure.xml")
    [three] = runs_of("s06-three-failures.xml")
    error = both.find("error")

    assert error is not None
    assert (error.get("type"), error.get("message"), error.text) == ("E", "e", "ee\n\nf\nff")
    for number in range(3):
        assert f"at {number}" in (three.findtext("error") or "")


def test_long_names_stay_two() -> None:
    first, second = cut("x" * 300 + "1"), cut("x" * 300 + "2")

    assert len(first) == len(second) == 255
    assert first != second
    assert first == cut("x" * 300 + "1")
    assert cut("x" * 255) == "x" * 255


def test_many_results_are_cut_into_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    results = [Result(f"test_{number}", "Passed", "a.B") for number in range(25)]
    monkeypatch.setattr(results_xml, "MOST_RESULTS", 10)

    by_count = list(documents(CONTEXT, results))
    monkeypatch.setattr(results_xml, "MOST_BYTES", 300)
    by_bytes = list(documents(CONTEXT, results))

    assert [document.result_count for document in by_count] == [10, 10, 5]
    assert sum(document.result_count for document in by_bytes) == 25
    assert len(by_bytes) > 3
    names = [run.name for part in by_bytes for run in _names(part)]
    assert names == [result.name for result in results]


def _names(part: Document) -> list[Result]:
    return [
        Result(run.get("name") or "", "Passed") for run in ET.fromstring(part.xml).iter("test_run")
    ]


def test_gherkin_and_other_results_are_apart() -> None:
    reading = read([FOLDER / "c01-jvm-failing-after-hook.json", FOLDER / "d01-namespace.xml"])

    roots = [ET.fromstring(document.xml) for document in documents(CONTEXT, reading.results)]

    kinds = [{run.tag for run in document.find("test_runs") or ()} for document in roots]
    assert kinds == [{"gherkin_test_run"}, {"test_run"}]


@pytest.mark.parametrize(
    ("context", "words"),
    [
        (Context("s", "j", "1", release_id="abc"), "'abc' is no id"),
        (Context("s", "j", "1", milestone_id="١"), "is no id"),
        (Context("s", "j", "1", application_module_ids=("x",)), "'x' is no id"),
        (Context("s", "j", "1", release_id="1", release_name="2.9"), "by id or by name"),
        (Context("s", "j", "1", fields=(("Level", "Unit"),)), "'Level' is no test field"),
    ],
)
def test_a_wrong_context_is_refused(context: Context, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check_context(context)
