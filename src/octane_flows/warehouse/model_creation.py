"""Every model as a DuckDB object, in order, with what became of it.

An open warehouse and models in, `ModelResult`s out; `warehouse_build` and the golden tests call it.
SQL that does not bind or run is a `ModelError` with file and line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Literal

import duckdb

from octane_flows.errors import ModelError
from octane_flows.models.macros import MACRO_SCHEMAS, called, create_statements
from octane_flows.models.model import Model
from octane_flows.models.shared_functions import function_statements
from octane_flows.models.sql_text import quoted
from octane_flows.warehouse import phase_versions
from octane_flows.warehouse.build_report import CheckResult, ColumnResult, ModelResult
from octane_flows.warehouse.derived_counts import derived_count_and_key
from octane_flows.warehouse.duckdb_file import first_line, is_machine_full, transaction
from octane_flows.warehouse.incremental.changed_rows import ChangedRows
from octane_flows.warehouse.key_checks import CHECKED_SCHEMAS, count_and_check_key
from octane_flows.warehouse.octane_contract import Missing, missing_by_model, partial_reason
from octane_flows.warehouse.sql_errors import raise_error
from octane_flows.warehouse.table_loading import count

Progress = Callable[[str], None]


def create_functions(
    connection: duckdb.DuckDBPyConnection, server_url: str, shared_space: str
) -> None:
    """Create the functions that the models share, or replace those of an earlier build."""
    with transaction(connection):
        for function in function_statements(server_url, shared_space):
            try:
                for statement in function.statements:
                    connection.execute(statement)
            except duckdb.Error as error:
                if is_machine_full(error):
                    raise
                raise ModelError(
                    f"{function.where}: DuckDB cannot create the shared function "
                    f"er.{function.signature} ({first_line(error)}); correct its body. Nothing was "
                    "published."
                ) from error


def create_models(
    connection: duckdb.DuckDBPyConnection,
    models: list[Model],
    progress: Progress | None = None,
    missing: Sequence[Missing] = (),
    unchanged: Mapping[str, int | None] | None = None,
    stored: Collection[str] = (),
    changed_rows: ChangedRows | None = None,
    kept_columns: Mapping[str, Sequence[tuple[str, str]]] | None = None,
    *,
    count_questions: bool = False,
) -> list[ModelResult]:
    """Create views, tables and macros, count the rows of `er` and check their keys.

    Macros are bound, and with `count_questions` also run with their default parameters, counted and
    checked. `unchanged` are models whose rows are as before, with their number: they are not
    counted again. `stored` are those that are still there as tables. Of models whose previous rows
    `changed_rows` saved, only the changed rows are counted and checked. Models of `kept_columns`
    are there already, with these columns, and are not created.
    """
    missing_sources = missing_by_model(models, missing)
    results: dict[str, ModelResult] = {}
    for model in models:
        if model.schema == "check":
            continue
        reason = partial_reason(missing_sources[model.name])
        is_counted = count_questions or model.schema not in MACRO_SCHEMAS
        result = _create(
            connection,
            model,
            reason,
            unchanged or {},
            stored,
            changed_rows,
            (kept_columns or {}).get(model.name),
            results,
            is_counted=is_counted,
        )
        if progress:
            rows = f"{result.rows:>10,} rows" if result.rows is not None else "not counted"
            progress(f"{model.name:<47} {rows}")
        results[model.name] = result
    return list(results.values())


def affected_models(models: Iterable[Model], tables: Iterable[str]) -> set[str]:
    """Models that read one of the tables, directly or through another model; `meta` always counts.

    `models` in their order, `tables` without schema.
    """
    changed = {f"octane.{table}" for table in tables}
    if any(table in changed for table in phase_versions.SOURCES):
        changed.add(phase_versions.TABLE)
    affected: set[str] = set()
    for model in models:
        if any(
            source in changed or source in affected or source.startswith("meta.")
            for source in model.sources
        ):
            affected.add(model.name)
    return affected


def _create(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    reason: str | None,
    unchanged: Mapping[str, int | None],
    stored: Collection[str],
    changed_rows: ChangedRows | None,
    kept_columns: Sequence[tuple[str, str]] | None,
    results: Mapping[str, ModelResult],
    *,
    is_counted: bool,
) -> ModelResult:
    rows: int | None = None
    key: CheckResult | None = None
    has_previous_rows = changed_rows is not None and changed_rows.has_previous_rows(model)
    statement = ""
    try:
        described: Sequence[Sequence[str]]
        if kept_columns is not None:
            described = kept_columns
        else:
            with transaction(connection):
                for statement in () if model.name in stored else create_statements(model):
                    connection.execute(statement)
                statement = ""
                described = connection.execute(f"describe select * from {called(model)}").fetchall()
        if changed_rows is not None and has_previous_rows and model.name in stored:
            changed_rows.update_stored_model(model)
        if unchanged.get(model.name) is not None:
            rows = unchanged[model.name]
        elif not is_counted:
            rows = None
        elif derived := derived_count_and_key(connection, model, results, changed_rows):
            rows, key = derived
        elif changed_rows is not None and has_previous_rows:
            rows, key = changed_rows.count_and_check_key(model)
        elif model.schema in CHECKED_SCHEMAS:
            rows, key = count_and_check_key(connection, model)
        else:
            rows = count(connection, called(model))
    except duckdb.Error as error:
        raise_error(model, error, statement, step=model.name)
    return ModelResult(
        model.name,
        _kind(model),
        "available" if reason is None else "partial",
        _columns(model, described),
        model.sources,
        rows=rows,
        reason=reason,
        key=key,
    )


def _columns(model: Model, described: Sequence[Sequence[str]]) -> tuple[ColumnResult, ...]:
    """The columns that DuckDB gives a model, which must be those that the file documents."""
    meanings = {column.name: column.meaning for column in model.columns}
    names = [row[0] for row in described]
    if names != list(meanings):
        raise ModelError(
            f"{model.where}:1: the file documents the columns {', '.join(meanings)} but its SQL "
            f"gives {', '.join(names)}; make them agree."
        )
    return tuple(ColumnResult(row[0], row[1], meanings[row[0]]) for row in described)


def _kind(model: Model) -> Literal["view", "table", "macro"]:
    """What a model becomes in DuckDB."""
    if model.schema != "er":
        return "macro"
    return "table" if model.header.is_stored else "view"


def drop_models(
    connection: duckdb.DuckDBPyConnection, *, keep: set[str], are_models_kept: bool = False
) -> None:
    """Drop views and macros, to be created again, and every table but those to `keep`.

    `are_models_kept`: views and macros stay as they are, and tables alone are dropped.
    """
    with transaction(connection):
        for schema in () if are_models_kept else ("flow", "metric", "plan"):
            connection.execute(f"drop schema if exists {schema} cascade")
        views = (
            "select 'view', schema_name, view_name from duckdb_views() where schema_name = 'er' "
            "union all "
        )
        tables = (
            "select 'table', schema_name, table_name from duckdb_tables() "
            "where schema_name in ('er', 'octane')"
        )
        objects = tables if are_models_kept else views + tables
        for kind, schema, name in connection.execute(objects).fetchall():
            if f"{schema}.{name}" not in keep:
                connection.execute(f"drop {kind} {schema}.{quoted(name)}")
