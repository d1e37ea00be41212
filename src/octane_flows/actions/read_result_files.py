"""Result files of test tools as runs of Octane's test-results XML.

Files of JUnit (pytest writes it too), TestNG, NUnit 2 and 3, Cucumber (JSON) and the vendor's own
feature XML in; `test_run` or `gherkin_test_run` elements out, which `results_xml` wraps.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from octane_flows.errors import UsageError

NAME_LENGTH = 255  # of names and classes, as the vendor's schema has it
STEP_LENGTH = 3800  # of the names of steps and scenarios
# characters that XML cannot hold, such as the colours of a terminal
_UNWRITABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_results(path: Path) -> list[ET.Element]:
    """The runs of one file, in its order. Raises UsageError for a file of no known kind."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}); name a result file."
        ) from error
    try:
        if data.lstrip()[:1] in (b"[", b"{"):
            return list(_cucumber(json.loads(data)))
        root = ET.fromstring(data)
        reader = READERS.get(root.tag)
        if reader is not None:
            return list(reader(root))
    except (ET.ParseError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} is no complete result file ({error}); let the test tool write it again."
        ) from error
    raise UsageError(
        f"{path} begins with <{root.tag}>, which is none of {', '.join(READERS)}; give a file of "
        "JUnit, pytest, TestNG, NUnit or Cucumber."
    )


def _junit(root: ET.Element) -> Iterator[ET.Element]:
    for case in root.iter("testcase"):
        failure = case.find("failure")
        failure = case.find("error") if failure is None else failure
        status = "Passed" if case.find("skipped") is None else "Skipped"
        run = _run(
            case.get("name", ""),
            "Passed" if failure is None and status == "Passed" else status,
            _milliseconds(case.get("time")),
            class_name=case.get("classname"),
        )
        if failure is not None:
            run.set("status", "Failed")
            _error(run, failure.get("type"), failure.get("message"), failure.text)
        yield run


def _testng(root: ET.Element) -> Iterator[ET.Element]:
    statuses = {"PASS": "Passed", "FAIL": "Failed", "SKIP": "Skipped"}
    for owner in root.iter("class"):
        for method in owner.iter("test-method"):
            if method.get("is-config") == "true":
                continue
            run = _run(
                method.get("name", ""),
                statuses[method.get("status", "")],
                int(method.get("duration-ms", "0")),
                class_name=owner.get("name"),
                started=_moment(method.get("started-at")),
            )
            if (found := method.find("exception")) is not None and run.get("status") == "Failed":
                message, trace = found.findtext("message"), found.findtext("full-stacktrace")
                _error(run, found.get("class"), message, trace)
            yield run


def _nunit(root: ET.Element) -> Iterator[ET.Element]:
    statuses = {"passed": "Passed", "success": "Passed", "failed": "Failed", "failure": "Failed",
                "error": "Failed"}  # fmt: skip
    for case in root.iter("test-case"):
        full: str = case.get("fullname") or case.get("name") or ""
        # the arguments of a case belong to its name, also where they hold a dot
        head = full.partition("(")[0].rpartition(".")[0]
        class_name = case.get("classname") or head
        run = _run(
            full.removeprefix(f"{class_name}.") if class_name else full,
            statuses.get(case.get("result", "").lower(), "Skipped"),
            _milliseconds(case.get("duration") or case.get("time")),
            class_name=class_name,
            started=_moment(case.get("start-time")),
        )
        failure = case.find("failure")
        if failure is not None and run.get("status") == "Failed":
            _error(run, None, failure.findtext("message"), failure.findtext("stack-trace"))
        yield run


def _features(root: ET.Element) -> Iterator[ET.Element]:
    """The XML that the vendor's own Gherkin formatters write."""
    for feature in root.iter("feature"):
        for scenario in feature.iter("scenario"):
            scenario.set("status", _worst(step.get("status", "") for step in scenario.iter("step")))
        yield _gherkin(feature)


