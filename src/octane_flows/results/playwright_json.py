"""Playwright's JSON report.

A stream and a collector in; results go into the collector. A project is an environment, the file
is the class, and the titles around a test belong to its name, as in Playwright's JUnit report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from octane_flows.results.durations import from_number
from octane_flows.results.json_items import as_list, as_object, as_text, whole_document
from octane_flows.results.repaired_text import without_escapes
from octane_flows.results.result_collector import ResultCollector
from octane_flows.results.test_result import Attempt, ErrorText, Result, ResultFileError, Status

_OUTCOMES: dict[str, Status] = {
    "expected": "Passed",
    "flaky": "Passed",
    "unexpected": "Failed",
    "skipped": "Skipped",
}
_ATTEMPTS: dict[str, Status] = {"passed": "Passed", "skipped": "Skipped"}


def read_playwright(stream: BinaryIO, collector: ResultCollector) -> None:
    """Read a whole file. Raises ResultFileError."""
    collector.framework = "Playwright"
    report = whole_document(stream, collector.notes)
    if not isinstance(report, dict):
        raise ResultFileError("this is no report of Playwright")
    for suite in as_list(report.get("suites")):
        _suite(as_object(suite), (), collector, is_file=True)
    for report_error in as_list(report.get("errors")):
        error = _error([report_error])
        collector.add(Result("(error of the test run)", "Failed", error=error))


def _suite(
    suite: Mapping[str, Any], titles: Sequence[str], collector: ResultCollector, *, is_file: bool
) -> None:
    around = [*titles] if is_file else [*titles, as_text(suite.get("title"))]
    for item in as_list(suite.get("specs")):
        spec = as_object(item)
        name = " › ".join(filter(None, [*around, as_text(spec.get("title"))]))
        for test in as_list(spec.get("tests")):
            _test(as_object(test), spec, name, collector)
    for child in as_list(suite.get("suites")):
        _suite(as_object(child), around, collector, is_file=False)


def _test(
    test: Mapping[str, Any], spec: Mapping[str, Any], name: str, collector: ResultCollector
) -> None:
    line = spec.get("line")
    word = as_text(test.get("status"))
    status = _OUTCOMES.get(word)
    if status is None:
        collector.leave_out(f"the outcome '{word}' of a test is not known", line)
        return
    runs = [as_object(each) for each in as_list(test.get("results"))]
    attempts = [
        Attempt(
            # a test that is expected to fail passes by failing
            "Passed" if word == "expected" else _ATTEMPTS.get(as_text(run.get("status")), "Failed"),
            from_number(run.get("duration"), 1.0),
            _error(as_list(run.get("errors")) or [run.get("error")]),
        )
        for run in runs
    ]
    last = runs[-1] if runs else {}
    start_text = as_text(last.get("startTime"))
    started, started_from = collector.start(start_text, None, line)
    error = attempts[-1].error if attempts and status == "Failed" else None
    if status == "Skipped":
        reasons = [as_object(each) for each in as_list(test.get("annotations"))]
        text = next((as_text(r.get("description")) for r in reasons if r.get("description")), "")
        error = ErrorText(None, text) if text else None
    annotations = [as_object(each) for each in as_list(test.get("annotations"))]
    collector.add(
        Result(
            name=name,
            status=status,
            class_name=as_text(spec.get("file")),
            environment=as_text(test.get("projectName")),
            started_ms=started,
            started_from=started_from,
            duration_ms=attempts[-1].duration_ms if attempts else None,
            error=error,
            attempts=tuple(attempts) if len(attempts) > 1 else (),
            owner=next(
                (as_text(a.get("description")) for a in annotations if a.get("type") == "owner"),
                None,
            ),
            tags=tuple(as_text(tag) for tag in as_list(spec.get("tags"))),
            attachments=tuple(
                path
                for run in runs
                for each in as_list(run.get("attachments"))
                if (path := as_text(as_object(each).get("path")))
            ),
            line=line if isinstance(line, int) else None,
        )
    )


def _error(errors_of_run: Sequence[object]) -> ErrorText | None:
    errors = [as_object(each) for each in errors_of_run if each]
    if not errors:
        return None
    texts = [
        without_escapes(as_text(each.get("stack")) or as_text(each.get("message"))).strip()
        for each in errors
    ]
    message = without_escapes(as_text(errors[0].get("message"))).strip()
    first_line = next((line.strip() for line in message.splitlines() if line.strip()), None)
    return ErrorText(None, first_line, "\n\n".join(filter(None, texts)))
