"""A past warehouse at any moment: the change history gives work items the values of then.

A warehouse that is loaded from a generation, the newest manifest and a moment in; `warehouse_as_of`
calls it before the models are made. Phase, owner, sprint, release and severity become those of the
moment, items that came later or were gone are left out, those that came since the generation are
added. Everything else is as the generation has it, and findings say so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from octane_flows.lake import Lake, Manifest
from octane_flows.lake.manifest import HISTORY_PREFIX
from octane_flows.models.sql_text import literal, quoted
from octane_flows.warehouse.duckdb_file import CONFIG, transaction
from octane_flows.warehouse.incremental.table_changes import plan_rebuild
from octane_flows.warehouse.phase_versions import TABLE as VERSIONS
from octane_flows.warehouse.phase_versions import WORK_ITEMS
from octane_flows.warehouse.table_loading import create_schemas, load_tables

FIELDS = ("phase", "owner", "sprint", "release", "severity")
#: Times that Octane itself notes; one after the moment was not known then.
LATER_TIMES = ("closed_on", "fixed_on")
HISTORY = "history_log"
#: How a sentence on such a warehouse begins, among the findings.
BEGINNING = "as of "


@dataclass(frozen=True)
class Coverage:
    """Where the change history covers a moment: pairs of workspace and entity type."""

    moment: datetime
    covered: tuple[tuple[str, str], ...]
    begins: tuple[tuple[str, str, datetime], ...]  # those that it does not, and where it begins

    def sentences(self, base: Manifest) -> list[str]:
        """What is of the moment and what is not, for a reader."""
        as_of = f"{BEGINNING}{self.moment:%Y-%m-%d %H:%M:%S} UTC"
        rest = f"generation {base.generation} of {base.as_of:%Y-%m-%d %H:%M:%S}"
        said = []
        if self.covered:
            types = ", ".join(sorted({entity for _, entity in self.covered}))
            said.append(
                f"{as_of}: {', '.join(FIELDS[:-1])} and {FIELDS[-1]} of {types} are those of this "
                f"moment, by the change history; everything else is as {rest} has it"
            )
        said += [
            f"{as_of}: the change history of {entity} in workspace {workspace} is complete only "
            f"from {begin:%Y-%m-%d %H:%M:%S} on, so all of its values are as {rest} has them"
            for workspace, entity, begin in self.begins
        ]
        return said


def coverage(newest: Manifest | None, moment: datetime) -> Coverage:
    """Of which work items the history that was read covers a moment, by the certificate."""
    rows = [
        (row.workspace, row.entity.removeprefix(HISTORY_PREFIX), row.complete_from, row.cursor)
        for row in (newest.certificate if newest is not None else ())
        if row.entity.startswith(HISTORY_PREFIX) and row.complete_from is not None
    ]
    items = [row for row in rows if row[1] in WORK_ITEMS]
    covered = tuple(
        (workspace, entity)
        for workspace, entity, begin, cursor in items
        if begin is not None and begin <= moment and cursor is not None and moment <= cursor
    )
    begins = tuple(
        (workspace, entity, begin)
        for workspace, entity, begin, _ in items
        if begin is not None and moment < begin
    )
    return Coverage(moment, covered, begins)


def rewind(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    covered_history: Coverage,
    *,
    base: Manifest,
    following: Manifest | None,
    newest: Manifest,
) -> None:
    """Set a loaded warehouse to the moment; `following` has items that came after `base`."""
    moment = covered_history.moment.astimezone(UTC).replace(tzinfo=None)
    load_tables(connection, lake, plan_rebuild([newest.tables[HISTORY]]))
    connection.execute(
        f"create or replace temp table all_changes as select * from octane.{HISTORY}"
    )
    connection.execute("create or replace temp table covered (workspace varchar, entity varchar)")
    connection.executemany(
        "insert into covered values (?, ?)", [list(it) for it in covered_history.covered]
    )
    _find_values(connection, moment)
    types = [name for name in WORK_ITEMS if f"{name}" in base.tables]
    types = [name for name in types if name in {entity for _, entity in covered_history.covered}]
    added = _rows_of(lake, following, types) if following is not None else None
    with transaction(connection):
        connection.execute(f"delete from octane.{HISTORY} where changed_at > $1", [moment])
        for entity in types:
            _set_items(connection, entity, moment, added)
        _set_versions(connection, types, moment)
        connection.execute("update meta.generation set as_of = $1", [moment])
        for sentence in covered_history.sentences(base):
            connection.execute("insert into meta.findings values ($1)", [sentence])
    if added is not None:
        added.close()
    for table in ("all_changes", "covered", "past_values"):
        connection.execute(f"drop table {table}")


def _find_values(connection: duckdb.DuckDBPyConnection, moment: datetime) -> None:
    """The value of each field that ever changed: after its last change, or before its first."""
    names = ", ".join(literal(field) for field in FIELDS)
    connection.execute(
        f"""
        create or replace temp table past_values as
        with changes as (
            select *, changed_at <= $1 as is_past from all_changes
            where field_name in ({names})
                and (_workspace_id, entity_type) in (select (workspace, entity) from covered)
        ),
        chosen as (
            select *, row_number() over (
                partition by _workspace_id, entity_type, entity_id, field_name
                order by is_past desc,
                    case when is_past then changed_at end desc nulls last,
                    case when is_past then save_number end desc nulls last,
                    changed_at, save_number, id
            ) as place
            from changes
        )
        select _workspace_id, entity_type, entity_id, field_name,
            case when is_past then value else old_value end as value
        from chosen where place = 1
        """,
        [moment],
    )


def _rows_of(lake: Lake, manifest: Manifest, types: Iterable[str]) -> duckdb.DuckDBPyConnection:
    """The items and links of another generation, in memory."""
    loaded = duckdb.connect(":memory:", config=CONFIG)
    loaded.execute("set timezone = 'UTC'")
    create_schemas(loaded)
    entries = [entry for entry in manifest.tables.values() if entry.entity in set(types)]
    load_tables(loaded, lake, plan_rebuild(entries))
    return loaded


def _set_items(
    connection: duckdb.DuckDBPyConnection,
    entity: str,
    moment: datetime,
    added: duckdb.DuckDBPyConnection | None,
) -> None:
    table = f"octane.{quoted(entity)}"
    chosen = f"in (select workspace from covered where entity = {literal(entity)})"
    where = f"_workspace_id {chosen}"
    connection.execute(f"delete from {table} where {where} and creation_time > $1", [moment])
    if added is not None:
        _add_items(connection, entity, where, moment, added)
    connection.execute(
        f"delete from {table} as items using all_changes as changes "
        f"where items._workspace_id {chosen} "
        "and changes.action = 'delete' and changes.changed_at <= $1 "
        f"and changes.entity_type = {literal(entity)} and changes.entity_id = items.id "
        "and changes._workspace_id = items._workspace_id",
        [moment],
    )
    for link in _link_tables(connection, entity):
        connection.execute(
            f"delete from octane.{quoted(link)} as links where {where} and not exists (select 1 "
            f"from {table} as items where items.id = links.source_id "
            "and items._workspace_id = links._workspace_id)"
        )
    columns = _columns(connection, entity)
    for field in FIELDS:
        if f"{field}_id" not in columns:
            continue
        kind = f"{field}_type"
        also = ""
        if kind in columns:
            also = (
                f", {kind} = case when past.value is not null then coalesce(items.{kind}, "
                f"(select any_value({kind}) from {table})) end"
            )
        connection.execute(
            f"update {table} as items set {field}_id = past.value{also} from past_values as past "
            f"where past.entity_type = {literal(entity)} and past.field_name = {literal(field)} "
            "and past.entity_id = items.id and past._workspace_id = items._workspace_id"
        )
    for time in LATER_TIMES:
        if time in columns:
            connection.execute(
                f"update {table} set {time} = null where {where} and {time} > $1", [moment]
            )


def _add_items(
    connection: duckdb.DuckDBPyConnection,
    entity: str,
    where: str,
    moment: datetime,
    added: duckdb.DuckDBPyConnection,
) -> None:
    """Add items that came after the generation and before the moment, with their links."""
    new: pa.Table = added.sql(
        f"select * from octane.{quoted(entity)} where creation_time <= $moment",
        params={"moment": moment},
    ).to_arrow_table()
    names = ", ".join(
        quoted(name) for name in _columns(connection, entity) if name in new.schema.names
    )
    connection.register("new_items", new)
    table = f"octane.{quoted(entity)}"
    connection.execute(
        f"create or replace temp table added_items as select {names} from new_items "
        f"where {where} and (_workspace_id, id) not in (select (_workspace_id, id) from {table})"
    )
    connection.unregister("new_items")
    connection.execute(f"insert into {table} by name select * from added_items")
    added_tables = {
        row[0] for row in added.execute("select table_name from duckdb_tables()").fetchall()
    }
    for link in _link_tables(connection, entity):
        if link not in added_tables:
            continue
        connection.register("new_links", added.table(f"octane.{quoted(link)}").to_arrow_table())
        connection.execute(
            f"insert into octane.{quoted(link)} by name select links.* from new_links as links "
            "join added_items as items on items.id = links.source_id "
            "and items._workspace_id = links._workspace_id"
        )
        connection.unregister("new_links")
    connection.execute("drop table added_items")


def _set_versions(
    connection: duckdb.DuckDBPyConnection, types: Iterable[str], moment: datetime
) -> None:
    """Versions that were written after the moment say what the items were at the moment."""
    for entity in types:
        columns = _columns(connection, entity)
        values = ", ".join(
            f"{field}_id = items.{field}_id" for field in FIELDS if f"{field}_id" in columns
        )
        connection.execute(
            f"update {VERSIONS} as versions set last_modified = $1, {values} "
            f"from octane.{quoted(entity)} as items where versions.type = {literal(entity)} "
            "and versions.last_modified > $1 and items.id = versions.id "
            "and items._workspace_id = versions._workspace_id and not versions._deleted",
            [moment],
        )
        connection.execute(
            f"delete from {VERSIONS} as versions where versions.type = {literal(entity)} "
            "and versions.creation_time > $1 and versions._workspace_id in "
            f"(select workspace from covered where entity = {literal(entity)})",
            [moment],
        )


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    rows = connection.execute(
        "select column_name from duckdb_columns() where schema_name = 'octane' "
        "and table_name = $1 order by column_index",
        [table],
    ).fetchall()
    return [row[0] for row in rows]


def _link_tables(connection: duckdb.DuckDBPyConnection, entity: str) -> list[str]:
    rows = connection.execute(
        "select table_name from duckdb_tables() where schema_name = 'octane' "
        "and starts_with(table_name, $1) order by table_name",
        [f"{entity}__"],
    ).fetchall()
    return [row[0] for row in rows]
