"""NUnit's results: `test-results` of version 2, `test-run` of version 3.

A stream and a collector in; results go into the collector.
"""

from __future__ import annotations

from typing import BinaryIO

from octane_flows.results.result_collector import ResultCollector
from octane_flows.results.test_result import ErrorText, Result, Status
from octane_flows.results.xml_elements import Element, iterate_elements

_STATUSES: dict[str, Status] = {
    "passed": "Passed",
    "success": "Passed",
    "failed": "Failed",
    "failure": "Failed",
    "error": "Failed",
    "notrunnable": "Failed",
    "cancelled": "Failed",
}
_SUITE_SETUP = ("SetUp", "TearDown")


def read_nunit(stream: BinaryIO, collector: ResultCollector) -> None:
    """Read a whole file. Raises ResultFileError."""
    collector.framework = "NUnit"
    for event, element in iterate_elements(
        stream, collector.notes, records=("test-case",), containers=("test-suite",)
    ):
        if event == "end" and element.name == "test-case":
            collector.add(_case(element, collector))
        elif event == "end" and element.name == "test-suite" and _failed_alone(element):
            collector.add(_suite_failure(element, collector))


def _case(case: Element, collector: ResultCollector) -> Result:
    full = case.get("fullname") or case.get("name") or ""
    class_name = _class_of(case, full)
    word = (case.get("result") or "").lower()
    if not word:  # NUnit 2.4: no result, but whether it ran and how it ended
        word = {"True": "success", "False": "failure"}.get(case.get("success") or "", "ignored")
    status = _STATUSES.get(word, "Skipped")
    started, started_from = collector.start(case.get("start-time"), None, case.line)
    return Result(
        name=_name_of(case, full, class_name),
        status=status,
        class_name=class_name,
        started_ms=started,
        started_from=started_from,
        duration_ms=collector.duration(case.get("duration") or case.get("time"), case.line),
        error=_failure_of(case) if status == "Failed" else _reason_of(case),
        tags=_values(case, "Category"),
        owner=next(iter(_values(case, "Author")), None),
        properties=tuple(
            (each.get("name") or "", each.get("value") or "")
            for group in case.find_all("properties")
            for each in group.find_all("property")
        ),
        attachments=tuple(
            path.strip()
            for group in case.find_all("attachments")
            for each in group.find_all("attachment")
            if (path := each.child_text("filePath"))
        ),
        line=case.line,
    )


def _class_of(case: Element, full: str) -> str:
    """The class as the full name has it: `classname` writes generic classes as `Box`1`."""
    # arguments belong to the name of a case, also where they hold a dot
    head = full.partition("(")[0]
    named = case.get("classname")
    if named and (full == named or full.startswith(f"{named}.")):
        return named
    method = case.get("methodname")
    if method and (position := head.rfind(f".{method}")) > 0:
        return head[:position]
    depth = 0
    for position in range(len(head) - 1, -1, -1):
        depth += {">": 1, "<": -1}.get(head[position], 0)
        if head[position] == "." and depth == 0:
            return head[:position]
    return named or ""


def _name_of(case: Element, full: str, class_name: str) -> str:
    if class_name and full.startswith(f"{class_name}."):
        return full[len(class_name) + 1 :]
    return case.get("name") or full


def _failure_of(case: Element) -> ErrorText | None:
    failure = case.find("failure")
    if failure is None:
        return None
    message = (failure.child_text("message") or "").strip()
    details = [(failure.child_text("stack-trace") or "").strip()]
    for group in case.find_all("assertions"):
        for assertion in group.find_all("assertion"):
            text = (assertion.child_text("message") or "").strip()
            trace = (assertion.child_text("stack-trace") or "").strip()
            if text and text not in message:
                details.append(f"{text}\n{trace}".strip())
    return ErrorText(case.get("label"), message or None, "\n\n".join(filter(None, details)))


def _reason_of(case: Element) -> ErrorText | None:
    reason = case.find("reason")
    message = reason.child_text("message") if reason is not None else None
    if message is None:
        assertions = case.find("assertions")
        first = assertions.find("assertion") if assertions is not None else None
        message = first.child_text("message") if first is not None else None
    return ErrorText(None, message.strip()) if message and message.strip() else None


def _values(case: Element, name: str) -> tuple[str, ...]:
    return tuple(
        each.get("value") or ""
        for group in case.find_all("properties")
        for each in group.find_all("property")
        if each.get("name") == name
    )


def _failed_alone(suite: Element) -> bool:
    """Whether a set-up or tear-down of a whole suite failed, which its cases may not show."""
    if (suite.get("label") or "") == "Invalid" and suite.find("failure", "reason") is not None:
        return True  # an assembly that could not be loaded, a fixture without a constructor
    return suite.find("failure") is not None and (
        suite.get("site") in _SUITE_SETUP or (suite.get("label") or "") == "Error"
    )


def _suite_failure(suite: Element, collector: ResultCollector) -> Result:
    started, started_from = collector.start(suite.get("start-time"), None, suite.line)
    return Result(
        name=f"({suite.get('site') or 'error'} of the suite)",
        status="Failed",
        class_name=suite.get("fullname") or suite.get("name") or "",
        started_ms=started,
        started_from=started_from,
        error=_failure_of(suite) or _reason_of(suite),
        line=suite.line,
    )
