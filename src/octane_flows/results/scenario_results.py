"""Steps and scenarios of Gherkin files as results; shared by the readers of all Gherkin formats.

Steps and names in, `Result` records with a `Scenario` out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from octane_flows.results.repaired_text import first_line
from octane_flows.results.result_collector import ReadOptions, ResultCollector
from octane_flows.results.test_result import (
    Attempt,
    ErrorText,
    Result,
    Scenario,
    StartSource,
    Status,
    Step,
)

StepStatus = Literal["passed", "failed", "skipped"]
UNNAMED_STEP = "(step without a name)"
UNNAMED_SCENARIO = "(scenario without a name)"
BACKGROUND = "(background)"
# statuses with which cucumber ends as failed, though no step has failed
_UNDEFINED = frozenset(("undefined", "ambiguous", "pending", "untested_undefined"))
_FAILED = frozenset(("failed", "error", "hook_error", "cleanup_error", "broken", "timedout"))


def step_status(word: object, options: ReadOptions) -> StepStatus:
    """The status of a step from the word of its tool, in any case."""
    name = str(word or "").lower()
    if name in _FAILED:
        return "failed"
    if name in _UNDEFINED:
        return options.undefined
    return "passed" if name in ("passed", "pass") else "skipped"


def scenario_status(steps: Iterable[Step]) -> Status:
    """Failed where a step or hook failed, Passed where some passed and none was skipped."""
    statuses = {step.status for step in steps}
    if "failed" in statuses:
        return "Failed"
    return "Passed" if statuses == {"passed"} else "Skipped"


def scenario_result(
    scenario: Scenario,
    *,
    started_ms: int | None,
    started_from: StartSource,
    tags: Sequence[str] = (),
    attempts: Sequence[Attempt] = (),
    line: int | None = None,
    status: Status | None = None,
) -> Result:
    """The result of a scenario, with the texts of all steps that failed."""
    durations = [step.duration_ms for step in scenario.steps if step.duration_ms is not None]
    errors = [step for step in scenario.steps if step.error]
    error = None
    if errors:
        message = first_line(errors[0].error or "") or None
        error = ErrorText(None, message, "\n\n".join(step.error or "" for step in errors))
    elif any(step.status == "failed" for step in scenario.steps):
        first = next(step for step in scenario.steps if step.status == "failed")
        error = ErrorText(None, f"{first.name}: {first.word or 'failed'}")
    if not scenario.name.strip():
        scenario = replace(scenario, name=UNNAMED_SCENARIO)
    name = scenario.name
    return Result(
        name=name if scenario.outline_index is None else f"{name} ({scenario.outline_index})",
        status=scenario_status(scenario.steps) if status is None else status,
        class_name=scenario.path or scenario.feature,
        started_ms=started_ms,
        started_from=started_from,
        duration_ms=sum(durations) if durations else None,
        error=error,
        attempts=tuple(attempts),
        tags=tuple(tags),
        line=line,
        scenario=scenario,
    )


def number_outlines(results: list[Result], groups: Sequence[str | None]) -> list[Result]:
    """Set the index of each example within its outline; `groups` names the outline of a result.

    Examples of one outline with names of their own count on; examples of one name count by name.
    """
    names: dict[str, list[str]] = {}
    for result, group in zip(results, groups, strict=True):
        if group is not None and result.scenario is not None:
            names.setdefault(group, []).append(result.scenario.name)
    counts: Counter[tuple[str, str]] = Counter()
    numbered: list[Result] = []
    for result, group in zip(results, groups, strict=True):
        if group is None or result.scenario is None:
            numbered.append(result)
            continue
        are_distinct = len(set(names[group])) == len(names[group])
        key = (group, "" if are_distinct else result.scenario.name)
        counts[key] += 1
        scenario = replace(result.scenario, outline_index=counts[key])
        numbered.append(replace(result, scenario=scenario, name=f"{scenario.name} ({counts[key]})"))
    return numbered


def add_scenarios(collector: ResultCollector, results: Iterable[Result]) -> None:
    """Add the scenarios of a feature; two of one name stay two."""
    seen: Counter[str] = Counter()
    for result in results:
        seen[result.name] += 1
        if seen[result.name] > 1:
            result = replace(result, name=f"{result.name} [{seen[result.name]}]")
        collector.add(result)
