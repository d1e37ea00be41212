"""Flows and metrics on rows written to be read: `given/*.csv` in, `expect.csv` out, in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from octane_flows.models.sql_folder import sql_folder
from octane_flows.parity.requests import DOCUMENTED_REQUESTS
from octane_flows.questions import Flow, list_flows, list_metrics, run_query
from octane_flows.warehouse import load_models
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


def parameters_of(case: Path) -> dict[str, str]:
    path = case / "parameters.csv"
    return {row["name"]: row["value"] for row in kit.read_csv(path)} if path.is_file() else {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_the_answer_has_the_expected_rows(case: Path, empty: duckdb.DuckDBPyConnection) -> None:
    given = parameters_of(case)
    with kit.given_rows(empty, case / "given"):
        answer = run_query(empty, ASKED[case.parent.name], given)

    header = (case / "expect.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    rows = [{name: shown(value) for name, value in row.items()} for row in answer.to_pylist()]
    assert answer.column_names == header
    assert rows == kit.read_csv(case / "expect.csv")


def left_out(case: Path) -> str:
    """The table that the twins of this case lack: another one in each case of a flow."""
    tables = sorted(path.stem for path in (case / "given").glob("*.csv"))
    return tables[sorted(case.parent.iterdir()).index(case) % len(tables)]


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if kit.read_csv(case / "expect.csv")],
    ids=lambda case: f"{case.parent.name}/{case.name}",
)
def test_workspaces_with_the_same_ids_do_not_mix(
    case: Path, empty: duckdb.DuckDBPyConnection
) -> None:
    asked, given = ASKED[case.parent.name], parameters_of(case)
    expected = kit.read_csv(case / "expect.csv")
    with kit.given_rows(empty, case / "given"):
        kit.add_twins(empty, case / "given", without=left_out(case))
        both = run_query(empty, asked, given).to_pylist()
        twin = kit.twin_of(expected[0]["workspace_id"])
        asked_for = run_query(empty, asked, {**given, "workspace_id": twin}).to_pylist()
        kit.keep_twins(empty, case / "given")
        alone = run_query(empty, asked, given).to_pylist()

    told = [{name: shown(value) for name, value in row.items()} for row in both]
    assert [row for row in told if not kit.is_twin(row["workspace_id"])] == expected
    assert [row for row in both if kit.is_twin(row["workspace_id"])] == alone
    assert [row for row in alone if row["workspace_id"] == twin] == asked_for


@pytest.mark.parametrize("slug", ASKED)
def test_everything_that_can_be_asked_has_its_file_and_golden_cases(slug: str) -> None:
    assert (sql_folder() / ASKED[slug].schema / f"{slug}.sql").is_file()
    cases = {case.name for case in CASES if case.parent.name == slug}
    assert {"ordinary", "empty"} < cases
    assert len(cases) >= 3


def test_everything_takes_a_workspace_or_all_in_the_same_words() -> None:
    told = {
        model.name: [
            (one.type, one.default, one.meaning)
            for one in model.header.parameters
            if one.name == "workspace_id"
        ]
        for model in load_models()
        if model.schema in ("flow", "metric", "plan")
    }

    words = ("text", None, "workspace to look at; null means all")
    assert told == {name: [words] for name in told}


@pytest.mark.parametrize("flow", list_flows(), ids=lambda flow: flow.slug)
def test_every_flow_has_its_documented_requests(flow: Flow) -> None:
    assert flow.slug in DOCUMENTED_REQUESTS, (
        f"write the documented requests of {flow.slug} in parity/requests"
    )


def test_every_golden_folder_can_be_asked_and_no_slug_stands_twice() -> None:
    assert {case.parent.name for case in CASES} == set(ASKED)
    assert len(ASKED) == len(list_flows()) + len(list_metrics())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_cases_stay_small_and_say_why_rows_are_there(case: Path) -> None:
    for path in (case / "given").glob("*.csv"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) - 1 <= MOST_ROWS
        assert lines[0].endswith("_why")
