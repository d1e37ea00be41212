"""Flows and metrics on rows written to be read: `given/*.csv` in, `expect.csv` out, in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from octane_flows.flows import Flow, list_flows, list_metrics, run_query
from octane_flows.flows.rest import REST_FLOWS
from octane_flows.warehouse.paths import sql_folder
from tests.golden import kit

CASES = sorted(path.parent for path in kit.HERE.glob("*/*/expect.csv"))
ASKED = {one.slug: one for one in (*list_flows(), *list_metrics())}
MOST_ROWS = 30


@pytest.fixture(scope="module")
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    with kit.open_empty() as connection:
        yield connection


def shown(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return "" if value is None else str(value)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_the_answer_has_the_expected_rows(case: Path, empty: duckdb.DuckDBPyConnection) -> None:
    parameters = case / "parameters.csv"
    given = (
        {row["name"]: row["value"] for row in kit.read_csv(parameters)}
        if parameters.is_file()
        else {}
    )
    with kit.given_rows(empty, case / "given"):
        answer = run_query(empty, ASKED[case.parent.name], given)

    header = (case / "expect.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    rows = [{name: shown(value) for name, value in row.items()} for row in answer.to_pylist()]
    assert answer.column_names == header
    assert rows == kit.read_csv(case / "expect.csv")


@pytest.mark.parametrize("slug", ASKED)
def test_everything_that_can_be_asked_has_its_file_and_golden_cases(slug: str) -> None:
    assert (sql_folder() / ASKED[slug].schema / f"{slug}.sql").is_file()
    cases = {case.name for case in CASES if case.parent.name == slug}
    assert {"ordinary", "empty"} < cases
    assert len(cases) >= 3


@pytest.mark.parametrize("flow", list_flows(), ids=lambda flow: flow.slug)
def test_every_flow_has_its_documented_requests(flow: Flow) -> None:
    assert flow.slug in REST_FLOWS, f"write the documented requests of {flow.slug} in flows/rest"


def test_every_golden_folder_can_be_asked_and_no_slug_stands_twice() -> None:
    assert {case.parent.name for case in CASES} == set(ASKED)
    assert len(ASKED) == len(list_flows()) + len(list_metrics())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_cases_stay_small_and_say_why_rows_are_there(case: Path) -> None:
    for path in (case / "given").glob("*.csv"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) - 1 <= MOST_ROWS
        assert lines[0].endswith("_why")