def _cucumber(features: list[Mapping[str, Any]]) -> Iterator[ET.Element]:
    for found in features:
        feature = ET.Element("feature", name=_clean(found["name"])[:NAME_LENGTH])
        feature.set("path", _clean(found["uri"])[-NAME_LENGTH:])
        tags = [tag["name"] for tag in found.get("tags", ())]
        feature.set("tag", next((tag for tag in tags if tag.startswith("@TID")), ""))
        scenarios: list[ET.Element] = []
        before: list[Mapping[str, Any]] = []
        seen: dict[str, int] = {}
        started: list[int] = []
        lines = [f"{found.get('keyword', 'Feature')}: {found['name']}"]
        for element in found.get("elements", ()):
            if element.get("type") == "background":
                before = list(element.get("steps", ()))
                continue
            name = _clean(element["name"])[:STEP_LENGTH]
            steps = [*before, *element.get("steps", ())]
            before = []
            if (moment := _moment(element.get("start_timestamp"))) is not None:
                started.append(moment)
            scenario = ET.Element("scenario", name=name)
            if element.get("keyword") in ("Scenario Outline", "Scenario Template"):
                seen[name] = seen.get(name, 0) + 1
                scenario.set("outlineIndex", str(seen[name]))
            scenario.append(_cucumber_steps(steps))
            scenario.set("status", _worst(step.get("status", "") for step in scenario.iter("step")))
            scenarios.append(scenario)
            lines += [f"  {element.get('keyword', 'Scenario')}: {element['name']}"]
            lines += [f"    {step.get('keyword', '')}{step.get('name', '')}" for step in steps]
        feature.set("started", str(min(started, default=0)))
        ET.SubElement(feature, "file").text = _clean("\n".join(lines))
        ET.SubElement(feature, "scenarios").extend(scenarios)
        yield _gherkin(feature)


def _cucumber_steps(steps: list[Mapping[str, Any]]) -> ET.Element:
    listed = ET.Element("steps")
    words = {"passed": "passed", "failed": "failed"}
    for found in steps:
        result = found.get("result", {})
        name = f"{found.get('keyword', '')}{found.get('name', '')}"
        step = ET.SubElement(listed, "step", name=_clean(name)[:STEP_LENGTH])
        step.set("duration", str(round(result.get("duration", 0) / 1_000_000)))  # nanoseconds
        step.set("status", words.get(result.get("status", ""), "skipped"))
        if result.get("error_message"):
            ET.SubElement(step, "error_message").text = _clean(result["error_message"])
    return listed


def _gherkin(feature: ET.Element) -> ET.Element:
    steps = list(feature.iter("step"))
    run = ET.Element("gherkin_test_run", name=feature.get("name", ""))
    run.set("duration", str(sum(int(step.get("duration", "0")) for step in steps)))
    run.set("status", _worst(one.get("status", "") for one in feature.iter("scenario")))
    run.append(feature)
    return run


def _worst(statuses: Iterator[str]) -> str:
    found = {status.lower() for status in statuses}
    if "failed" in found:
        return "Failed"
    return "Skipped" if found - {"passed"} else "Passed"


def _run(
    name: str,
    status: str,
    duration_ms: int,
    *,
    class_name: str | None = None,
    started: int | None = None,
) -> ET.Element:
    run = ET.Element("test_run", module="")
    if class_name:
        run.set("class", _clean(class_name)[:NAME_LENGTH])
    run.set("name", _clean(name)[:NAME_LENGTH])
    run.set("status", status)
    run.set("duration", str(duration_ms))
    if started is not None:
        run.set("started", str(started))
    return run


def _error(run: ET.Element, kind: str | None, message: str | None, details: str | None) -> None:
    error = ET.SubElement(run, "error")
    for name, value in (("type", kind), ("message", message)):
        if value is not None:
            error.set(name, _clean(value.strip()))
    error.text = _clean((details or "").strip())


def _clean(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)


def _milliseconds(seconds: str | None) -> int:
    """Some tools group the thousands of a long time with commas."""
    return round(float((seconds or "0").replace(",", "")) * 1000)


def _moment(text: str | None) -> int | None:
    """Milliseconds since 1970; a time without a zone says too little and counts as none."""
    if not text:
        return None
    moment = datetime.fromisoformat(text.replace(" UTC", "Z"))
    return None if moment.tzinfo is None else round(moment.timestamp() * 1000)


READERS: dict[str, Callable[[ET.Element], Iterator[ET.Element]]] = {
    "testsuites": _junit,
    "testsuite": _junit,
    "testng-results": _testng,
    "test-run": _nunit,
    "test-results": _nunit,
    "features": _features,
}
