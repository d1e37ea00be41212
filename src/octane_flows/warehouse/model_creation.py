"""Every model as a DuckDB object, in order, with what became of it.

An open warehouse and models in, `ModelResult`s out; `build` and the golden tests call it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Literal

import duckdb

from octane_flows.errors import ModelError
from octane_flows.models.macros import called, create_statements
from octane_flows.models.model import Model
from octane_flows.models.shared_functions import function_statements
from octane_flows.warehouse import phase_versions
from octane_flows.warehouse.build_report import CheckResult, ColumnResult, ModelResult
from octane_flows.warehouse.duckdb_file import first_line, transaction
from octane_flows.warehouse.incremental.changed_rows import Touched
from octane_flows.warehouse.key_checks import CHECKED_SCHEMAS, count_and_check_key
from octane_flows.warehouse.octane_contract import Missing
from octane_flows.warehouse.table_loading import count

Progress = Callable[[str], None]


def create_functions(
    connection: duckdb.DuckDBPyConnection, server_url: str, shared_space: str
) -> None:
    """Create the functions that the models share, or replace those of an earlier build."""
    with transaction(connection):
        for statement in function_statements(server_url, shared_space):
            connection.execute(statement)


def create_models(
    connection: duckdb.DuckDBPyConnection,
    models: list[Model],
    progress: Progress | None = None,
    missing: Sequence[Missing] = (),
    unchanged: Mapping[str, int | None] | None = None,
    stored: Collection[str] = (),
    touched: Touched | None = None,
) -> list[ModelResult]:
    """Create views, tables and macros, count their rows and check their keys.

    `unchanged` are models whose rows are as before, with their number: they are not counted again.
    `stored` are those that are still there as tables; of what `touched` follows only those rows
    are looked at.
    """
    existing = _existing_tables(connection)
    unavailable: dict[str, str] = {}
    lacks = {model.name: _lacks(model, missing) for model in models}
    results: list[ModelResult] = []
    for model in models:
        if model.schema == "check":
            continue
        for source in model.sources:
            lacks[model.name] |= lacks.get(source, set())
        reason = _missing(model, existing, unavailable)
        result = (
            _create(connection, model, unchanged or {}, stored, touched)
            if reason is None
            else _unavailable(model, reason)
        )
        if result.status == "available" and lacks[model.name]:
            lacking = f"the lake has no {', '.join(sorted(lacks[model.name]))}"
            result = dataclasses.replace(result, status="partial", reason=lacking)
        if result.status == "unavailable":
            unavailable[model.name] = result.reason or ""
        if progress:
            said = f"{result.rows:>10,} rows" if result.rows is not None else result.reason
            progress(f"{model.name:<47} {said or 'as before'}")
        results.append(result)
    return results


def _lacks(model: Model, missing: Sequence[Missing]) -> set[str]:
    """What the model itself reads and the lake does not hold."""
    return {
        f"octane.{one.table}{f'.{one.column}' if one.column else ''}"
        for one in missing
        if model.name in one.models
    }


def _existing_tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    rows = connection.execute(
        "select distinct schema_name || '.' || table_name from duckdb_columns() "
        "where schema_name in ('octane', 'past', 'meta')"
    ).fetchall()
    return {row[0] for row in rows}


def _missing(model: Model, existing: set[str], unavailable: dict[str, str]) -> str | None:
    for source in model.sources:
        if source in unavailable:
            return f"{source} is unavailable: {unavailable[source]}"
        if source.startswith(("octane.", "past.", "meta.")) and source not in existing:
            return f"the server did not give {source}"
    return None


def _unavailable(model: Model, reason: str) -> ModelResult:
    columns = tuple(ColumnResult(column.name, None, column.meaning) for column in model.columns)
    return ModelResult(
        model.name, _kind(model), "unavailable", columns, model.sources, reason=reason
    )


def _kind(model: Model) -> Literal["view", "table", "macro"]:
    """What a model becomes in DuckDB."""
    if model.schema != "er":
        return "macro"
    return "table" if model.header.is_stored else "view"


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
    unchanged: Mapping[str, int | None],
    stored: Collection[str],
    touched: Touched | None,
) -> ModelResult:
    key: CheckResult | None = None
    follows = touched if touched is not None and touched.is_followed(model) else None
    try:
        with transaction(connection):
            for statement in () if model.name in stored else create_statements(model):
                connection.execute(statement)
            described = connection.execute(f"describe select * from {called(model)}").fetchall()
        if follows is not None and model.name in stored:
            follows.renew(model)
        if model.name in unchanged:
            rows = unchanged[model.name]
        elif follows is not None:
            rows, key = follows.count_and_check_key(model)
        elif model.schema in CHECKED_SCHEMAS:
            rows, key = count_and_check_key(connection, model)
        else:
            rows = count(connection, called(model))
    except duckdb.BinderException as error:
        if any(source.startswith("octane.") for source in model.sources):
            # the table is there but a field is not: this server's version or role lacks it
            return _unavailable(model, f"the server lacks a field ({first_line(error)})")
        raise ModelError(f"{model.where} does not run ({first_line(error)}).") from error
    except duckdb.OutOfMemoryException as error:  # no fault of the SQL: `build` tells it
        error.add_note(model.name)
        raise
    except duckdb.Error as error:
        raise ModelError(f"{model.where} does not run ({first_line(error)}).") from error
    meanings = {column.name: column.meaning for column in model.columns}
    names = [row[0] for row in described]
    if names != list(meanings):
        raise ModelError(
            f"{model.where} documents the columns {', '.join(meanings)} but gives "
            f"{', '.join(names)}; make them agree."
        )
    columns = tuple(ColumnResult(row[0], row[1], meanings[row[0]]) for row in described)
    return ModelResult(
        model.name,
        _kind(model),
        "available",
        columns,
        model.sources,
        rows=rows,
        key=key,
    )
