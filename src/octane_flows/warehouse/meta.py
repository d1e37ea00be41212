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
from octane_flows.warehouse.connect import transaction
from octane_flows.warehouse.contract import Missing, findings
from octane_flows.warehouse.known import (
    COMPLETENESS,
    KNOWN_TABLES,
    certificate_rows,
    field_rows,
    former_shares,
    schema_change_rows,
)
from octane_flows.warehouse.load import literal, quoted
from octane_flows.warehouse.models import Model

if TYPE_CHECKING:
    from octane_flows.warehouse.results import CheckResult, ModelResult

# table -> (comment, columns with type and meaning): the one place where meta tables are defined
TABLES: dict[str, tuple[str, tuple[tuple[str, str, str], ...]]] = {
    "generation": (
        "The generation of the lake that this warehouse holds (one row).",
        (
            ("generation", "BIGINT", "number of the generation"),
            ("parent_generation", "BIGINT", "generation that it followed, null for the first"),
            ("as_of", "TIMESTAMP", "server time when the extract began (UTC)"),
            ("created_at", "TIMESTAMP", "when the generation was published (UTC)"),
            ("server_url", "VARCHAR", "address of the Octane server"),
            ("server_version", "VARCHAR", "version that the server told"),
            ("shared_space", "VARCHAR", "id of the shared space"),
            ("politeness", "JSON", "requests, bytes, waits and retries of the extract"),
            ("signed_in_user_id", "VARCHAR", "id of the user or API key in the shared space"),
            ("signed_in_user_name", "VARCHAR", "its login name or client id; null: not told"),
        ),
    ),
    "build": (
        "How this warehouse was made (one row).",
        (
            ("built_by", "VARCHAR", "version of octane-flows"),
            ("models_digest", "VARCHAR", "SHA-256 of the SQL models"),
            ("updated_from", "BIGINT", "generation held before; null: everything was rebuilt"),
            ("changed_tables", "VARCHAR[]", "octane tables that this build changed"),
        ),
    ),
    "files": (
        "The lake files that the octane tables hold.",
        (
            ("table_name", "VARCHAR", "name within the schema octane"),
            ("path", "VARCHAR", "path within the lake"),
            ("workspace_id", "VARCHAR", "id of the workspace"),
            ("row_count", "BIGINT", "rows of the file, versions and tombstones included"),
            ("file_bytes", "BIGINT", "size of the file"),
            ("sha256", "VARCHAR", "digest of the file"),
        ),
    ),
    "politeness": (
        "What the extract asked of each collection of the server, and how long it waited.",
        (
            ("workspace_id", "VARCHAR", "id of the workspace"),
            ("collection", "VARCHAR", "collection of the server; metadata is one too"),
            ("entity", "VARCHAR", "entity type, null for what is not read as rows"),
            ("request_count", "BIGINT", "requests sent, repetitions included"),
            ("received_bytes", "BIGINT", "bytes received, as compressed by the server"),
            ("wait_s", "DOUBLE", "seconds waited before repetitions and for the pace that is set"),
            ("retry_count", "BIGINT", "requests that were sent again"),
            ("too_many_requests_count", "BIGINT", "answers with status 429"),
            ("server_p95_ms", "DOUBLE", "95th percentile of the time until an answer was whole"),
        ),
    ),
    **KNOWN_TABLES,
    "findings": (
        "What the extract and the build found odd but could go on with.",
        (("finding", "VARCHAR", "one sentence"),),
    ),
    "tables": (
        "Every octane table with its size.",
        (
            ("table_name", "VARCHAR", "name within the schema octane"),
            ("kind", "VARCHAR", "entity or link"),
            ("entity", "VARCHAR", "entity type"),
            ("field", "VARCHAR", "multi-reference field, null for entity tables"),
            ("label", "VARCHAR", "name that Octane shows"),
            ("row_count", "BIGINT", "rows in the warehouse"),
            ("file_count", "BIGINT", "lake files that it was loaded from"),
            ("file_bytes", "BIGINT", "size of these files"),
        ),
    ),
    "missing": (
        "Tables and columns that models read and the lake does not hold; they are there, empty.",
        (
            ("table_name", "VARCHAR", "name within the schema octane"),
            ("column_name", "VARCHAR", "column that is missing, null when the whole table is"),
            ("models", "VARCHAR[]", "models that read it"),
        ),
    ),
    "models": (
        "Every SQL model and whether this server has what it reads.",
        (
            ("model", "VARCHAR", "qualified name"),
            ("kind", "VARCHAR", "view or macro"),
            ("status", "VARCHAR", "available, partial or unavailable"),
            ("reason", "VARCHAR", "what it reads that is missing, or why it does not run"),
            (
                "row_count",
                "BIGINT",
                "rows; null for a macro that an update did not run",
            ),
            ("question", "VARCHAR", "question that the rows answer"),
            ("grain", "VARCHAR", "what one row is"),
            ("key_columns", "VARCHAR[]", "columns that identify a row"),
            ("depends_on", "VARCHAR[]", "tables and models that it reads"),
        ),
    ),
    "columns": (
        "The columns of every model and what they mean.",
        (
            ("model", "VARCHAR", "qualified name"),
            ("position", "BIGINT", "1 for the first column"),
            ("column_name", "VARCHAR", "name of the column"),
            ("type", "VARCHAR", "DuckDB type, null when the model is unavailable"),
            ("meaning", "VARCHAR", "what a value says"),
        ),
    ),
    "flows": (
        "The documented flows that can be called as flow.<slug>().",
        (
            ("slug", "VARCHAR", "name of the macro in the schema flow"),
            ("number", "BIGINT", "number in the list of documented flows"),
            ("title", "VARCHAR", "title of the vendor's page"),
            ("question", "VARCHAR", "question that the rows answer"),
            ("rows_mean", "VARCHAR", "what one row is"),
            ("parameters", "JSON", "name, type, default and meaning of each parameter"),
            ("source", "VARCHAR", "page or tables that it follows"),
            ("status", "VARCHAR", "available, partial or unavailable"),
        ),
    ),
    "checks": (
        "What was checked before this warehouse was published.",
        (
            ("check_name", "VARCHAR", "name of the check"),
            ("severity", "VARCHAR", "error blocks publication, warn is only recorded"),
            ("is_passed", "BOOLEAN", "whether it passed"),
            ("violation_count", "BIGINT", "rows that violate it"),
            ("detail", "VARCHAR", "the first violations"),
        ),
    ),
}

