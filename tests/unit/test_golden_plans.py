"""What flows that write would send, on rows written to be read: given rows in, requests out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from octane_flows.questions import flow_named, run_query
from octane_flows.questions.catalogue import list_plans, plan_named
from tests.golden import kit

CASES = sorted(path.parent for path in (kit.HERE / "plan").glob("*/*/expect.csv"))
SLUGS = [plan.slug for plan in list_plans()]
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


@pytest.fixture(scope="module")
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    with kit.open_empty() as connection:
        yield connection


def parameters_of(case: Path) -> dict[str, str]:
    path = case / "parameters.csv"
    rows = kit.read_csv(path) if path.is_file() else []
    return {row["name"]: row["value"] for row in rows}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_a_plan_has_the_expected_requests(case: Path, empty: duckdb.DuckDBPyConnection) -> None:
    with kit.given_rows(empty, case / "given"):
        answer = run_query(empty, plan_named(case.parent.name), parameters_of(case))

    rows = [
        {name: "" if value is None else str(value) for name, value in row.items()}
        for row in answer.to_pylist()
    ]
    assert rows == kit.read_csv(case / "expect.csv")
    for row in rows:
        assert set(json.loads(row["expected"])) <= {"fields", "some", "none", "file"}
        assert json.loads(row["body"])


@pytest.mark.parametrize("slug", SLUGS)
def test_a_plan_is_that_of_a_flow_and_takes_its_parameters(slug: str) -> None:
    plan, flow = plan_named(slug), flow_named(slug)

    assert plan.number == flow.number
    assert plan.title == flow.title
    assert [column.name for column in plan.columns] == COLUMNS
    if slug == "manual_test_steps_and_attachments":  # a file that is there already is no choice
        flow = dataclasses.replace(
            flow, parameters=tuple(one for one in flow.parameters if one.name != "file_name")
        )
    if slug != "user_defined_field_values":  # its items are given by id
        own = {parameter.name: parameter for parameter in plan.parameters}
        assert {name: own.get(name) for name in (one.name for one in flow.parameters)} == {
            one.name: one for one in flow.parameters
        }


@pytest.mark.parametrize("slug", SLUGS)
def test_every_plan_has_its_golden_cases(slug: str) -> None:
    cases = {case.name for case in CASES if case.parent.name == slug}
    assert {"ordinary", "empty"} < cases
