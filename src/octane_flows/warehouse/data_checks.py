"""Checks before publication: the rows that a check returns are violations.

Models in, `CheckResult`s out; `warehouse_build` calls it. Keys and relations are checked as the
headers of the models declare them; everything else is a file in `sql/check`. A check whose SQL does
not bind or run is a `ModelError` with file and line.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from octane_flows.errors import CheckError
from octane_flows.models.header import Relation
from octane_flows.models.macros import called
from octane_flows.models.model import Model
from octane_flows.warehouse.build_report import CheckResult, Severity
from octane_flows.warehouse.duckdb_file import fetch_within_memory
from octane_flows.warehouse.incremental.changed_rows import ChangedRows, saved_rows
from octane_flows.warehouse.incremental.previous_build import PreviousBuild
from octane_flows.warehouse.key_checks import (
    BLOCKING_SCHEMAS,
    CHECKED_SCHEMAS,
    EXAMPLES,
    failed_check,
    key_check_name,
    key_check_severity,
    violations_sql,
)
from octane_flows.warehouse.octane_contract import Missing, missing_by_model, partial_reason
from octane_flows.warehouse.sql_errors import raise_error


@dataclass(frozen=True)
class Check:
    """One check: rows of `sql` are violations; `model` is the model that it is about."""

    name: str
    severity: Severity
    model: str
    meaning: str
    sql: str
    sources: frozenset[str]
    declared_by: Model
    relation: Relation | None = None


def list_checks(models: list[Model]) -> list[Check]:
    """Every check that each build runs: the headers of `er` models and `sql/check` declare them.

    The keys of flows and metrics are checked where a build counts their rows: `question_checks`.
    """
    by_name = {model.name: model for model in models}
    checks: list[Check] = []
    for model in models:
        if model.schema in BLOCKING_SCHEMAS:
            checks.append(_key_check(model))
            checks += [
                _relation_check(model, relation, by_name[relation.target])
                for relation in model.header.relations
                if relation.target in by_name
            ]
    first = next(model.name for model in models if model.schema == "er")
    for model in models:
        if model.schema == "check":
            read_models = [name for name in model.sources if name in by_name]
            checks.append(
                Check(
                    model.slug,
                    "error" if model.header.severity == "error" else "warn",
                    read_models[0] if read_models else first,
                    model.header.question,
                    model.sql,
                    frozenset(model.sources),
                    model,
                )
            )
    return checks


def question_checks(models: Iterable[Model]) -> list[Check]:
    """The key of each flow and metric."""
    return [
        _key_check(model)
        for model in models
        if model.schema in CHECKED_SCHEMAS and model.schema not in BLOCKING_SCHEMAS
    ]


def _key_check(model: Model) -> Check:
    severity = key_check_severity(model)
    not_null = ", and none is null" if severity == "error" else ""
    return Check(
        key_check_name(model),
        severity,
        model.name,
        f"no two rows have the same {', '.join(model.header.key)}{not_null}",
        violations_sql(model),
        frozenset({model.name}),
        model,
    )


def _relation_check(model: Model, relation: Relation, target: Model) -> Check:
    return Check(
        f"relation:{model.name}.{relation.column}",
        "warn",
        model.name,
        f"every {relation.column} is in {relation.target}"
        + (", as far as that is still there" if relation.may_be_gone else ""),
        _relation_sql(model, relation, target, called(model)),
        frozenset({model.name, relation.target}),
        model,
        relation,
    )


def run_checks(
    connection: duckdb.DuckDBPyConnection,
    models: list[Model],
    missing: Sequence[Missing] = (),
    previous: PreviousBuild | None = None,
    key_results: Iterable[CheckResult] = (),
    changed_rows: ChangedRows | None = None,
) -> list[CheckResult]:
    """The result of every check; nothing is raised for a violation.

    Results of `previous` that still hold are taken over, as are the `key_results` that the creation
    of the models gave. A check that passed before looks at changed rows alone, where these can be
    determined. Keys of flows and metrics have a result only where they were counted, now or before.
    """
    previous = previous or PreviousBuild()
    results_by_name = {result.name: result for result in key_results}
    by_name = {model.name: model for model in models}
    missing_sources = missing_by_model(models, missing)
    results: list[CheckResult] = []
    keys_of_questions = question_checks(models)
    only_where_counted = {check.name for check in keys_of_questions}
    for check in (*list_checks(models), *keys_of_questions):
        result = results_by_name.get(check.name) or previous.check_result(check.name, check.sources)
        if result is None and check.name in only_where_counted:
            continue
        result = result or _run(
            connection, check, _sql_to_run(check, previous, changed_rows, by_name)
        )
        lacking = frozenset[str]().union(
            *(missing_sources.get(name, frozenset()) for name in check.sources),
            missing_sources[check.declared_by.name],
        )
        results.append(dataclasses.replace(result, reason=partial_reason(lacking)))
    return results


def _sql_to_run(
    check: Check,
    previous: PreviousBuild,
    changed_rows: ChangedRows | None,
    models: Mapping[str, Model],
) -> str:
    result = previous.checks.get(check.name)
    if changed_rows is None or result is None or not result.passed or result.violations:
        return check.sql
    return _changed_rows_sql(check, previous, changed_rows, models) or check.sql


def _changed_rows_sql(
    check: Check, previous: PreviousBuild, changed_rows: ChangedRows, models: Mapping[str, Model]
) -> str | None:
    """The check over the rows that an update can have broken; None: over all."""
    source = check.declared_by
    if check.relation is None:
        condition = changed_rows.condition(source) if source.schema == "check" else None
        if condition is None:
            return None
        return f"select model_rows.* from ({check.sql}\n) as model_rows where {condition}"
    target = models[check.relation.target]
    relations: list[str] = []
    for model in dict.fromkeys((source.name, target.name)):
        if model in previous.changed and not changed_rows.has_previous_rows(models[model]):
            return None
    if source.name in previous.changed:
        relations.append(saved_rows(source, "after"))
    if target.name in previous.changed:
        removed = changed_rows.removed_values(target, check.relation.target_column)
        relations.append(
            f"(select model_rows.* from {source.name} as model_rows "
            f"where model_rows.{check.relation.column} in ({removed}))"
        )
    parts = (_relation_sql(source, check.relation, target, relation) for relation in relations)
    return " union ".join(f"({part})" for part in parts) + " order by all"


def require_passed(results: list[CheckResult]) -> None:
    """Raise a `CheckError` that names every blocking check that failed."""
    failed = [result for result in results if not result.passed and result.severity == "error"]
    if failed:
        details = "; ".join(f"{result.name} ({result.detail})" for result in failed)
        raise CheckError(
            f"The warehouse was not published because {len(failed)} blocking checks failed: "
            f"{details}. The previous warehouse stays; extract again with --full, and report it "
            "if it happens again."
        )


def _relation_sql(model: Model, relation: Relation, target: Model, rows: str) -> str:
    """The rows among `rows` of the model that refer to nothing in the target.

    A join and not `not exists`, for which DuckDB holds the whole target in memory.
    """
    key = ", ".join(f"source.{part}" for part in model.header.key)
    workspace = [part for part in target.header.key if part == "workspace_id"]
    equal = " and ".join(
        [
            f"target.{relation.target_column} = source.{relation.column}",
            *(f"target.{part} = source.{part}" for part in workspace),
        ]
    )
    return (
        f"select distinct {key}, source.{relation.column} as unresolved from {rows} as source "
        f"anti join {target.name} as target on {equal} "
        f"where source.{relation.column} is not null order by all"
    )


def _run(connection: duckdb.DuckDBPyConnection, check: Check, sql: str) -> CheckResult:
    statement = (
        f"select violations.*, count(*) over () as _total from ({sql}\n) as violations "
        f"limit {EXAMPLES}"
    )
    try:
        names, rows = fetch_within_memory(connection, statement)
    except duckdb.Error as error:
        raise_error(check.declared_by, error, statement, step=f"the check {check.name}")
    if not rows:
        return CheckResult(check.name, check.severity, True, "")
    violations = [row[:-1] for row in rows]
    result = failed_check(check.name, check.severity, names[:-1], violations, int(rows[0][-1]))
    is_no_fault = check.relation is not None and check.relation.may_be_gone
    return dataclasses.replace(result, passed=True) if is_no_fault else result
