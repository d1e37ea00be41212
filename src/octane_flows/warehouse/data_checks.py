"""Checks before publication: rows that a check returns are violations.

Models in, `CheckResult`s out; `build` calls it. Keys and relations are checked as the headers of
the `er` models declare them; everything else is a file in `sql/check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import duckdb

from octane_flows.errors import CheckError, ModelError
from octane_flows.models.header import Relation
from octane_flows.models.macros import called
from octane_flows.models.model import Model
from octane_flows.warehouse.build_report import CheckResult
from octane_flows.warehouse.duckdb_file import fetch_within_memory, first_line
from octane_flows.warehouse.incremental.changed_rows import Touched, kept
from octane_flows.warehouse.incremental.previous_build import Former
from octane_flows.warehouse.key_checks import (
    CHECKED_SCHEMAS,
    EXAMPLES,
    failed_check,
    key_check_name,
    violations_sql,
)


@dataclass(frozen=True)
class Check:
    """One check: rows of `sql` are violations; `model` is the model that it speaks of."""

    name: str
    severity: Literal["error", "warn"]
    model: str
    meaning: str
    sql: str
    sources: frozenset[str]
    declared_by: Model
    relation: Relation | None = None


def list_checks(models: list[Model]) -> list[Check]:
    """Every check that the headers and `sql/check` declare."""
    by_name = {model.name: model for model in models}
    checks: list[Check] = []
    for model in models:
        if model.schema not in CHECKED_SCHEMAS:
            continue
        key = ", ".join(model.header.key)
        checks.append(
            Check(
                key_check_name(model),
                "error",
                model.name,
                f"no two rows have the same {key}, and none is null",
                violations_sql(model),
                frozenset({model.name}),
                model,
            )
        )
        for relation in model.header.relations:
            checks.append(
                Check(
                    f"relation:{model.name}.{relation.column}",
                    "warn",
                    model.name,
                    f"every {relation.column} is in {relation.target}",
                    _relation_sql(model, relation, by_name[relation.target], called(model)),
                    frozenset({model.name, relation.target}),
                    model,
                    relation,
                )
            )
    first = next(model.name for model in models if model.schema == "er")
    for model in models:
        if model.schema == "check":
            spoken_of = [name for name in model.sources if name in by_name]
            checks.append(
                Check(
                    model.slug,
                    "error" if model.header.severity == "error" else "warn",
                    spoken_of[0] if spoken_of else first,
                    model.header.question,
                    model.sql,
                    frozenset(model.sources),
                    model,
                )
            )
    return checks


def run_checks(
    connection: duckdb.DuckDBPyConnection,
    models: list[Model],
    available: set[str],
    former: Former | None = None,
    keys: Iterable[CheckResult] = (),
    touched: Touched | None = None,
) -> list[CheckResult]:
    """Run every check whose sources are there; nothing is raised for a violation.

    What `former` knows and nothing changed is not run again, nor are the checks of keys that were
    made already. A check that had passed looks at `touched` rows alone, where these can be told.
    """
    known = former or Former()
    made = {result.name: result for result in keys}
    existing = available | _tables(connection)
    by_name = {model.name: model for model in models}

    def narrowed(check: Check) -> str:
        before = known.checks.get(check.name)
        if touched is None or before is None or not before.passed:
            return check.sql
        return _touched_sql(check, known, touched, by_name) or check.sql

    return [
        made.get(check.name)
        or known.check(check.name, check.sources)
        or _run(connection, check.name, check.severity, narrowed(check))
        for check in list_checks(models)
        if check.sources <= existing
    ]


def _touched_sql(
    check: Check, known: Former, touched: Touched, models: Mapping[str, Model]
) -> str | None:
    """The check over the rows that an update can have broken; None: over all."""
    source = check.declared_by
    if check.relation is None:
        where = touched.where(source) if source.schema == "check" else None
        return None if where is None else f"select held.* from ({check.sql}) as held where {where}"
    target = models[check.relation.target]
    rows: list[str] = []
    for model in dict.fromkeys((source.name, target.name)):
        if model in known.changed and not touched.is_followed(models[model]):
            return None
    if source.name in known.changed:
        rows.append(kept(source, "after"))
    if target.name in known.changed:
        gone = touched.gone(target, check.relation.target_column)
        column = check.relation.column
        rows.append(f"(select held.* from {source.name} as held where held.{column} in ({gone}))")
    parts = (_relation_sql(source, check.relation, target, one) for one in rows)
    return " union ".join(f"({part})" for part in parts) + " order by all"


def require_passed(results: list[CheckResult]) -> None:
    """Raise a `CheckError` that names every blocking check that failed."""
    failed = [result for result in results if not result.passed and result.severity == "error"]
    if failed:
        details = "; ".join(f"{result.name} ({result.detail})" for result in failed)
        raise CheckError(
            f"The warehouse was not published because {len(failed)} blocking checks failed: "
            f"{details}. The former warehouse stays; extract again with --full, and report it "
            "if it comes back."
        )


def _relation_sql(model: Model, relation: Relation, target: Model, rows: str) -> str:
    """The rows among `rows` of the model that refer to nothing in the target.

    A join and not `not exists`, for which DuckDB holds the whole target in memory.
    """
    key = ", ".join(f"source.{part}" for part in model.header.key)
    equal = " and ".join(
        [
            f"target.{relation.target_column} = source.{relation.column}",
            *(f"target.{one} = source.{one}" for one in _shared(target)),
        ]
    )
    return (
        f"select distinct {key}, source.{relation.column} as unresolved from {rows} as source "
        f"anti join {target.name} as target on {equal} "
        f"where source.{relation.column} is not null order by all"
    )


def _shared(target: Model) -> list[str]:
    """Columns that tell, beside the one referred to, which row of the target is meant."""
    return [one for one in target.header.key if one == "workspace_id"]


def _tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    rows = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() "
        "where schema_name in ('octane', 'meta') union all "
        "select schema_name || '.' || view_name from duckdb_views() where schema_name = 'meta'"
    ).fetchall()
    return {row[0] for row in rows}


def _run(
    connection: duckdb.DuckDBPyConnection, name: str, severity: Literal["error", "warn"], sql: str
) -> CheckResult:
    try:
        names, rows = fetch_within_memory(
            connection,
            f"select violations.*, count(*) over () as _total from ({sql}) as violations "
            f"limit {EXAMPLES}",
        )
    except duckdb.OutOfMemoryException as error:  # no fault of the SQL: `build` tells it
        error.add_note(f"the check {name}")
        raise
    except duckdb.Error as error:
        raise ModelError(
            f"The check {name} does not run ({first_line(error)}); correct its SQL."
        ) from error
    if not rows:
        return CheckResult(name, severity, True, "")
    return failed_check(name, severity, names[:-1], [row[:-1] for row in rows], int(rows[0][-1]))
