"""CTest's own Test.xml, as `ctest -T test` writes it.

A stream and a collector in; results go into the collector.
"""

from __future__ import annotations

from typing import BinaryIO

from octane_flows.results.result_collector import ResultCollector
from octane_flows.results.test_result import ErrorText, Result, Status
from octane_flows.results.xml_elements import Element, iterate_elements

_STATUSES: dict[str, Status] = {"passed": "Passed", "failed": "Failed", "notrun": "Skipped"}


def read_ctest(stream: BinaryIO, collector: ResultCollector) -> None:
    """Read a whole file. Raises ResultFileError."""
    collector.framework = "CTest"
    suite_start: int | None = None
    for event, element in iterate_elements(
        stream, collector.notes, records=("Test", "StartTestTime"), containers=("Site", "Testing")
    ):
        if event != "end":
            continue
        if element.name == "StartTestTime":
            suite_start, _ = collector.start(element.text, None, element.line)
        elif element.name == "Test" and "Status" in element.attributes:
            _test(element, suite_start, collector)


def _test(test: Element, suite_start: int | None, collector: ResultCollector) -> None:
    word = (test.get("Status") or "").lower()
    status = _STATUSES.get(word)
    if status is None:
        collector.leave_out(f"the status '{word}' of a test is not known", test.line)
        return
    values = {
        each.get("name") or "": (each.child_text("Value") or "").strip()
        for each in test.descendants("NamedMeasurement")
    }
    measured = (each.child_text("Value") for each in test.descendants("Measurement"))
    text = next((value.strip() for value in measured if value), "")
    reason = values.get("Exit Code") or ""
    completion = values.get("Completion Status") or ""
    error = None
    # a test whose program is missing is "not run" to CTest, and CTest fails
    if (
        status == "Skipped"
        and completion
        and not completion.upper().startswith(("SKIP", "DISABLED"))
    ):
        status = "Failed"
    if status == "Failed":
        message = ": ".join(filter(None, (reason, completion))) or None
        error = ErrorText(reason or None, message, text)
    elif status == "Skipped" and completion:
        error = ErrorText(None, completion)
    collector.add(
        Result(
            name=(test.child_text("Name") or "").strip(),
            status=status,
            class_name="",
            started_ms=suite_start,
            started_from="unknown" if suite_start is None else "suite",
            duration_ms=collector.duration(values.get("Execution Time"), test.line),
            error=error,
            tags=tuple(
                each.text.strip()
                for group in test.find_all("Labels")
                for each in group.find_all("Label")
            ),
            line=test.line,
        )
    )
