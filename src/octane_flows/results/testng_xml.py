"""TestNG's testng-results.xml, versions 6 and 7.

A stream and a collector in; results go into the collector. A retried attempt is written as a method
of its own that is skipped; a failed configuration method becomes a failed result.
"""

from __future__ import annotations

from dataclasses import replace
from typing import BinaryIO

from octane_flows.results.result_collector import ResultCollector
from octane_flows.results.start_times import parse_start
from octane_flows.results.test_result import Attempt, ErrorText, Result, Status
from octane_flows.results.xml_elements import Element, iterate_elements

_STATUSES: dict[str, Status] = {
    "PASS": "Passed",
    "FAIL": "Failed",
    "SKIP": "Skipped",
    # TestNG does not count a failure that its success percentage allows
    "SUCCESS_PERCENTAGE_FAILURE": "Passed",
}
_QUARTER_MS = 15 * 60 * 1000
_MINUTE_MS = 60 * 1000


def read_testng(stream: BinaryIO, collector: ResultCollector) -> None:
    """Read a whole file. Raises ResultFileError."""
    collector.framework = "TestNG"
    first = 0
    suite: Element | None = None
    for event, element in iterate_elements(
        stream, collector.notes, records=("test-method",), containers=("suite", "test", "class")
    ):
        if element.name == "test-method" and event == "end":
            _method(element, collector)
        elif element.name == "suite":
            if event == "start":
                suite, first = element, len(collector.results)
            elif suite is not None:
                _correct_local_times(suite, collector, first)
    collector.results[:] = _with_retries(collector.results)


def _method(method: Element, collector: ResultCollector) -> None:
    word = (method.get("status") or "").upper()
    status = _STATUSES.get(word)
    if status is None:
        collector.leave_out(f"the status '{word}' of a method is not known", method.line)
        return
    is_config = method.get("is-config") == "true"
    if is_config and status != "Failed":
        return
    owner = next((each for each in method.ancestors() if each.name == "class"), None)
    exception = method.find("exception")
    error = None
    if exception is not None:
        error = ErrorText(
            exception.get("class"),
            (exception.child_text("message") or "").strip() or None,
            (exception.child_text("full-stacktrace") or "").strip(),
        )
    started, started_from = collector.start(method.get("started-at"), None, method.line)
    parameters = method.find("params")
    variant = ", ".join(
        (each.child_text("value") or "").strip()
        for each in (parameters.find_all("param") if parameters is not None else ())
    )
    duration = collector.durations.read(
        method.get("duration-ms"), len(collector.results), method.line, unit_ms=1.0
    )
    attempts: tuple[Attempt, ...] = ()
    if word == "SUCCESS_PERCENTAGE_FAILURE":
        attempts = (Attempt("Failed", duration, error), Attempt("Passed"))
    elif status == "Skipped" and method.get("retried") == "true":
        attempts = (Attempt("Failed", duration, error),)
    collector.add(
        Result(
            name=method.get("name") or "",
            status=status,
            class_name=(owner.get("name") if owner is not None else None) or "",
            variant=variant,
            started_ms=started,
            started_from=started_from,
            duration_ms=duration,
            error=error,
            attempts=attempts,
            line=method.line,
            properties=(("signature", method.get("signature") or ""),),
        )
    )


def _with_retries(results: list[Result]) -> list[Result]:
    """Skipped methods with an exception, beside another result of the same call, were retried."""
    groups: dict[tuple[str, str, str, str], list[Result]] = {}
    for result in results:
        signature = result.properties[0][1]
        groups.setdefault((result.class_name, result.name, signature, result.variant), []).append(
            result
        )
    joined: list[Result] = []
    for group in groups.values():
        retried = [
            each
            for each in group
            if (each.attempts and each.status == "Skipped")
            or (len(group) > 1 and each.status == "Skipped" and _is_of_test(each.error))
        ]
        final = [each for each in group if each not in retried]
        if not retried:
            joined += group
            continue
        if not final:  # all attempts were skipped: the last one is what the method ended with
            final, retried = retried[-1:], retried[:-1]
        earlier = tuple(Attempt("Failed", each.duration_ms, each.error) for each in retried)
        head, *rest = final
        attempts = (*earlier, Attempt(head.status, head.duration_ms, head.error))
        joined.append(replace(head, attempts=attempts))
        joined += rest
    return [replace(each, properties=()) for each in joined]


def _is_of_test(error: ErrorText | None) -> bool:
    """Whether a skipped method failed itself; a skip by choice or by a dependency is none."""
    if error is None or (error.type or "").endswith("SkipException"):
        return False
    return "not successfully finished" not in (error.message or "")


def _correct_local_times(suite: Element, collector: ResultCollector, first: int) -> None:
    """TestNG before 7 marks local times of methods with Z; its suites have the true ones.

    Where all methods lie outside of their suite by the same whole number of quarters of an hour,
    they are moved by it.
    """
    notes = collector.notes
    start = parse_start(suite.get("started-at"), notes, suite.line)
    end = parse_start(suite.get("finished-at"), notes, suite.line)
    times = [r.started_ms for r in collector.results[first:] if r.started_ms is not None]
    if start is None or end is None or not times:
        return
    if min(times) >= start - _MINUTE_MS and max(times) <= end + _MINUTE_MS:
        return
    offset = round((min(times) - start) / _QUARTER_MS) * _QUARTER_MS
    inside = min(times) - offset >= start - _MINUTE_MS and max(times) - offset <= end + _MINUTE_MS
    if not offset or not inside or abs(offset) > 14 * 4 * _QUARTER_MS:
        return
    notes.add(
        "repaired",
        f"local times of methods were marked as UTC and are moved by {offset // 60000} minutes",
        suite.line,
    )
    for index in range(first, len(collector.results)):
        started = collector.results[index].started_ms
        if started is not None:
            collector.results[index] = replace(
                collector.results[index], started_ms=started - offset
            )
