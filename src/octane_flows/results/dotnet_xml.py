"""Results of other .NET tools: xUnit.net version 2 and later (`assemblies`), MSTest's TRX.

A stream and a collector in; results go into the collector.
"""

from __future__ import annotations

from dataclasses import replace
from typing import BinaryIO

from octane_flows.results.result_collector import ResultCollector
from octane_flows.results.test_result import ErrorText, Result, Status
from octane_flows.results.xml_elements import Element, iterate_elements

_XUNIT: dict[str, Status] = {"pass": "Passed", "fail": "Failed", "skip": "Skipped"}
_TRX: dict[str, Status] = {
    "passed": "Passed", "passedbutrunaborted": "Failed", "completed": "Passed",
    "warning": "Passed", "failed": "Failed", "error": "Failed", "timeout": "Failed",
    "aborted": "Failed", "disconnected": "Failed",
}  # fmt: skip


_TRX_RESULTS = (
    "UnitTestResult",
    "TestResult",
    "TestResultAggregation",
    "GenericTestResult",
    "WebTestResult",
    "ManualTestResult",
)


def read_xunit_net(stream: BinaryIO, collector: ResultCollector) -> None:
    """Read a file of xUnit.net. Raises ResultFileError."""
    collector.framework = "xUnit.net"
    for event, element in iterate_elements(
        stream,
        collector.notes,
        records=("test", "error"),
        containers=("assemblies", "assembly", "collection"),
    ):
        if event != "end":
            continue
        if element.name == "test":
            _xunit_test(element, collector)
        elif element.name == "error":
            failure = element.find("failure")
            collector.add(
                Result(
                    name=f"({element.get('type') or 'error'})",
                    status="Failed",
                    class_name=_assembly_name(element),
                    error=_xunit_failure(failure) if failure is not None else None,
                    line=element.line,
                )
            )


def _xunit_test(test: Element, collector: ResultCollector) -> None:
    class_name = test.get("type") or ""
    name = test.get("name") or test.get("method") or ""
    word = (test.get("result") or "").lower()
    status = _XUNIT.get(word, "Skipped")
    failure = test.find("failure")
    reason = (test.child_text("reason") or "").strip()
    traits = [
        (each.get("name") or "", each.get("value") or "")
        for group in test.find_all("traits")
        for each in group.find_all("trait")
    ]
    assembly = next((each for each in test.ancestors() if each.name == "assembly"), None)
    day = assembly.get("run-date") if assembly is not None else None
    clock = assembly.get("run-time") if assembly is not None else None
    started, started_from = collector.start(
        test.get("start-rtf") or (f"{day}T{clock}" if day and clock else None), None, test.line
    )
    error = ErrorText(None, reason) if reason else None
    if status == "Failed":
        error = _xunit_failure(failure) if failure is not None else None
    collector.add(
        Result(
            name=name.removeprefix(f"{class_name}.") if class_name else name,
            status=status,
            class_name=class_name,
            started_ms=started,
            started_from=started_from,
            duration_ms=collector.duration(test.get("time"), test.line),
            error=error,
            tags=tuple(value for key, value in traits if key.lower() == "category"),
            properties=tuple(traits),
            line=test.line,
        )
    )


def _xunit_failure(failure: Element) -> ErrorText:
    return ErrorText(
        failure.get("exception-type"),
        (failure.child_text("message") or "").strip() or None,
        (failure.child_text("stack-trace") or "").strip(),
    )


def _assembly_name(element: Element) -> str:
    for each in element.ancestors():
        if each.name == "assembly":
            return (each.get("name") or "").replace("\\", "/").rpartition("/")[2]
    return ""


def read_trx(stream: BinaryIO, collector: ResultCollector) -> None:
    """Read a TRX file; classes stand in its definitions. Raises ResultFileError."""
    collector.framework = "MSTest"
    classes: dict[str, tuple[str, str | None, tuple[str, ...]]] = {}
    unit: list[tuple[str, Result]] = []
    with_inner: set[int] = set()  # rows of data are results of their own, their sum is not
    for event, element in iterate_elements(
        stream,
        collector.notes,
        records=(*_TRX_RESULTS, "UnitTest", "RunInfo"),
        containers=("TestRun", "Results", "InnerResults"),
    ):
        if event != "end":
            continue
        if element.name in _TRX_RESULTS:
            outer = [each for each in element.ancestors() if each.name in _TRX_RESULTS]
            with_inner |= {id(each) for each in outer}
            if id(element) not in with_inner:
                test_id = (outer[-1] if outer else element).get("testId") or ""
                unit.append((test_id, _trx_result(element, collector)))
        elif element.name == "UnitTest":
            method = element.find("TestMethod")
            class_name = (method.get("className") or "") if method is not None else ""
            owner = next((each.get("name") for each in element.descendants("Owner")), None)
            tags = tuple(
                each.get("TestCategory") or "" for each in element.descendants("TestCategoryItem")
            )
            classes[element.get("id") or ""] = (class_name.partition(",")[0], owner, tags)
        elif (element.get("outcome") or "").lower() == "error":
            text = next((each.text.strip() for each in element.descendants("Text")), "")
            error = ErrorText(None, text or None)
            unit.append(("", Result("(run error)", "Failed", error=error, line=element.line)))
    for test_id, result in unit:
        class_name, owner, tags = classes.get(test_id, ("", None, ()))
        name = result.name.removeprefix(f"{class_name}.") if class_name else result.name
        collector.add(replace(result, name=name, class_name=class_name, owner=owner, tags=tags))


def _trx_result(unit: Element, collector: ResultCollector) -> Result:
    word = (unit.get("outcome") or "").lower()
    status = _TRX.get(word, "Skipped")
    started, started_from = collector.start(unit.get("startTime"), None, unit.line)
    info = next(iter(unit.descendants("ErrorInfo")), None)
    error = None
    if info is not None:
        error = ErrorText(
            None,
            (info.child_text("Message") or "").strip() or None,
            (info.child_text("StackTrace") or "").strip(),
        )
    return Result(
        name=unit.get("testName") or "",
        status=status,
        variant=unit.get("dataRowInfo") or "",
        started_ms=started,
        started_from=started_from,
        duration_ms=collector.durations.read(unit.get("duration"), line=unit.line),
        error=error,
        attachments=tuple(
            path for each in unit.descendants("ResultFile") if (path := each.get("path"))
        ),
        line=unit.line,
    )
