"""Robot Framework's output.xml, of versions 3 to 7.

A stream and a collector in; results go into the collector. The class of a test is its suites' names
with dots, as Robot's own xunit file and the vendor's converter write it.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import BinaryIO

from octane_flows.results.result_collector import ResultCollector
from octane_flows.results.test_result import ErrorText, Result, Status
from octane_flows.results.xml_elements import Element, iterate_elements

_STATUSES: dict[str, Status] = {"PASS": "Passed", "FAIL": "Failed", "SKIP": "Skipped",
                                "NOT RUN": "Skipped", "NOT_RUN": "Skipped"}  # fmt: skip


def read_robot(stream: BinaryIO, collector: ResultCollector) -> None:
    """Read a whole file. Raises ResultFileError."""
    collector.framework = "Robot Framework"
    for event, element in iterate_elements(
        stream, collector.notes, records=("test", "kw", "msg"), containers=("suite",)
    ):
        if event != "end":
            continue
        if element.name == "test":
            _test(element, collector)
        elif (
            element.name == "kw" and element.parent is not None and (element.parent.name == "suite")
        ):
            _suite_keyword(element, collector)


def _suites(element: Element) -> str:
    names = [each.get("name") or "" for each in element.ancestors() if each.name == "suite"]
    return ".".join(reversed(names))


def _test(test: Element, collector: ResultCollector) -> None:
    status = test.find("status")
    word = (status.get("status") or "").upper() if status is not None else ""
    if status is None or word not in _STATUSES:
        collector.leave_out(f"the status '{word}' of a test is not known", test.line)
        return
    message = status.text.strip()
    line = test.get("line") or ""
    start = _with_date_marks(status.get("start") or status.get("starttime"))
    end = _with_date_marks(status.get("endtime"))
    started, started_from = collector.start(start, None, test.line)
    duration = collector.duration(status.get("elapsed"), test.line)
    if duration is None:
        duration = _between(start, end)
    tags = [each.text.strip() for each in test.find_all("tag")]
    for group in test.find_all("tags"):  # up to version 3
        tags += [each.text.strip() for each in group.find_all("tag")]
    owner = next(
        (t.partition(":")[2].strip() for t in tags if t.lower().startswith("owner:")), None
    )
    collector.add(
        Result(
            name=test.get("name") or "",
            status=_STATUSES[word],
            class_name=_suites(test),
            started_ms=started,
            started_from=started_from,
            duration_ms=duration,
            error=ErrorText(None, message) if message and word != "PASS" else None,
            owner=owner or None,
            tags=tuple(tags),
            line=int(line) if re.fullmatch(r"[0-9]{1,9}", line) else test.line,
        )
    )


def _suite_keyword(keyword: Element, collector: ResultCollector) -> None:
    """A failed set-up shows in its tests; a failed tear-down of a suite may show nowhere else."""
    status = keyword.find("status")
    kind = (keyword.get("type") or "").upper()
    if status is None or kind != "TEARDOWN" or (status.get("status") or "").upper() != "FAIL":
        return
    collector.add(
        Result(
            name="(tear-down of the suite)",
            status="Failed",
            class_name=_suites(keyword),
            error=ErrorText(None, status.text.strip() or None),
            line=keyword.line,
        )
    )


def _with_date_marks(text: str | None) -> str | None:
    """`20261101 10:00:00.123` of versions up to 6 as an ISO time."""
    if text is not None and len(text) > 9 and text[:8].isdecimal() and text[8] == " ":
        return f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[9:]}"
    return text


def _between(start: str | None, end: str | None) -> float | None:
    try:
        span = datetime.fromisoformat(end or "") - datetime.fromisoformat(start or "")
    except (ValueError, TypeError):  # TypeError: only one of the two has a zone
        return None
    milliseconds = span.total_seconds() * 1000
    return milliseconds if milliseconds >= 0 else None
