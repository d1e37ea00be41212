"""Cucumber messages: one JSON document a line, as every Cucumber since 2020 can write.

A stream and a collector in; results go into the collector. Attempts of a retried scenario become
one result.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from octane_flows.results.durations import from_number
from octane_flows.results.json_items import as_list, as_object, as_text, lines
from octane_flows.results.repaired_text import first_line
from octane_flows.results.result_collector import ResultCollector
from octane_flows.results.scenario_results import (
    UNNAMED_STEP,
    add_scenarios,
    scenario_result,
    step_status,
)
from octane_flows.results.start_times import start_from_number
from octane_flows.results.test_result import Attempt, ErrorText, Result, Scenario, Step

#: The keys of a message, of which each line has one; by them the format is known.
KINDS = frozenset(
    ("meta", "source", "gherkinDocument", "pickle", "testCase", "testRunStarted", "hook",
     "stepDefinition", "parameterType", "testCaseStarted", "testStepStarted", "attachment",
     "testStepFinished", "testCaseFinished", "testRunFinished", "undefinedParameterType",
     "parseError", "testRunHookStarted", "testRunHookFinished", "suggestion", "externalAttachment")
)  # fmt: skip
_NANOS_PER_MS = 1_000_000
_MOST_SECONDS = 1e12


@dataclass(slots=True)
class _Run:
    """One attempt of a test case."""

    case: str
    attempt: int
    started_ms: int | None
    steps: list[Step] = field(default_factory=list)
    is_finished: bool = False


def read_messages(stream: BinaryIO, collector: ResultCollector) -> None:
    """Read a whole file. Raises ResultFileError."""
    collector.framework = "Cucumber"
    messages = _Messages(collector)
    for number, line in lines(stream, collector.notes):
        for kind, body in as_object(line).items():
            messages.take(kind, as_object(body), number)
    messages.finish()


class _Messages:
    """The messages that were read so far, by kind and id."""

    def __init__(self, collector: ResultCollector) -> None:
        self.collector = collector
        self.sources: dict[str, str] = {}
        self.features: dict[str, tuple[str, tuple[str, ...]]] = {}  # by uri: name, tags
        self.keywords: dict[str, str] = {}  # by id of a step in the document
        self.lines: dict[str, int] = {}  # by id of a scenario
        self.rows: dict[str, int] = {}  # by id of an example's row: its number
        self.pickles: dict[str, dict[str, Any]] = {}
        self.hooks: dict[str, str] = {}
        self.cases: dict[str, tuple[str, dict[str, tuple[str | None, str | None]]]] = {}
        self.runs: dict[str, _Run] = {}
        self.run_hooks: dict[str, str] = {}  # by id of a run of a hook: the hook
        self.run_hook_failures: list[Result] = []
        self.run_error: str | None = None

    def take(self, kind: str, body: Mapping[str, Any], number: int) -> None:
        """One message."""
        match kind:
            case "source":
                self.sources[as_text(body.get("uri"))] = as_text(body.get("data"))
            case "gherkinDocument":
                self._document(body)
            case "pickle":
                self.pickles[as_text(body.get("id"))] = dict(body)
            case "hook":
                self.hooks[as_text(body.get("id"))] = as_text(body.get("name"))
            case "testCase":
                steps = {
                    as_text(step.get("id")): (step.get("pickleStepId"), step.get("hookId"))
                    for step in map(as_object, as_list(body.get("testSteps")))
                }
                self.cases[as_text(body.get("id"))] = (as_text(body.get("pickleId")), steps)
            case "testCaseStarted":
                attempt = body.get("attempt")
                self.runs[as_text(body.get("id"))] = _Run(
                    as_text(body.get("testCaseId")),
                    attempt if isinstance(attempt, int) else 0,
                    _moment(body.get("timestamp")),
                )
            case "testStepFinished":
                self._step(body)
            case "testCaseFinished":
                run = self.runs.get(as_text(body.get("testCaseStartedId")))
                if run is not None:
                    run.is_finished = True
            case "parseError":
                self.collector.leave_out(f"a feature has errors: {as_text(body.get('message'))}")
            case "testRunHookStarted":
                self.run_hooks[as_text(body.get("id"))] = as_text(body.get("hookId"))
            case "testRunHookFinished":
                self._run_hook(body)
            case "testRunFinished":
                if body.get("success") is False and body.get("exception"):
                    self.run_error = as_text(as_object(body.get("exception")).get("message"))
            case _ if kind not in KINDS:
                self.collector.notes.add(
                    "unclear", f"messages '{as_text(kind)}' are not known", number
                )

    def finish(self) -> None:
        """Turn test cases into results, in the order in which they began."""
        attempts: dict[str, list[_Run]] = {}
        for run in self.runs.values():
            attempts.setdefault(run.case, []).append(run)
        results = []
        for case, runs in attempts.items():
            runs.sort(key=lambda run: run.attempt)
            if not runs[-1].is_finished:
                self.collector.leave_out("a scenario began and did not end")
            results.append(self._result(case, runs))
        by_path: dict[str, list[Result]] = {}
        for result in results:
            by_path.setdefault(result.class_name, []).append(result)
        for group in by_path.values():
            add_scenarios(self.collector, group)
        for failure in self.run_hook_failures:
            self.collector.add(failure)
        if self.run_error is not None:
            error = ErrorText(None, self.run_error or None)
            self.collector.add(Result("(error of the test run)", "Failed", error=error))

    def _document(self, body: Mapping[str, Any]) -> None:
        uri, feature = as_text(body.get("uri")), as_object(body.get("feature"))
        tags = tuple(as_text(as_object(t).get("name")) for t in as_list(feature.get("tags")))
        self.features[uri] = (as_text(feature.get("name")), tags)
        children = [as_object(each) for each in as_list(feature.get("children"))]
        while children:
            child = children.pop(0)
            if "rule" in child:
                children += map(as_object, as_list(as_object(child["rule"]).get("children")))
            for part in (as_object(child.get("background")), as_object(child.get("scenario"))):
                for step in map(as_object, as_list(part.get("steps"))):
                    self.keywords[as_text(step.get("id"))] = as_text(step.get("keyword"))
                number = as_object(part.get("location")).get("line")
                if isinstance(number, int):
                    self.lines[as_text(part.get("id"))] = number
                rows = [
                    as_object(row)
                    for examples in map(as_object, as_list(part.get("examples")))
                    for row in as_list(examples.get("tableBody"))
                ]
                for index, row in enumerate(rows, start=1):
                    self.rows[as_text(row.get("id"))] = index

    def _step(self, body: Mapping[str, Any]) -> None:
        run = self.runs.get(as_text(body.get("testCaseStartedId")))
        if run is None:
            return
        outcome = as_object(body.get("testStepResult"))
        pickle_id, steps = self.cases.get(run.case, ("", {}))
        pickle_step, hook = steps.get(as_text(body.get("testStepId")), (None, None))
        status = step_status(outcome.get("status"), self.collector.options)
        if pickle_step is None and status == "passed":
            return  # a hook that passed
        name = self._step_name(pickle_id, pickle_step, hook)
        run.steps.append(
            Step(
                name,
                status,
                _span_ms(outcome.get("duration")),
                as_text(outcome.get("message")) or None,
                as_text(outcome.get("status")).lower(),
            )
        )

    def _run_hook(self, body: Mapping[str, Any]) -> None:
        """A hook before or after all scenarios; one that failed is a result of its own."""
        outcome = as_object(body.get("result"))
        if step_status(outcome.get("status"), self.collector.options) != "failed":
            return
        hook = self.run_hooks.get(as_text(body.get("testRunHookStartedId")), "")
        name = self.hooks.get(hook, "")
        text = as_text(outcome.get("message"))
        self.run_hook_failures.append(
            Result(
                name=f"(hook of the test run{f': {name}' if name else ''})",
                status="Failed",
                duration_ms=_span_ms(outcome.get("duration")),
                error=ErrorText(None, first_line(text) or None, text) if text else None,
            )
        )

    def _step_name(self, pickle_id: str, pickle_step: str | None, hook: str | None) -> str:
        if pickle_step is None:
            return f"Hook {self.hooks.get(hook or '', '')}".strip()
        for step in map(as_object, as_list(self.pickles.get(pickle_id, {}).get("steps"))):
            if step.get("id") == pickle_step:
                nodes = [as_text(each) for each in as_list(step.get("astNodeIds"))]
                keyword = next((self.keywords[n] for n in nodes if n in self.keywords), "")
                return f"{keyword}{as_text(step.get('text'))}" or UNNAMED_STEP
        return UNNAMED_STEP

    def _result(self, case: str, runs: list[_Run]) -> Result:
        pickle = self.pickles.get(self.cases.get(case, ("", {}))[0], {})
        uri = as_text(pickle.get("uri"))
        feature, tags = self.features.get(uri, ("", ()))
        nodes = [as_text(each) for each in as_list(pickle.get("astNodeIds"))]
        results = []
        for run in runs:
            scenario = Scenario(
                feature=feature or uri,
                path=uri,
                name=as_text(pickle.get("name")),
                steps=tuple(run.steps),
                feature_tags=tags,
                outline_index=next((self.rows[n] for n in nodes if n in self.rows), None),
                script=self.sources.get(uri),
            )
            results.append(
                scenario_result(
                    scenario,
                    started_ms=run.started_ms,
                    started_from="unknown" if run.started_ms is None else "result",
                    tags=[as_text(as_object(t).get("name")) for t in as_list(pickle.get("tags"))],
                    line=next((self.lines[n] for n in nodes if n in self.lines), None),
                    status=None if run.is_finished else "Failed",
                )
            )
        if len(results) == 1:
            return results[0]
        attempts = tuple(Attempt(r.status, r.duration_ms, r.error) for r in results)
        return replace(results[-1], attempts=attempts)


def _moment(value: object) -> int | None:
    span = _milliseconds(value)
    return None if span is None else start_from_number(span)


def _span_ms(value: object) -> float | None:
    return from_number(_milliseconds(value), 1.0)


def _milliseconds(value: object) -> float | None:
    span = as_object(value)
    seconds, nanos = span.get("seconds"), span.get("nanos")
    if isinstance(seconds, str) and re.fullmatch(r"[0-9]{1,12}", seconds):
        seconds = int(seconds)
    nanos = 0 if nanos is None else nanos
    whole, part = (_bounded(each) for each in (seconds, nanos))
    return None if whole is None or part is None else whole * 1000 + part / _NANOS_PER_MS


def _bounded(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < _MOST_SECONDS else None
