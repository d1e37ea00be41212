"""Cucumber's JSON of every maker, and behave's dialect of it.

A stream and a collector in; results go into the collector. Durations are nanoseconds, behave's are
seconds. Hooks stand beside the steps (cucumber-jvm) or among them (cucumber-js).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from octane_flows.results.durations import from_number
from octane_flows.results.json_items import array_items, as_list, as_object, as_text
from octane_flows.results.result_collector import ResultCollector
from octane_flows.results.scenario_results import (
    BACKGROUND,
    UNNAMED_STEP,
    add_scenarios,
    number_outlines,
    scenario_result,
    step_status,
)
from octane_flows.results.test_result import Result, Scenario, Step

_OUTLINES = ("scenario outline", "scenario template")


def read_cucumber(stream: BinaryIO, collector: ResultCollector) -> None:
    """Read a whole file. Raises ResultFileError."""
    collector.framework = "Cucumber"
    for number, feature in enumerate(array_items(stream, collector.notes), start=1):
        if not isinstance(feature, dict):
            collector.leave_out(f"feature {number} is no object")
            continue
        _Feature(feature, collector).read()


class _Feature:
    """One feature while it is read."""

    def __init__(self, feature: Mapping[str, Any], collector: ResultCollector) -> None:
        self.feature, self.collector = feature, collector
        location = as_text(feature.get("location"))
        self.is_behave = "uri" not in feature and bool(location)
        self.path = as_text(feature.get("uri")) or location.rpartition(":")[0] or location
        self.name = as_text(feature.get("name"))
        self.tags = _tags(feature)
        self.script = [f"{as_text(feature.get('keyword')) or 'Feature'}: {self.name}"]
        if self.is_behave:
            collector.framework = "behave"

    def read(self) -> None:
        results: list[Result] = []
        groups: list[str | None] = []
        background: list[Step] = []
        run = 0  # consecutive examples belong to one outline where no id tells
        for element in as_list(self.feature.get("elements")):
            part = as_object(element)
            if not part:
                self.collector.leave_out("a scenario is no object, or an empty one")
                continue
            steps = self._steps(part)
            self._write(part)
            if part.get("type") == "background" or (
                "type" not in part and as_text(part.get("keyword")) == "Background"
            ):
                # behave repeats the background's steps in each scenario, with their results
                background = [] if self.is_behave else steps
                continue
            keyword = as_text(part.get("keyword")).strip().lower()
            is_outline = keyword in _OUTLINES or part.get("type") == "scenario_outline"
            run += not is_outline
            head, mark, _ = as_text(part.get("id")).rpartition(";;")
            groups.append(None if not is_outline else head if mark else f"run {run}")
            results.append(self._result(part, [*background, *steps]))
            background = []
        if background:  # it failed before any scenario began
            results.append(self._result({"name": BACKGROUND}, background))
            groups.append(None)
        script = "\n".join(self.script)
        results = number_outlines(results, groups)
        add_scenarios(self.collector, (_with_script(each, script) for each in results))

    def _result(self, element: Mapping[str, Any], steps: list[Step]) -> Result:
        collector = self.collector
        start_text = element.get("start_timestamp")
        line = element.get("line")
        started, started_from = collector.start(
            start_text if isinstance(start_text, str) else None, None
        )
        scenario = Scenario(
            feature=self.name,
            path=self.path,
            name=as_text(element.get("name")).strip(),
            steps=tuple(steps),
            feature_tags=self.tags,
        )
        failed_outside = str(element.get("status") or "").lower() in ("failed", "hook_error")
        return scenario_result(
            scenario,
            started_ms=started,
            started_from=started_from,
            tags=_tags(element),
            line=line if isinstance(line, int) else None,
            status="Failed" if failed_outside else None,
        )

    def _steps(self, element: Mapping[str, Any]) -> list[Step]:
        steps = self._hooks(element.get("before"), "Before")
        for item in as_list(element.get("steps")):
            step = as_object(item)
            if step.get("hidden"):
                steps += self._hooks([step], as_text(step.get("keyword")).strip() or "Hook")
                continue
            steps += self._hooks(step.get("before"), "Before step")
            steps.append(self._step(step, as_text(step.get("keyword"))))
            steps += self._hooks(step.get("after"), "After step")
        return [*steps, *self._hooks(element.get("after"), "After")]

    def _hooks(self, hooks: object, kind: str) -> list[Step]:
        """Hooks that did not pass; one that passed says nothing that the scenario does not."""
        steps = [self._step(as_object(hook), kind) for hook in as_list(hooks)]
        return [step for step in steps if step.status != "passed"]

    def _step(self, step: Mapping[str, Any], keyword: str) -> Step:
        result = as_object(step.get("result"))
        separator = "" if not keyword or keyword.endswith(" ") else " "
        name = f"{keyword}{separator}{as_text(step.get('name'))}".strip()
        location = as_text(as_object(step.get("match")).get("location"))
        if not as_text(step.get("name")) and location and keyword:
            name = f"{keyword} {location}".strip()
        factor = 1000.0 if self.is_behave else 1e-6
        duration = from_number(result.get("duration"), factor)
        if duration is None and "duration" in result:
            self.collector.notes.add("repaired", "the duration of a step is no number; unknown")
        return Step(
            name=name or UNNAMED_STEP,
            status=step_status(result.get("status"), self.collector.options),
            duration_ms=duration,
            error=as_text(result.get("error_message")) or None,
            word=as_text(result.get("status")).lower(),
        )

    def _write(self, element: Mapping[str, Any]) -> None:
        keyword = as_text(element.get("keyword")) or "Scenario"
        self.script.append(f"  {keyword}: {as_text(element.get('name'))}".rstrip())
        for item in as_list(element.get("steps")):
            step = as_object(item)
            if not step.get("hidden"):
                words = (as_text(step.get("keyword")).strip(), as_text(step.get("name")))
                self.script.append(f"    {' '.join(filter(None, words))}")


def _with_script(result: Result, script: str) -> Result:
    if result.scenario is None:
        return result
    return replace(result, scenario=replace(result.scenario, script=script))


def _tags(element: Mapping[str, Any]) -> tuple[str, ...]:
    tags = (
        tag.get("name") if isinstance(tag, dict) else tag for tag in as_list(element.get("tags"))
    )
    return tuple(as_text(tag) for tag in tags if tag)
