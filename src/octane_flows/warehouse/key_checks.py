"""One pass over a model's rows that counts them and checks the model's key.

A model that is published in, its number of rows and a `CheckResult` out; `model_creation` calls
it, and `data_checks` shares the SQL. A macro is costly to run: it is counted when a build is asked
to, and nothing runs it twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import duckdb

from octane_flows.models.macros import called
from octane_flows.models.model import Model
from octane_flows.warehouse.build_report import CheckResult, Severity
from octane_flows.warehouse.duckdb_file import fetch_within_memory

SHOWN = 3  # violations in the detail: enough to search for, short enough to read
EXAMPLES = 20  # violations that the result carries for those who want a table
CHECKED_SCHEMAS = frozenset({"er", "flow", "metric"})
#: A build runs flows and metrics only when it is asked to, so their keys cannot block; and what is
#: wrong with one question is no reason to keep all others from readers.
BLOCKING_SCHEMAS = frozenset({"er"})


def key_check_name(model: Model) -> str:
    """The name of the check of a model's key."""
    return f"key:{model.name}"


def key_check_severity(model: Model) -> Severity:
    """Whether a violation of a model's key keeps the build from being published."""
    return "error" if model.schema in BLOCKING_SCHEMAS else "warn"


def violations_sql(model: Model) -> str:
    """The keys that are repeated, or null where they are ids, with the number of their rows."""
    return (
        f"{_keys_sql(model, called(model))} having {_is_violation(model, 'count(*)')} order by all"
    )


def count_and_check_key(
    connection: duckdb.DuckDBPyConnection, model: Model, relation: str | None = None
) -> tuple[int, CheckResult]:
    """The number of a model's rows and the result of its key check.

    `relation`: count and check these rows instead of the whole model.
    """
    names = [*model.header.key, "row_count"]
    violation = ", ".join(f"{name} := keyed.{name}" for name in names)
    where = f"filter (where {_is_violation(model, 'keyed.row_count')})"
    _, [(rows, violations, first)] = fetch_within_memory(
        connection,
        f"select cast(coalesce(sum(keyed.row_count), 0) as bigint), count(*) {where}, "
        f"min(struct_pack({violation}), {EXAMPLES}) {where} "
        f"from ({_keys_sql(model, relation or called(model))}) as keyed",
    )
    name, severity = key_check_name(model), key_check_severity(model)
    if not violations:
        return rows, CheckResult(name, severity, True, "")
    examples = [list(example.values()) for example in first]
    return rows, failed_check(name, severity, names, examples, violations)


def failed_check(
    name: str,
    severity: Severity,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    total: int,
) -> CheckResult:
    """The result of a check with `total` violations, of which `rows` are the first."""
    examples = tuple(
        {column: str(value) for column, value in zip(columns, row, strict=True)} for row in rows
    )
    shown = ", ".join(
        " ".join(f"{column}={value}" for column, value in row.items()) for row in examples[:SHOWN]
    )
    detail = f"{total} violations, first: {shown}"
    return CheckResult(name, severity, False, detail, total, examples)


def _keys_sql(model: Model, relation: str) -> str:
    """Each key of a model with the number of rows that have it."""
    key = ", ".join(f"keyed.{part}" for part in model.header.key)
    return f"select {key}, count(*) as row_count from {relation} as keyed group by {key}"


def _is_violation(model: Model, row_count: str) -> str:
    """The key of an `er` model is made of ids; in an answer, null is a group like any other."""
    parts = model.header.key if model.schema in BLOCKING_SCHEMAS else ()
    is_null = (f"keyed.{part} is null" for part in parts)
    return " or ".join([f"{row_count} > 1", *is_null])
