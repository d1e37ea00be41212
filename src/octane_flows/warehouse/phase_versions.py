"""`past.work_item_phases`: phase and planning of each version of a work item that was ever read.

The lake's tables and what changed in them in, rows of one table out; `warehouse_build` calls it.
Only new files are read; the rows come from named files alone, so a rebuild gives the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from octane_flows.lake import Lake
from octane_flows.models.sql_text import literal
from octane_flows.warehouse.duckdb_file import transaction
from octane_flows.warehouse.incremental.table_changes import TableChange
from octane_flows.warehouse.table_loading import files_source, is_new, reading_files

SCHEMA = "past"
TABLE = f"{SCHEMA}.work_item_phases"
WORK_ITEMS = ("story", "defect", "quality_story", "feature", "epic")
SOURCES = tuple(f"octane.{entity}" for entity in WORK_ITEMS)
MEANING = "Versions of work items that were read, one row each; tombstones included."
#: Name, type and meaning, the names as in `octane.*`.
COLUMNS = (
    ("_workspace_id", "VARCHAR", "workspace that the version was read through"),
    ("_generation", "BIGINT", "generation of the extract that read it"),
    ("_extracted_at", "TIMESTAMP", "when it was read (UTC)"),
    ("_deleted", "BOOLEAN", "whether it says that the work item is gone"),
    ("id", "VARCHAR", "id of the work item"),
    ("type", "VARCHAR", "story, defect, quality_story, feature or epic"),
    ("phase_id", "VARCHAR", "phase that it was in"),
    ("owner_id", "VARCHAR", "user who owned it"),
    ("release_id", "VARCHAR", "release that it was planned for"),
    ("severity_id", "VARCHAR", "list value of its severity, of a defect"),
    ("sprint_id", "VARCHAR", "sprint that it was planned for"),
    ("story_points", "BIGINT", "its estimate in story points"),
    ("team_id", "VARCHAR", "team that worked on it"),
    ("creation_time", "TIMESTAMP", "when the work item was created in Octane (UTC)"),
    ("last_modified", "TIMESTAMP", "when this version was written in Octane (UTC)"),
    ("version_stamp", "BIGINT", "Octane's number of the version; grows with each write"),
)


def keep_versions(
    connection: duckdb.DuckDBPyConnection, lake: Lake, changes: Iterable[TableChange]
) -> None:
    """Bring the table up to date; where it is not there yet, or has other columns, from all."""
    is_new_table = not _has_columns(connection)
    if is_new_table:
        create_versions(connection)
    for change in changes:
        entry = change.entry
        if entry.name not in WORK_ITEMS or (change.is_nothing and not is_new_table):
            continue
        versions = TableChange(entry, entry.files, None) if is_new_table else change
        with reading_files(lake, versions), transaction(connection):
            _apply(connection, lake, versions)


def create_versions(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty table with its comments."""
    columns = ", ".join(f"{name} {kind}" for name, kind, _ in COLUMNS)
    with transaction(connection):
        connection.execute(f"create or replace table {TABLE} ({columns})")
        connection.execute(f"comment on table {TABLE} is {literal(MEANING)}")
        for name, _, meaning in COLUMNS:
            connection.execute(f"comment on column {TABLE}.{name} is {literal(meaning)}")


def _has_columns(connection: duckdb.DuckDBPyConnection) -> bool:
    rows = connection.execute(
        "select column_name, data_type from duckdb_columns() "
        "where schema_name || '.' || table_name = ? order by column_index",
        [TABLE],
    ).fetchall()
    return rows == [(name, kind) for name, kind, _ in COLUMNS]


def _apply(connection: duckdb.DuckDBPyConnection, lake: Lake, change: TableChange) -> None:
    entity = literal(change.entry.name)
    if change.since is None:
        connection.execute(f"delete from {TABLE} where type = {entity}")
    if not change.files:
        return
    source = files_source(lake, change)
    present = {row[0] for row in connection.execute(f"describe select * from {source}").fetchall()}
    values = [
        f"cast(versions.{name} as {kind}) as {name}"
        for name, kind, _ in COLUMNS
        if name in present and name not in ("type", "_deleted")
    ]
    deleted = "coalesce(versions._deleted, false)" if "_deleted" in present else "false"
    connection.execute(
        f"insert into {TABLE} by name select {', '.join(values)}, {entity} as type, "
        f"{deleted} as _deleted from {source} as versions "
        f"where {is_new(change)} "
        "order by versions._workspace_id, versions.id, versions._generation"
    )
