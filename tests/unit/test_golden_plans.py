"""Plans, which list what flows that write would send: their columns, parameters and requests.

`test_golden` compares their rows with the golden pages.
"""

from __future__ import annotations

import dataclasses
import json

import pytest

from octane_flows.questions import list_questions, question_named
from tests.golden.cases import cases_of

SLUGS = [plan.slug for plan in list_questions("plan")]
COLUMNS = [
    "workspace_id",
    "step",
    "operation",
    "entity_type",
    "entity_id",
    "entity_name",
    "expected",
    "body",
    "reason",
]


@pytest.mark.parametrize("slug", SLUGS)
def test_what_a_plan_expects_and_sends_is_json_of_known_keys(slug: str) -> None:
    rows = [row.values for case in cases_of(f"plan.{slug}") for row in case.expected]

    assert rows
    for row in rows:
        assert set(json.loads(row["expected"] or "")) <= {"fields", "some", "none", "file"}
        assert json.loads(row["body"] or "")


@pytest.mark.parametrize("slug", SLUGS)
def test_a_plan_is_that_of_a_flow_or_metric_and_takes_its_parameters(slug: str) -> None:
    plan = question_named("plan", slug)
    is_metric = slug in {metric.slug for metric in list_questions("metric")}
    flow = question_named("metric" if is_metric else "flow", slug)
    if is_metric:  # what is written back is the state of now
        flow = dataclasses.replace(
            flow,
            parameters=tuple(
                parameter for parameter in flow.parameters if parameter.name != "as_of"
            ),
        )

    assert plan.number == flow.number
    assert plan.title == flow.title
    assert [column.name for column in plan.columns] == COLUMNS
    if slug == "manual_test_steps_and_attachments":  # a file that is there already is no choice
        flow = dataclasses.replace(
            flow,
            parameters=tuple(
                parameter for parameter in flow.parameters if parameter.name != "file_name"
            ),
        )
    if slug != "user_defined_field_values":  # its items are given by id
        own = {parameter.name: parameter for parameter in plan.parameters}
        wanted = {parameter.name: parameter for parameter in flow.parameters}
        assert {name: own.get(name) for name in wanted} == wanted
