"""`meta.*`: what the warehouse knows about itself.

Manifest, models and check results in, tables out; `build` calls it, reports and users read them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb

from octane_flows.lake import Manifest
from octane_flows.models.model import Model
from octane_flows.models.sql_text import literal, quoted
from octane_flows.warehouse.meta.extract_tables import (
    COMPLETENESS,
    certificate_rows,
    field_rows,
    former_shares,
    schema_change_rows,
)
from octane_flows.warehouse.meta.meta_tables import create_tables, insert
from octane_flows.warehouse.octane_contract import Missing, findings

if TYPE_CHECKING:
    from octane_flows.warehouse.build_report import CheckResult, ModelResult


def create_meta(
    connection: duckdb.DuckDBPyConnection,
    manifest: Manifest,
    rows: dict[str, int],
    missing: Sequence[Missing] = (),
    *,
    changed: Collection[str],
) -> None:
    """Create the meta tables and fill those that the manifest tells, and what it lacks.

    `changed` names the tables whose rows are not those of the build before.
    """
    shares = former_shares(connection)
    create_tables(connection)
    as_of, created_at = naive_utc(manifest.as_of), naive_utc(manifest.created_at)
    insert(
        connection,
        "generation",
        [
            (
                manifest.generation,
                manifest.parent,
                as_of,
                created_at,
                manifest.server_url,
                manifest.server_version,
                manifest.shared_space,
                json.dumps(manifest.politeness, default=str),
                manifest.signed_in_user_id,
                manifest.signed_in_user_name,
            )
        ],
    )
    insert(
        connection,
        "workspaces",
        [
            (id, naive_utc(one.as_of), one.signed_in_user_id, one.signed_in_user_name)
            for id, one in manifest.workspaces.items()
        ],
    )
    insert(connection, "certificate", certificate_rows(manifest))
    insert(connection, "schema_changes", schema_change_rows(manifest))
    insert(connection, "fields", field_rows(connection, manifest, shares, changed))
    insert(connection, "politeness", _politeness_rows(manifest))
    insert(
        connection,
        "findings",
        [(str(finding),) for finding in (*manifest.findings, *findings(missing))],
    )
    insert(
        connection,
        "missing",
        [(one.table, one.column, list(one.models)) for one in missing],
    )
    insert(
        connection,
        "files",
        [
            (name, file.path, file.workspace, file.rows, file.bytes, file.sha256)
            for name, entry in sorted(manifest.tables.items())
            for file in entry.files
        ],
    )
    insert(
        connection,
        "tables",
        [
            (
                name,
                entry.kind,
                entry.entity,
                entry.field,
                entry.label,
                rows.get(name, 0),
                len(entry.files),
                sum(file.bytes for file in entry.files),
            )
            for name, entry in sorted(manifest.tables.items())
        ],
    )
    _count_by_workspace(connection, manifest, rows)
    connection.execute(COMPLETENESS)
    connection.execute(
        "comment on view meta.completeness is 'Asked, read and loaded, by workspace and entity.'"
    )


def _politeness_rows(manifest: Manifest) -> list[tuple[Any, ...]]:
    entities = {(row.workspace, row.collection): row.entity for row in manifest.certificate}
    return [
        (
            row["workspace"],
            row["collection"],
            entities.get((row["workspace"], row["collection"])),
            row["requests"],
            row["bytes_received"],
            row["wait_s"],
            row["retries"],
            row["status_429"],
            row["p95_ms"],
        )
        for row in manifest.politeness.get("collections", [])
    ]


def record_models(
    connection: duckdb.DuckDBPyConnection, models: list[Model], results: list[ModelResult]
) -> None:
    """Fill meta.models, meta.columns and meta.flows."""
    by_name = {model.name: model for model in models}
    insert(connection, "models", [_model_row(by_name[row.name], row) for row in results])
    insert(
        connection,
        "columns",
        [
            (result.name, position, column.name, column.type, column.meaning)
            for result in results
            for position, column in enumerate(result.columns, start=1)
        ],
    )
    flows = [row for row in results if by_name[row.name].schema == "flow"]
    insert(connection, "flows", [_flow_row(by_name[row.name], row.status) for row in flows])


def _model_row(model: Model, result: ModelResult) -> tuple[Any, ...]:
    header = model.header
    return (
        result.name,
        result.kind,
        result.status,
        result.reason,
        result.rows,
        header.question,
        header.grain,
        list(header.key),
        list(model.sources),
    )


def _flow_row(model: Model, status: str) -> tuple[Any, ...]:
    header = model.header
    parameters = [
        {
            "name": parameter.name,
            "type": parameter.type,
            "default": parameter.default,
            "meaning": parameter.meaning,
        }
        for parameter in header.parameters
    ]
    return (
        model.slug,
        header.flow_number,
        header.flow_title,
        header.question,
        header.grain,
        json.dumps(parameters),
        "; ".join(header.sources),
        status,
    )


def record_checks(connection: duckdb.DuckDBPyConnection, results: list[CheckResult]) -> None:
    """Fill meta.checks."""
    insert(
        connection,
        "checks",
        [
            (
                row.name,
                row.severity,
                row.passed,
                row.violations,
                row.detail,
                row.reason,
                row.last_run_generation,
            )
            for row in results
        ],
    )


def _count_by_workspace(
    connection: duckdb.DuckDBPyConnection, manifest: Manifest, rows: dict[str, int]
) -> None:
    for name, entry in sorted(manifest.tables.items()):
        if entry.kind != "entity":
            continue
        connection.execute(
            "insert into meta.workspace_rows "
            f"select _workspace_id, {literal(entry.entity)}, count(*) "
            f"from octane.{quoted(name)} group by _workspace_id"
        )


def naive_utc(moment: datetime) -> datetime:
    """A moment as DuckDB's TIMESTAMP: UTC without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)
