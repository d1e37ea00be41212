"""JUnit XML in its dialects: Surefire, Gradle, pytest, Playwright, GoogleTest, gotestsum and more.

A stream and a collector in; results go into the collector. Dialects differ in what equal names
mean, in where a rerun stands, and in how a test says that it did not run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import BinaryIO

from octane_flows.results.junit_failures import error_of, seconds_of, skip_reason
from octane_flows.results.result_collector import ResultCollector
from octane_flows.results.test_result import Attempt, ErrorText, Result, Status
from octane_flows.results.xml_elements import Element, iterate_elements

RECORDS = ("testcase",)
CONTAINERS = ("testsuites", "testsuite", "testrun", "test-suites")
_FAILURES = ("error", "failure")  # in the order in which the vendor's tools look at them
_SKIPS = ("skipped", "ignored", "skip", "disabled")
_RERUNS = ("rerunFailure", "rerunError")
_FLAKES = ("flakyFailure", "flakyError")
_FAILED_WORDS = frozenset(
    (
        "failed",
        "fail",
        "failure",
        "error",
        "errored",
        "broken",
        "aborted",
        "crashed",
        "crash",
        "timeout",
        "timedout",
        "timed_out",
    )
)
_SKIPPED_WORDS = frozenset(
    ("skipped", "skip", "ignored", "disabled", "notrun", "not_run", "not-run", "suppressed",
     "pending", "todo", "excluded", "blocked", "inconclusive", "notexecuted", "not_executed")
)  # fmt: skip
_ATTACHMENT = re.compile(r"\[\[ATTACHMENT\|([^\]]+)\]\]")
_CATCH2_HOST = "tbd"  # Catch2 writes this host, and counts assertions as tests
_MOST_OUTPUT = 8000  # characters of output that stand in for the text of a failure
_SUITE_ERROR = "(suite error)"
_SUITE_CRASH = "(results missing)"


@dataclass(slots=True)
class _Counts:
    """How many cases and failures of a suite were read."""

    cases: int = 0
    failures: int = 0
    has_suite_error: bool = False


def read_junit(stream: BinaryIO, collector: ResultCollector) -> None:
    """Read a whole file. Raises ResultFileError."""
    collector.framework = "JUnit"
    counts: dict[int, _Counts] = {}
    hosts: set[str] = set()
    is_playwright = False
    for event, element in iterate_elements(
        stream, collector.notes, records=RECORDS, containers=CONTAINERS
    ):
        if element.name == "testcase":
            if event == "end":
                result = _case(element, collector)
                for suite in element.ancestors():
                    counted = counts.setdefault(id(suite), _Counts())
                    counted.cases += 1
                    # Surefire counts attempts that failed, too
                    counted.failures += result.status == "Failed" or bool(result.attempts)
                collector.add(result)
            continue
        if event == "start":
            counts[id(element)] = _Counts()
            is_playwright |= element.parent is None and _is_playwright(element)
            if _repeats_are_retries(element):
                collector.repeats_are_retries = True
            if (host := element.get("hostname")) is not None:
                hosts.add(host)
        else:
            _finish_suite(element, counts.pop(id(element), _Counts()), collector, counts)
    if not is_playwright and not _same_test_on_several_hosts(collector.results):
        # one machine's name, or those of several agents, says nothing about what was tested
        collector.results[:] = [_without_environment(result) for result in collector.results]


def _case(case: Element, collector: ResultCollector) -> Result:
    suites = [suite for suite in case.ancestors() if suite.name == "testsuite"]
    failures = [each for name in _FAILURES for each in case.find_all(name)]
    reruns, flakes = case.find_all(*_RERUNS), case.find_all(*_FLAKES)
    skip = case.find(*_SKIPS)
    words = [(case.get(name) or "").lower() for name in ("status", "result")]
    status: Status = "Passed"
    if failures or any(word in _FAILED_WORDS for word in words):
        status = "Failed"
    elif skip is not None or _did_not_run(case) or any(word in _SKIPPED_WORDS for word in words):
        status = "Skipped"
    texts = [each.text for each in case.find_all("system-out", "system-err")]
    duration = collector.duration(case.get("time") or case.get("duration"), case.line)
    error = error_of(failures) if status == "Failed" else skip_reason(skip, case)
    if status == "Failed" and (error is None or not (error.message or error.details)):
        # CTest and others write an empty failure, and what failed as output
        output = "\n".join(texts).strip()[-_MOST_OUTPUT:]
        error = replace(error or ErrorText(), details=output) if output else error
    attempts: list[Attempt] = []
    if reruns and failures:
        attempts = [Attempt("Failed", duration, error_of(failures))]
        attempts += [Attempt("Failed", seconds_of(each), error_of([each])) for each in reruns]
    elif flakes or reruns:
        attempts = [
            Attempt("Failed", seconds_of(each), error_of([each])) for each in flakes + reruns
        ]
        attempts.append(Attempt(status, duration, error if status == "Failed" else None))
    suite_start = None
    for suite in suites:
        suite_start, _ = collector.start(suite.get("timestamp"), None, suite.line)
        if suite_start is not None:
            break
    started, started_from = collector.start(case.get("timestamp"), suite_start, case.line)
    properties = tuple(
        (each.get("name") or "", each.get("value") or each.text)
        for group in case.find_all("properties")
        for each in group.find_all("property")
    )
    return Result(
        name=case.get("name") or "",
        status=status,
        class_name=_class_name(case, suites),
        variant=case.get("value_param") or "",
        environment=next((host for each in suites if (host := each.get("hostname"))), ""),
        started_ms=started,
        started_from=started_from,
        duration_ms=duration,
        error=error,
        attempts=tuple(attempts),
        owner=next((value for name, value in properties if name.lower() == "owner"), None),
        tags=tuple(value for name, value in properties if name.lower() in ("tag", "tags")),
        properties=properties,
        attachments=tuple(path for text in texts for path in _ATTACHMENT.findall(text)),
        line=case.line,
    )


def _did_not_run(case: Element) -> bool:
    """Whether an attribute says so, as those of NUnit's and of older tools' converters."""
    marks = ("disabled", "ignored", "skipped")
    return (case.get("executed") or "").lower() == "false" or any(
        (case.get(mark) or "").lower() == "true" for mark in marks
    )


def _class_name(case: Element, suites: list[Element]) -> str:
    named = case.get("classname")
    if named is None:
        named = case.get("class")
    if named is not None or len(suites) < 2:
        return named or ""
    # in nested suites without classes, the suites tell a case from others of its name
    return ".".join(name for suite in reversed(suites) if (name := suite.get("name")))


def _is_playwright(root: Element) -> bool:
    """Its root alone has an id and a name that are written also where they are empty."""
    return (
        root.name == "testsuites"
        and "id" in root.attributes
        and "name" in root.attributes
        and (not root.get("id"))
    )


def _repeats_are_retries(suite: Element) -> bool:
    """pytest-rerunfailures, and gotestsum with reruns, write every attempt as a case of its own."""
    if suite.name == "testsuite" and (suite.get("name") or "").startswith("pytest"):
        return True
    return suite.name == "testsuites" and (suite.get("name") or "") == "pytest tests"


def _same_test_on_several_hosts(results: list[Result]) -> bool:
    host_of: dict[tuple[str, str], str] = {}
    for result in results:
        key = (result.class_name, result.name)
        if host_of.setdefault(key, result.environment) != result.environment:
            return True
    return False


def _without_environment(result: Result) -> Result:
    return replace(result, environment="") if result.environment else result


def _finish_suite(
    suite: Element, counted: _Counts, collector: ResultCollector, counts: dict[int, _Counts]
) -> None:
    """What a suite tells beyond its cases: an error of its own, properties, missing results."""
    for group in suite.find_all("properties"):
        if any((each.get("name") or "") == "go.version" for each in group.find_all("property")):
            collector.repeats_are_retries = True
    name = suite.get("name") or suite.name
    own = [each for kind in _FAILURES for each in suite.find_all(kind)]
    started, started_from = collector.start(suite.get("timestamp"), None, suite.line)
    extra: Result | None = None
    if own:
        extra = Result(
            _SUITE_ERROR, "Failed", name, started_ms=started, started_from=started_from,
            error=error_of(own), line=suite.line,
        )  # fmt: skip
    elif not counted.has_suite_error and suite.get("hostname") != _CATCH2_HOST:
        missing = _declared(suite, "tests") - counted.cases
        lost = _declared(suite, "failures", "errors") - counted.failures
        if lost > 0 and (missing > 0 or not counted.failures):
            text = (
                f"the suite '{name}' declares {_declared(suite, 'tests')} tests with {lost} more "
                f"failures than its {counted.cases} results show"
            )
            collector.leave_out(text, suite.line)
            output = "\n".join(each.text for each in suite.find_all("system-err", "system-out"))
            extra = Result(
                _SUITE_CRASH, "Failed", name, started_ms=started, started_from=started_from,
                error=ErrorText(None, text, output.strip()), line=suite.line,
            )  # fmt: skip
        elif missing > 0:
            collector.leave_out(
                f"the suite '{name}' declares {_declared(suite, 'tests')} tests, of which "
                f"{missing} are not in the file",
                suite.line,
            )
    if extra is not None:
        collector.add(extra)
        for parent in suite.ancestors():
            around = counts.setdefault(id(parent), _Counts())
            around.has_suite_error = True
    elif counted.has_suite_error:
        for parent in suite.ancestors():
            counts.setdefault(id(parent), _Counts()).has_suite_error = True


def _declared(suite: Element, *names: str) -> int:
    total = 0
    for name in names:
        text = suite.get(name) or "0"
        total += int(text) if text.isdecimal() and len(text) < 10 else 0
    return total
