"""One pass over a model's rows that tells how many there are and whether its key holds.

A model that is published in, its number of rows and a `CheckResult` out; `create` calls it, and
`checks` shares the SQL. A macro is costly to run, so that nothing runs it twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import duckdb

from octane_flows.models.macros import called
from octane_flows.models.model import Model
from octane_flows.warehouse.build_report import CheckResult
from octane_flows.warehouse.duckdb_file import fetch_within_memory

SHOWN = 3  # violations in the detail: enough to search for, short enough to read
EXAMPLES = 20  # violations that the result carries for those who want a table
CHECKED_SCHEMAS = frozenset({"er", "flow", "metric"})


def key_check_name(model: Model) -> str:
    """The name of the check of a model's key."""
    return f"key:{model.name}"


def violations_sql(model: Model) -> str:
    """The keys that are null or repeated, with the number of their rows."""
    counted = _counted_keys(model, called(model))
    return f"{counted} having {_is_violation(model, 'count(*)')} order by all"


def count_and_check_key(
    connection: duckdb.DuckDBPyConnection, model: Model, relation: str | None = None
) -> tuple[int, CheckResult]:
    """The number of a model's rows and what became of its key check; `relation`: of these rows."""
    names = [*model.header.key, "row_count"]
    violation = ", ".join(f"{name} := keyed.{name}" for name in names)
    where = f"filter (where {_is_violation(model, 'keyed.row_count')})"
    _, [(rows, violations, first)] = fetch_within_memory(
        connection,
        f"select cast(coalesce(sum(keyed.row_count), 0) as bigint), count(*) {where}, "
        f"min(struct_pack({violation}), {EXAMPLES}) {where} "
        f"from ({_counted_keys(model, relation or called(model))}) as keyed",
    )
    name = key_check_name(model)
    if not violations:
        return rows, CheckResult(name, "error", True, "")
    examples = [list(one.values()) for one in first]
    return rows, failed_check(name, "error", names, examples, violations)


def failed_check(
    name: str,
    severity: Literal["error", "warn"],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    total: int,
) -> CheckResult:
    """The result of a check that failed `total` times, of which `rows` are the first."""
    examples = tuple(
        {column: str(value) for column, value in zip(columns, row, strict=True)} for row in rows
    )
    shown = ", ".join(
        " ".join(f"{column}={value}" for column, value in row.items()) for row in examples[:SHOWN]
    )
    detail = f"{total} violations, first: {shown}"
    return CheckResult(name, severity, False, detail, total, examples)


def _counted_keys(model: Model, relation: str) -> str:
    key = ", ".join(f"keyed.{part}" for part in model.header.key)
    return f"select {key}, count(*) as row_count from {relation} as keyed group by {key}"


def _is_violation(model: Model, count: str) -> str:
    return " or ".join([f"{count} > 1", *(f"keyed.{part} is null" for part in model.header.key)])