BATCH_ROWS = 200  # rows of one insert statement; DuckDB is slow row by row


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


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty meta tables with their comments, in place of those of an earlier build."""
    with transaction(connection):
        connection.execute("drop schema if exists meta cascade")
        connection.execute("create schema meta")
        for table, (comment, columns) in TABLES.items():
            body = ", ".join(f"{quoted(name)} {kind}" for name, kind, _ in columns)
            connection.execute(f"create table meta.{table} ({body})")
            connection.execute(f"comment on table meta.{table} is {literal(comment)}")
            for name, _, meaning in columns:
                connection.execute(
                    f"comment on column meta.{table}.{quoted(name)} is {literal(meaning)}"
                )
        connection.execute(
            "create table meta.workspace_rows "
            "(workspace_id VARCHAR, entity VARCHAR, row_count BIGINT)"
        )
        connection.execute(
            "comment on table meta.workspace_rows is "
            "'Rows loaded of each entity type by workspace.'"
        )


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    """Insert rows in the column order of `TABLES`."""
    for start in range(0, len(rows), BATCH_ROWS):
        batch = rows[start : start + BATCH_ROWS]
        marks = ", ".join(f"({', '.join('?' for _ in row)})" for row in batch)
        connection.execute(
            f"insert into meta.{table} values {marks}", [value for row in batch for value in row]
        )


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
        [(row.name, row.severity, row.passed, row.violations, row.detail) for row in results],
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
