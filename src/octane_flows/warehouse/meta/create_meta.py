"""Creates and fills the tables of `meta`.

Manifest, models and check results in, tables out; `warehouse_build` calls it, reports and users
read them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import duckdb

from octane_flows.lake import Manifest
from octane_flows.models.model import Model
from octane_flows.models.sql_text import literal, quoted
from octane_flows.warehouse.build_report import CheckResult, ModelResult
from octane_flows.warehouse.link_counts import CountedRelation
from octane_flows.warehouse.meta import (
    certificate_tables,
    field_table,
    generation_tables,
    model_tables,
    relation_table,
)
from octane_flows.warehouse.meta.generation_tables import BuildRecord, WorkspaceRows
from octane_flows.warehouse.meta.meta_table import MetaTable
from octane_flows.warehouse.meta.meta_tables import create_tables
from octane_flows.warehouse.meta.model_tables import ColumnRecord, ModelRecord
from octane_flows.warehouse.meta.parameter_table import record_parameters
from octane_flows.warehouse.octane_contract import Missing, findings


def create_meta(
    connection: duckdb.DuckDBPyConnection,
    manifest: Manifest,
    build: BuildRecord,
    rows: Mapping[str, int],
    missing: Sequence[Missing] = (),
) -> None:
    """Create the meta tables and fill all but those about models and checks.

    `rows` are the loaded rows by table name; of tables that `build` did not change, what the
    previous build counted is still true.
    """
    shares = field_table.previous_shares(connection)
    workspace_rows = _previous_workspace_rows(connection)
    create_tables(connection)
    generation_tables.GENERATION.fill(connection, [manifest])
    generation_tables.BUILD.fill(connection, [build])
    generation_tables.WORKSPACES.fill(connection, manifest.workspaces.items())
    server = [(manifest, finding) for finding in manifest.server]
    generation_tables.SERVER.fill(connection, server)
    certificate_tables.CERTIFICATE.fill(connection, manifest.certificate)
    rejected = certificate_tables.rejected_values(manifest)
    certificate_tables.REJECTED_VALUES.fill(connection, rejected)
    certificate_tables.SCHEMA_CHANGES.fill(connection, manifest.schema_changes)
    fields = field_table.field_records(connection, manifest, shares, build.changed_tables)
    field_table.FIELDS.fill(connection, fields)
    politeness = generation_tables.politeness_by_collection(manifest)
    generation_tables.POLITENESS.fill(connection, politeness)
    sentences = [*map(str, manifest.findings), *findings(missing)]
    generation_tables.FINDINGS.fill(connection, sentences)
    generation_tables.MISSING.fill(connection, missing)
    generation_tables.FILES.fill(connection, generation_tables.files_by_table(manifest))
    tables = [(entry, rows.get(name, 0)) for name, entry in sorted(manifest.tables.items())]
    generation_tables.OCTANE_TABLES.fill(connection, tables)
    to_count = set(build.changed_tables) if build.updated_from is not None else None
    generation_tables.WORKSPACE_ROWS.fill(
        connection, _workspace_rows(connection, manifest, workspace_rows, to_count)
    )
    connection.execute(certificate_tables.COMPLETENESS_SQL)
    meaning = literal(certificate_tables.COMPLETENESS_MEANING)
    connection.execute(f"comment on view meta.completeness is {meaning}")


def record_models(
    connection: duckdb.DuckDBPyConnection,
    models: Collection[Model],
    results: Collection[ModelResult],
) -> None:
    """Fill the tables of `meta` about models, or replace what they hold."""
    tables: tuple[MetaTable[Any], ...] = (
        model_tables.MODELS,
        model_tables.COLUMNS,
        model_tables.FLOWS,
        model_tables.METRICS,
    )
    for table in tables:
        connection.execute(f"delete from meta.{table.name}")
    by_name = {model.name: model for model in models}
    records = [ModelRecord(by_name[result.name], result) for result in results]
    model_tables.MODELS.fill(connection, records)
    columns = (
        ColumnRecord(result.name, position, column)
        for result in results
        for position, column in enumerate(result.columns, start=1)
    )
    model_tables.COLUMNS.fill(connection, columns)
    flows = [record for record in records if record.model.schema == "flow"]
    model_tables.FLOWS.fill(connection, flows)
    metrics = [record for record in records if record.model.schema == "metric"]
    model_tables.METRICS.fill(connection, metrics)
    record_parameters(connection, models)


def record_checks(connection: duckdb.DuckDBPyConnection, results: Collection[CheckResult]) -> None:
    """Fill meta.checks."""
    model_tables.CHECKS.fill(connection, results)


def record_relations(
    connection: duckdb.DuckDBPyConnection, relations: Collection[CountedRelation]
) -> None:
    """Fill meta.relations."""
    relation_table.RELATIONS.fill(connection, relations)


def _previous_workspace_rows(connection: duckdb.DuckDBPyConnection) -> list[WorkspaceRows]:
    """What the previous build counted; nothing in a new file."""
    try:
        rows = connection.execute(
            "select workspace_id, entity, row_count from meta.workspace_rows"
        ).fetchall()
    except duckdb.CatalogException:
        return []
    return [WorkspaceRows(*row) for row in rows]


def _workspace_rows(
    connection: duckdb.DuckDBPyConnection,
    manifest: Manifest,
    previous: Sequence[WorkspaceRows],
    to_count: Collection[str] | None,
) -> list[WorkspaceRows]:
    """Rows by workspace and entity type; `to_count`: tables to count again, None: all."""
    entities = {
        name: entry.entity
        for name, entry in sorted(manifest.tables.items())
        if entry.kind == "entity"
    }
    counted = [name for name in entities if to_count is None or name in to_count]
    kept = {entity for name, entity in entities.items() if name not in counted}
    counts = " union all ".join(
        f"select _workspace_id, {literal(entities[name])}, count(*) from octane.{quoted(name)} "
        "group by _workspace_id"
        for name in counted
    )
    rows = connection.execute(counts).fetchall() if counted else []
    return [
        *(row for row in previous if row.entity in kept),
        *(WorkspaceRows(*row) for row in rows),
    ]
