"""`past.changes` and `meta.history_differences`: views over the change history that was read.

A connection whose tables are loaded comes in, two views with comments go out; `warehouse_build`
calls it.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from octane_flows.lake.key_columns import OWN_COLUMNS
from octane_flows.models.sql_text import literal
from octane_flows.warehouse.duckdb_file import transaction
from octane_flows.warehouse.octane_contract import HISTORY_COLUMNS, types_of
from octane_flows.warehouse.phase_versions import TABLE as PHASE_VERSIONS

SOURCE = "octane.history_log"


@dataclass(frozen=True)
class HistoryView:
    """A view: its name, its meaning, and the name, type and meaning of each column."""

    name: str
    meaning: str
    columns: tuple[tuple[str, str, str], ...]
    sql: str


CHANGES = HistoryView(
    "past.changes",
    "Changed fields of entities, as Octane's change history has them; one row a field of a save.",
    (
        ("workspace_id", "VARCHAR", "workspace that the row belongs to"),
        ("entity_type", "VARCHAR", "entity type that was changed"),
        ("entity_id", "VARCHAR", "entity that was changed; it may be gone by now"),
        ("changed_at", "TIMESTAMP", "when it was saved (UTC)"),
        ("user_id", "VARCHAR", "user who saved it, where the server gives the id"),
        ("user_name", "VARCHAR", "login name of that user"),
        ("user_full_name", "VARCHAR", "full name of that user"),
        ("action", "VARCHAR", "create, update or delete"),
        ("field_name", "VARCHAR", "field that was changed; null for a deletion"),
        ("field_label", "VARCHAR", "field as Octane shows it"),
        ("old_value", "VARCHAR", "value before, of a reference the id"),
        ("old_value_text", "VARCHAR", "value before, as Octane shows it"),
        ("new_value", "VARCHAR", "value after, of a reference the id"),
        ("new_value_text", "VARCHAR", "value after, as Octane shows it"),
        ("save_number", "BIGINT", "order of the saves of one entity within a second, from 0"),
    ),
    f"""
    select
        log._workspace_id as workspace_id, log.entity_type, log.entity_id, log.changed_at,
        log.user_id, log.user_name, log.user_full_name, log.action,
        log.field_name, log.field_label, log.old_value, log.old_value_text,
        log.value as new_value, log.value_text as new_value_text, log.save_number
    from {SOURCE} as log
    """,
)

DIFFERENCES = HistoryView(
    "meta.history_differences",
    "Versions of work items that were read with another phase than the change history gives them.",
    (
        ("workspace_id", "VARCHAR", "workspace that the row belongs to"),
        ("entity_type", "VARCHAR", "kind of the work item"),
        ("entity_id", "VARCHAR", "work item"),
        ("modified_at", "TIMESTAMP", "when the version was written in Octane (UTC)"),
        ("read_at", "TIMESTAMP", "when the version was read (UTC)"),
        ("version_phase_id", "VARCHAR", "phase of the version that was read"),
        ("history_phase_id", "VARCHAR", "phase that the history gives for that moment"),
        ("phase_changed_at", "TIMESTAMP", "when the history says that it entered it (UTC)"),
    ),
    f"""
    with phase_changes as (
        select
            log._workspace_id, log.entity_id, log.changed_at, log.value as phase_id,
            lead(log.changed_at) over (
                partition by log._workspace_id, log.entity_id
                order by log.changed_at, log.save_number
            ) as next_changed_at,
        from {SOURCE} as log
        where log.field_name = 'phase'
    )
    select
        version._workspace_id as workspace_id, version.type as entity_type,
        version.id as entity_id, version.last_modified as modified_at,
        version._extracted_at as read_at, version.phase_id as version_phase_id,
        change.phase_id as history_phase_id, change.changed_at as phase_changed_at,
    from {PHASE_VERSIONS} as version
    join phase_changes as change
        on change._workspace_id = version._workspace_id
        and change.entity_id = version.id
        and change.changed_at <= version.last_modified
        and (change.next_changed_at is null or version.last_modified < change.next_changed_at)
    where not version._deleted
        and version.phase_id is not null
        and change.phase_id is distinct from version.phase_id
        -- of several saves of a second, the version may be that of an earlier one
        and not exists (
            select 1
            from {SOURCE} as log
            where log.field_name = 'phase'
                and log._workspace_id = version._workspace_id
                and log.entity_id = version.id
                and log.changed_at = version.last_modified
                and version.phase_id in (log.value, log.old_value)
        )
    """,
)

VIEWS = (CHANGES, DIFFERENCES)


def create_history_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the views; where no history was ever read, over no rows."""
    with transaction(connection):
        if not _has_history(connection):
            columns = {**HISTORY_COLUMNS, **types_of(OWN_COLUMNS)}
            body = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            connection.execute(f"create table {SOURCE} ({body})")
        for view in VIEWS:
            connection.execute(f"create or replace view {view.name} as {view.sql}")
            connection.execute(f"comment on view {view.name} is {literal(view.meaning)}")
            for name, _, meaning in view.columns:
                comment = literal(meaning)
                connection.execute(f"comment on column {view.name}.{name} is {comment}")


def _has_history(connection: duckdb.DuckDBPyConnection) -> bool:
    rows = connection.execute(
        "select 1 from duckdb_tables() where schema_name || '.' || table_name = ?", [SOURCE]
    ).fetchall()
    return bool(rows)
