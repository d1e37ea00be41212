"""`meta.generation`, `build`, `workspaces`, `tables`, `files`, `workspace_rows`, `politeness`, ...

A manifest, a build's own record and what the lake does not hold in, rows out; see `create_meta`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from octane_flows.lake import FileEntry, Manifest, ServerFinding, TableEntry
from octane_flows.lake.manifest import HISTORY_PREFIX, WorkspaceEntry
from octane_flows.warehouse.meta.meta_table import MetaColumn, MetaTable, naive_utc
from octane_flows.warehouse.octane_contract import Missing


@dataclass(frozen=True)
class BuildRecord:
    """How a warehouse was made; `updated_from` is None when everything was rebuilt."""

    built_by: str
    models_digest: str
    updated_from: int | None
    changed_tables: list[str]
    chosen_workspaces: list[str] | None


@dataclass(frozen=True)
class WorkspaceRows:
    """Rows loaded of one entity type in one workspace."""

    workspace_id: str
    entity: str
    row_count: int


GENERATION = MetaTable[Manifest](
    "generation",
    "The generation of the lake that this warehouse holds (one row).",
    (
        MetaColumn("generation", "BIGINT", "number of the generation", lambda it: it.generation),
        MetaColumn(
            "parent_generation",
            "BIGINT",
            "generation that it followed, null for the first",
            lambda it: it.parent,
        ),
        MetaColumn(
            "as_of",
            "TIMESTAMP",
            "server time when the extract began (UTC)",
            lambda it: naive_utc(it.as_of),
        ),
        MetaColumn(
            "created_at",
            "TIMESTAMP",
            "when the generation was published (UTC)",
            lambda it: naive_utc(it.created_at),
        ),
        MetaColumn(
            "server_url", "VARCHAR", "address of the Octane server", lambda it: it.server_url
        ),
        MetaColumn(
            "server_version",
            "VARCHAR",
            "version that the server reports",
            lambda it: it.server_version,
        ),
        MetaColumn("shared_space", "VARCHAR", "id of the shared space", lambda it: it.shared_space),
        MetaColumn(
            "politeness",
            "JSON",
            "requests, bytes, waits and retries of the extract",
            lambda it: json.dumps(it.politeness, default=str),
        ),
        MetaColumn(
            "signed_in_user_id",
            "VARCHAR",
            "id of the user or API key in the shared space",
            lambda it: it.signed_in_user_id,
        ),
        MetaColumn(
            "signed_in_user_name",
            "VARCHAR",
            "its login name or client id; null: the server does not say",
            lambda it: it.signed_in_user_name,
        ),
    ),
)

BUILD = MetaTable[BuildRecord](
    "build",
    "How this warehouse was made (one row).",
    (
        MetaColumn("built_by", "VARCHAR", "version of octane-flows", lambda it: it.built_by),
        MetaColumn(
            "models_digest",
            "VARCHAR",
            "SHA-256 of the SQL models and the functions that they share",
            lambda it: it.models_digest,
        ),
        MetaColumn(
            "updated_from",
            "BIGINT",
            "generation held before; null: everything was rebuilt",
            lambda it: it.updated_from,
        ),
        MetaColumn(
            "changed_tables",
            "VARCHAR[]",
            "octane tables that this build changed",
            lambda it: it.changed_tables,
        ),
        MetaColumn(
            "chosen_workspaces",
            "VARCHAR[]",
            "ids that it is to hold; null: all of the lake",
            lambda it: it.chosen_workspaces,
        ),
    ),
)

WORKSPACES = MetaTable[tuple[str, WorkspaceEntry]](
    "workspaces",
    "The workspaces that this warehouse holds.",
    (
        MetaColumn("workspace_id", "VARCHAR", "id of the workspace", lambda it: it[0]),
        MetaColumn(
            "workspace_name",
            "VARCHAR",
            "its name at that extract; null: the server does not say",
            lambda it: it[1].name,
        ),
        MetaColumn(
            "as_of",
            "TIMESTAMP",
            "server time when its newest extract began (UTC)",
            lambda it: naive_utc(it[1].as_of),
        ),
        MetaColumn(
            "signed_in_user_id",
            "VARCHAR",
            "id of the user or API key of that extract",
            lambda it: it[1].signed_in_user_id,
        ),
        MetaColumn(
            "signed_in_user_name",
            "VARCHAR",
            "its login name or client id; null: the server does not say",
            lambda it: it[1].signed_in_user_name,
        ),
    ),
)

SERVER = MetaTable[tuple[Manifest, ServerFinding]](
    "server",
    "What the server says to the features of its query language that extracts needed.",
    (
        MetaColumn(
            "shared_space", "VARCHAR", "id of the shared space", lambda it: it[0].shared_space
        ),
        MetaColumn(
            "feature",
            "VARCHAR",
            "operator (GE is >=), {null}, cross filter, text, time, count, rows of a page",
            lambda it: it[1].feature,
        ),
        MetaColumn(
            "answer",
            "VARCHAR",
            "taken, or refused as first asked for",
            lambda it: "taken" if it[1].is_taken else "refused",
        ),
        MetaColumn(
            "form_used",
            "VARCHAR",
            "how extracts write it; null: nothing takes its place, and more rows are read",
            lambda it: it[1].form or None,
        ),
        MetaColumn(
            "since",
            "TIMESTAMP",
            "server time of the first extract that found this (UTC)",
            lambda it: naive_utc(it[1].since),
        ),
    ),
)

FILES = MetaTable[tuple[str, FileEntry]](
    "files",
    "The lake files that the octane tables hold.",
    (
        MetaColumn("table_name", "VARCHAR", "name within the schema octane", lambda it: it[0]),
        MetaColumn("path", "VARCHAR", "path within the lake", lambda it: it[1].path),
        MetaColumn("workspace_id", "VARCHAR", "id of the workspace", lambda it: it[1].workspace),
        MetaColumn(
            "row_count",
            "BIGINT",
            "rows of the file, versions and tombstones included",
            lambda it: it[1].rows,
        ),
        MetaColumn("file_bytes", "BIGINT", "size of the file", lambda it: it[1].bytes),
        MetaColumn("sha256", "VARCHAR", "digest of the file", lambda it: it[1].sha256),
    ),
)

POLITENESS = MetaTable[Mapping[str, Any]](
    "politeness",
    "What the extract asked of each collection of the server, and how long it waited.",
    (
        MetaColumn("workspace_id", "VARCHAR", "id of the workspace", lambda it: it["workspace"]),
        MetaColumn(
            "collection",
            "VARCHAR",
            "collection of the server; metadata is one too",
            lambda it: it["collection"],
        ),
        MetaColumn(
            "entity",
            "VARCHAR",
            "entity type, null for what is not read as rows",
            lambda it: it["entity"],
        ),
        MetaColumn(
            "request_count",
            "BIGINT",
            "requests sent, repetitions included",
            lambda it: it["requests"],
        ),
        MetaColumn(
            "received_bytes",
            "BIGINT",
            "bytes received, as compressed by the server",
            lambda it: it["bytes_received"],
        ),
        MetaColumn(
            "wait_s",
            "DOUBLE",
            "seconds waited before repetitions and for the pace that is set",
            lambda it: it["wait_s"],
        ),
        MetaColumn(
            "retry_count", "BIGINT", "requests that were sent again", lambda it: it["retries"]
        ),
        MetaColumn(
            "too_many_requests_count",
            "BIGINT",
            "answers with status 429",
            lambda it: it["status_429"],
        ),
        MetaColumn(
            "server_p95_ms",
            "DOUBLE",
            "95th percentile of the time until an answer was whole",
            lambda it: it["p95_ms"],
        ),
    ),
)

FINDINGS = MetaTable[str](
    "findings",
    "What the extract and the build noticed and went on with.",
    (MetaColumn("finding", "VARCHAR", "one sentence", lambda it: it),),
)

OCTANE_TABLES = MetaTable[tuple[TableEntry, int]](
    "tables",
    "Every octane table with its size.",
    (
        MetaColumn("table_name", "VARCHAR", "name within the schema octane", lambda it: it[0].name),
        MetaColumn("kind", "VARCHAR", "entity or link", lambda it: it[0].kind),
        MetaColumn("entity", "VARCHAR", "entity type", lambda it: it[0].entity),
        MetaColumn(
            "field",
            "VARCHAR",
            "multi-reference field, null for entity tables",
            lambda it: it[0].field,
        ),
        MetaColumn("label", "VARCHAR", "name that Octane shows", lambda it: it[0].label),
        MetaColumn("row_count", "BIGINT", "rows in the warehouse", lambda it: it[1]),
        MetaColumn(
            "file_count",
            "BIGINT",
            "lake files that it was loaded from",
            lambda it: len(it[0].files),
        ),
        MetaColumn(
            "file_bytes",
            "BIGINT",
            "size of these files",
            lambda it: sum(file.bytes for file in it[0].files),
        ),
    ),
)

WORKSPACE_ROWS = MetaTable[WorkspaceRows](
    "workspace_rows",
    "Rows loaded of each entity type by workspace.",
    (
        MetaColumn("workspace_id", "VARCHAR", "id of the workspace", lambda it: it.workspace_id),
        MetaColumn("entity", "VARCHAR", "entity type", lambda it: it.entity),
        MetaColumn("row_count", "BIGINT", "rows in the warehouse", lambda it: it.row_count),
    ),
)

MISSING = MetaTable[Missing](
    "missing",
    "Tables and columns that models read and the lake does not hold; they are there, empty.",
    (
        MetaColumn("table_name", "VARCHAR", "name within the schema octane", lambda it: it.table),
        MetaColumn(
            "column_name",
            "VARCHAR",
            "column that is missing, null when the whole table is",
            lambda it: it.column,
        ),
        MetaColumn("models", "VARCHAR[]", "models that read it", lambda it: list(it.models)),
    ),
)


def files_by_table(manifest: Manifest) -> Iterator[tuple[str, FileEntry]]:
    """The records of `meta.files`."""
    for name, entry in sorted(manifest.tables.items()):
        for file in entry.files:
            yield name, file


def politeness_by_collection(manifest: Manifest) -> Iterator[Mapping[str, Any]]:
    """The records of `meta.politeness`: what the extract counted, with the entity type."""
    entities = {
        (row.workspace, row.collection): HISTORY_PREFIX.rstrip(".")
        if row.is_history
        else row.entity
        for row in manifest.certificate
    }
    for counts in manifest.politeness.get("collections", []):
        yield {**counts, "entity": entities.get((counts["workspace"], counts["collection"]))}
