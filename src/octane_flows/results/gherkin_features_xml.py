"""The XML of the vendor's own Gherkin formatters: features with their scenarios and steps.

A stream and a collector in; results go into the collector.
"""

from __future__ import annotations

import re
from typing import BinaryIO

from octane_flows.results.result_collector import ResultCollector
from octane_flows.results.scenario_results import (
    UNNAMED_STEP,
    add_scenarios,
    scenario_result,
    step_status,
)
from octane_flows.results.test_result import Result, Scenario, Step
from octane_flows.results.xml_elements import Element, iterate_elements


def read_features(stream: BinaryIO, collector: ResultCollector) -> None:
    """Read a whole file. Raises ResultFileError."""
    collector.framework = "Cucumber"
    for event, element in iterate_elements(stream, collector.notes, records=("feature",)):
        if event == "end" and element.name == "feature":
            add_scenarios(collector, list(_scenarios(element, collector)))


def _scenarios(feature: Element, collector: ResultCollector) -> list[Result]:
    started, started_from = collector.start(feature.get("started"), None, feature.line)
    tag = feature.get("tag")
    results = []
    for element in feature.descendants("scenario"):
        index = element.get("outlineIndex") or ""
        scenario = Scenario(
            feature=feature.get("name") or "",
            path=feature.get("path") or "",
            name=element.get("name") or "",
            steps=tuple(_step(each, collector) for each in element.descendants("step")),
            feature_tags=(tag,) if tag else (),
            outline_index=int(index) if re.fullmatch(r"[0-9]{1,9}", index) else None,
            script=feature.child_text("file"),
        )
        results.append(
            scenario_result(
                scenario,
                started_ms=started,
                started_from=started_from,
                line=element.line,
                status="Failed" if (element.get("status") or "").lower() == "failed" else None,
            )
        )
    return results


def _step(step: Element, collector: ResultCollector) -> Step:
    return Step(
        name=step.get("name") or UNNAMED_STEP,
        status=step_status(step.get("status"), collector.options),
        duration_ms=collector.durations.read(step.get("duration"), line=step.line, unit_ms=1.0),
        error=(step.child_text("error_message") or "").strip() or None,
        word=(step.get("status") or "").lower(),
    )
