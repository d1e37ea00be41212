"""The tables of `meta`: their columns and meanings, made empty and filled by rows.

Nothing in, tables with comments out; `meta` fills them, the catalogue lists them.
"""

from __future__ import annotations

from typing import Any

import duckdb

from octane_flows.models.sql_text import literal, quoted
from octane_flows.warehouse.duckdb_file import transaction
from octane_flows.warehouse.meta.extract_tables import KNOWN_TABLES

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
            ("chosen_workspaces", "VARCHAR[]", "ids that it is to hold; null: all of the lake"),
        ),
    ),
    "workspaces": (
        "The workspaces that this warehouse holds.",
        (
            ("workspace_id", "VARCHAR", "id of the workspace"),
            ("as_of", "TIMESTAMP", "server time when its newest extract began (UTC)"),
            ("signed_in_user_id", "VARCHAR", "id of the user or API key of that extract"),
            ("signed_in_user_name", "VARCHAR", "its login name or client id; null: not told"),
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
    "workspace_rows": (
        "Rows loaded of each entity type by workspace.",
        (
            ("workspace_id", "VARCHAR", "id of the workspace"),
            ("entity", "VARCHAR", "entity type"),
            ("row_count", "BIGINT", "rows in the warehouse"),
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
            ("status", "VARCHAR", "available, or partial when the lake lacks what it reads"),
            ("reason", "VARCHAR", "what it reads that the lake does not hold"),
            ("row_count", "BIGINT", "rows; null for a macro that an update did not run"),
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
            ("type", "VARCHAR", "DuckDB type"),
            ("meaning", "VARCHAR", "what a value says"),
        ),
    ),
    "flows": (
        "The flows that can be called as flow.<slug>().",
        (
            ("slug", "VARCHAR", "name of the macro in the schema flow"),
            (
                "number",
                "BIGINT",
                "number in the list of documented flows; null: a flow of your own",
            ),
            ("title", "VARCHAR", "title of the vendor's page; null: a flow of your own"),
            ("question", "VARCHAR", "question that the rows answer"),
            ("rows_mean", "VARCHAR", "what one row is"),
            ("parameters", "JSON", "name, type, default and meaning of each parameter"),
            ("source", "VARCHAR", "page or tables that it follows"),
            ("status", "VARCHAR", "available, or partial when the lake lacks what it reads"),
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
            ("reason", "VARCHAR", "what it reads that the lake does not hold"),
            (
                "last_run_generation",
                "BIGINT",
                "generation that it ran for, if the data changed since; null: it holds for this",
            ),
        ),
    ),
}

BATCH_ROWS = 200  # rows of one insert statement; DuckDB is slow row by row


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


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    """Insert rows in the column order of `TABLES`."""
    for start in range(0, len(rows), BATCH_ROWS):
        batch = rows[start : start + BATCH_ROWS]
        marks = ", ".join(f"({', '.join('?' for _ in row)})" for row in batch)
        connection.execute(
            f"insert into meta.{table} values {marks}", [value for row in batch for value in row]
        )
