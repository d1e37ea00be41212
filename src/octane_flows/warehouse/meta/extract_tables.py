"""What the extract knows, as rows of `meta.*`: certificate, schema changes, field catalogue.

A manifest and the loaded tables in, definitions and rows out; `meta` creates and fills the tables.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb

from octane_flows.lake import FieldEntry, Manifest
from octane_flows.models.sql_text import quoted

Row = tuple[Any, ...]
Shares = dict[tuple[str, str, str], float]  # by workspace, entity type and field

KNOWN_TABLES: dict[str, tuple[str, tuple[tuple[str, str, str], ...]]] = {
    "certificate": (
        "What was asked of each entity type in each workspace, what came, and what is held.",
        (
            ("workspace_id", "VARCHAR", "id of the workspace"),
            ("entity", "VARCHAR", "entity type"),
            ("collection", "VARCHAR", "collection that was read"),
            ("total_count", "BIGINT", "rows that the server counted for what was asked"),
            ("rows_read", "BIGINT", "rows that were read"),
            ("page_count", "BIGINT", "pages that were read"),
            ("received_bytes", "BIGINT", "bytes that were received"),
            ("status", "VARCHAR", "complete, refused or carried"),
            ("note", "VARCHAR", "why, when it is not complete, and what else was done"),
            ("mode", "VARCHAR", "full, newest (changes), ids (new ids) or whole"),
            ("rows_written", "BIGINT", "new versions and tombstones of this extract"),
            ("rows_held", "BIGINT", "rows held after it, null where that is not known"),
            ("server_count_start", "BIGINT", "the server's count before a census or full read"),
            ("server_count_end", "BIGINT", "the server's count after it"),
            ("cursor_at", "TIMESTAMP", "changes before this server time are held (UTC)"),
            ("lag_s", "DOUBLE", "seconds from the cursor to the extract"),
            ("census_at", "TIMESTAMP", "last comparison with the server's ids (UTC)"),
            ("census_result", "VARCHAR", "equal, or how many rows were deleted and added"),
            ("tombstones", "JSON", "rows that the server no longer answers, by reason"),
        ),
    ),
    "schema_changes": (
        "Fields and lists that appeared, went away or were changed.",
        (
            ("generation", "BIGINT", "generation that saw it first"),
            ("workspace_id", "VARCHAR", "id of the workspace"),
            ("entity", "VARCHAR", "entity type"),
            ("field", "VARCHAR", "field of the entity type; of list_node: id of the list"),
            (
                "change",
                "VARCHAR",
                "added, removed, retyped, relabelled, list_added or list_removed",
            ),
            ("detail", "VARCHAR", "from what to what"),
        ),
    ),
    "fields": (
        "Every field of every entity type that was ever seen, user-defined ones included.",
        (
            ("workspace_id", "VARCHAR", "id of the workspace"),
            ("entity", "VARCHAR", "entity type"),
            ("field", "VARCHAR", "field of the entity type"),
            ("label", "VARCHAR", "name that Octane shows"),
            ("field_type", "VARCHAR", "type in Octane's metadata"),
            ("is_multiple", "BOOLEAN", "whether it is a multi-reference, a link table here"),
            ("is_user_defined", "BOOLEAN", "whether it is a user-defined field"),
            ("targets", "VARCHAR[]", "entity types that it may refer to"),
            ("list_root", "VARCHAR", "list that its values come from"),
            ("first_generation", "BIGINT", "generation that saw it first"),
            ("last_generation", "BIGINT", "generation that saw it last"),
            ("filled_ratio", "DOUBLE", "share of the rows that have a value, null without rows"),
        ),
    ),
}

COMPLETENESS = """
create view meta.completeness as
select
    certificate.workspace_id,
    certificate.entity,
    certificate.status,
    certificate.total_count,
    certificate.rows_read,
    certificate.rows_held,
    loaded.row_count as rows_loaded,
    certificate.status = 'complete' and certificate.rows_read = certificate.total_count
        and coalesce(certificate.rows_held = coalesce(loaded.row_count, 0), true)
        as is_complete,
    certificate.note
