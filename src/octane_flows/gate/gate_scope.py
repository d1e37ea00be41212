"""The scope of a gate: a release, sprint, milestone, suite run, module, or the tests of a query.

A connection and a name in, the values of all variables out. Raises UsageError for names that are
none or several.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import duckdb

from octane_flows import warehouse
from octane_flows.config import workspace_label
from octane_flows.errors import UsageError
from octane_flows.questions import question_named, run_question

SCOPE_TYPES: Final = ("release", "sprint", "milestone", "suite_run", "module")


@dataclass(frozen=True)
class Scope:
    """What is judged: its kind, name, workspace, and the variables with their formulas."""

    type: str
    name: str
    workspace_id: str | None  # None: of all workspaces
    values: Mapping[str, float | None]
    formulas: Mapping[str, str]
    workspace_name: str | None = None


def variable_formulas() -> dict[str, str]:
    """Name and formula of each variable, in their order."""
    return dict(FORMULAS)


#: As the column `formula` of `metric.gate_variables` says them; a test compares both.
FORMULAS: Final = {
    "execution_ratio": "passed, failed and blocked last runs by all last runs",
    "completion_ratio": "passed, failed, blocked and skipped last runs by all last runs",
    "pass_ratio": "passed last runs by executed ones (passed, failed and blocked)",
    "run_count": "last runs of tests, planned ones included",
    "passed_count": "last runs that passed",
    "failed_count": "last runs that failed",
    "blocked_count": "last runs that were blocked",
    "skipped_count": "last runs that were skipped",
    "open_defect_count": "defects whose phase is not done",
    "blocking_defect_count": "open defects of a severity that blocks",
    "overdue_defect_count": "open defects older than the days of their severity",
    "item_count": "stories, quality stories and features",
    "done_item_count": "those whose phase is done",
    "done_ratio": "done stories, quality stories and features by all",
}


def scope_named(
    connection: duckdb.DuckDBPyConnection, type: str, name: str, workspace: str | None = None
) -> Scope:
    """The scope of a name or id. Raises UsageError."""
    if workspace is not None:
        workspace = warehouse.workspace_id_of(connection, workspace)
    answer = run_question(
        connection, question_named("metric", "gate_variables"), {"workspace_id": workspace}
    )
    rows = [row for row in answer.to_pylist() if row["scope_type"] == type]
    matching = [row for row in rows if str(row["scope_name"]).casefold() == name.casefold()]
    matching = matching or [row for row in rows if row["scope_id"] == name]
    words = type.replace("_", " ")
    if not matching:
        names = sorted({str(row["scope_name"]) for row in rows})
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
        hint = f"; did you mean '{near[0]}'?" if near else "; check the name."
        some = ", ".join(names[:10]) or "none"
        raise UsageError(f"There is no {words} '{name}'{hint} Known: {some}.")
    ids = sorted({(row["workspace_id"], row["scope_id"]) for row in matching})
    if len(ids) > 1:
        labels = warehouse.workspace_names(connection)
        places = ", ".join(
            f"id {id} in workspace {workspace_label(str(workspace_id), labels)}"
            for workspace_id, id in ids
        )
        raise UsageError(
            f"There are {len(ids)} of the {words} '{name}': {places}; add --workspace with the id "
            "or name of one, or give the id instead of the name."
        )
    return Scope(
        type,
        str(matching[0]["scope_name"]),
        ids[0][0],
        {row["variable_code"]: row["variable_value"] for row in matching},
        {row["variable_code"]: row["formula"] for row in matching},
        warehouse.workspace_names(connection).get(ids[0][0]),
    )


RUNS_OF_TESTS = """
select
    count(*) as run_count,
    count(*) filter (where runs.status_code = 'list_node.run_status.passed') as passed_count,
    count(*) filter (where runs.status_code = 'list_node.run_status.failed') as failed_count,
    count(*) filter (where runs.status_code = 'list_node.run_status.blocked') as blocked_count,
    count(*) filter (where runs.status_code = 'list_node.run_status.skipped') as skipped_count
from er.last_runs as last_runs
join er.runs as runs
    on runs.workspace_id = last_runs.workspace_id and runs.run_id = last_runs.run_id
where runs.run_type <> 'run_suite'
    and not runs.is_draft
    and (runs.workspace_id, runs.test_id) in (select unnest($workspaces), unnest($tests))
"""


def query_scope(connection: duckdb.DuckDBPyConnection, sql: str) -> Scope:
    """The last runs of the tests that a select answers as workspace_id and test_id."""
    answer = warehouse.restricted_rows(connection, sql).to_pydict()
    if not {"workspace_id", "test_id"} <= answer.keys():
        raise UsageError(
            "The query of a gate must answer the columns workspace_id and test_id; write "
            "select workspace_id, test_id from er.tests where ..."
        )
    row = connection.execute(
        RUNS_OF_TESTS,
        {
            "workspaces": [str(value) for value in answer["workspace_id"]],
            "tests": [str(value) for value in answer["test_id"]],
        },
    ).fetchall()[0]
    runs, passed, failed, blocked, skipped = map(int, row)
    executed = passed + failed + blocked
    values: dict[str, float | None] = {
        "execution_ratio": executed / runs if runs else None,
        "completion_ratio": (executed + skipped) / runs if runs else None,
        "pass_ratio": passed / executed if executed else None,
        "run_count": runs,
        "passed_count": passed,
        "failed_count": failed,
        "blocked_count": blocked,
        "skipped_count": skipped,
    }
    tests = len(answer["test_id"])
    formulas = {name: FORMULAS[name] for name in values}
    return Scope("query", f"{tests:,} tests of a query", None, values, formulas)