from meta.certificate as certificate
left join meta.workspace_rows as loaded
    on loaded.workspace_id = certificate.workspace_id
    and loaded.entity = certificate.entity
"""


def certificate_rows(manifest: Manifest) -> list[Row]:
    """Rows of meta.certificate."""
    return [
        (
            row.workspace,
            row.entity,
            row.collection,
            row.total_count,
            row.rows_read,
            row.pages,
            row.bytes_received,
            row.status,
            row.note,
            row.mode,
            row.rows_written,
            row.rows_held,
            row.server_count_start,
            row.server_count_end,
            _naive(row.cursor),
            row.lag_s,
            _naive(row.census_at),
            row.census_result,
            json.dumps(row.tombstones, sort_keys=True),
        )
        for row in manifest.certificate
    ]


def schema_change_rows(manifest: Manifest) -> list[Row]:
    """Rows of meta.schema_changes."""
    return [
        (row.generation, row.workspace, row.entity, row.field, row.change, row.detail)
        for row in manifest.schema_changes
    ]


def former_shares(connection: duckdb.DuckDBPyConnection) -> Shares:
    """The filled shares that the build before counted; none in a new file."""
    try:
        rows = connection.execute(
            "select workspace_id, entity, field, filled_ratio from meta.fields "
            "where filled_ratio is not null"
        ).fetchall()
    except duckdb.CatalogException:
        return {}
    return {(workspace, entity, field): share for workspace, entity, field, share in rows}


def field_rows(
    connection: duckdb.DuckDBPyConnection,
    manifest: Manifest,
    former: Shares,
    changed: Collection[str],
) -> list[Row]:
    """Rows of meta.fields; filled shares are counted where tables changed or fields are new."""
    tables_changed = {manifest.tables[name].entity for name in changed if name in manifest.tables}
    to_count = {
        one.entity
        for one in manifest.fields
        if one.entity in tables_changed or (one.workspace, one.entity, one.name) not in former
    }
    filled = {key: share for key, share in former.items() if key[1] not in to_count}
    for entity in sorted(to_count):
        filled.update(_filled(connection, manifest, entity))
    return [_field_row(entry, filled) for entry in manifest.fields]


def _field_row(entry: FieldEntry, filled: Shares) -> Row:
    return (
        entry.workspace,
        entry.entity,
        entry.name,
        entry.label,
        entry.field_type,
        entry.is_multiple,
        entry.is_user_defined,
        list(entry.targets),
        entry.list_root,
        entry.first_generation,
        entry.last_generation,
        filled.get((entry.workspace, entry.entity, entry.name)),
    )


def _filled(
    connection: duckdb.DuckDBPyConnection, manifest: Manifest, entity: str
) -> Iterator[tuple[tuple[str, str, str], float]]:
    """Filled shares of one entity type's fields by workspace, entity type and field."""
    table = manifest.tables.get(entity)
    if table is None or not table.files:
        return
    columns: dict[str, str] = {}
    for column in table.columns:
        if column.field is not None:
            columns.setdefault(column.field, column.name)
    counts = ", ".join(f"count({quoted(name)})" for name in columns.values())
    rows: dict[str, int] = {}
    for workspace, total, *values in connection.execute(
        f"select _workspace_id, count(*), {counts} from octane.{quoted(entity)} group by 1"
    ).fetchall():
        rows[workspace] = total
        for field, value in zip(columns, values, strict=True):
            yield (workspace, entity, field), value / total
    for link in manifest.tables.values():
        if link.kind != "link" or link.entity != entity or link.field is None:
            continue
        owners = dict(
            connection.execute(
                "select _workspace_id, count(distinct source_id) "
                f"from octane.{quoted(link.name)} group by 1"
            ).fetchall()
        )
        for workspace, total in rows.items():
            yield (workspace, entity, link.field), owners.get(workspace, 0) / total


def _naive(moment: datetime | None) -> datetime | None:
    """A moment as DuckDB's TIMESTAMP: UTC without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment is not None else None
