"""The generated `octane.*` tables: the current state, in Octane's own names.

Table entries and their Parquet files in, native DuckDB tables with comments out; `warehouse_build`
calls it. Only files that the manifest names are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import duckdb

from octane_flows.errors import LakeError
from octane_flows.lake import Lake, TableEntry
from octane_flows.lake.integrity import require_whole_files
from octane_flows.lake.valid_values import outdated_columns, outdated_links
from octane_flows.models.sql_text import literal, quoted
from octane_flows.warehouse.duckdb_file import first_line, is_machine_full, transaction
from octane_flows.warehouse.incremental.table_changes import TableChange

DOWNLOADS = 8  # files of a bucket at once; a folder has nothing to fetch
SCHEMAS = ("octane", "past", "er", "flow", "metric", "plan", "meta")


def create_schemas(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty schemas of a warehouse."""
    for schema in SCHEMAS:
        connection.execute(f"create schema if not exists {schema}")


def load_tables(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    changes: Iterable[TableChange],
    progress: Callable[[str], None] | None = None,
) -> dict[str, int]:
    """Carry out every change; rows by table name.

    Entity tables go first: a link set whose owner was deleted is dropped with it.
    """
    changes = list(changes)
    for change in changes:
        require_whole_files(lake, change.entry.entity, change.files)
    # threads need not wait for one another: no table has an order, and files are read as they lie
    connection.execute("set preserve_insertion_order = false")
    ordered = sorted(changes, key=lambda change: (change.entry.kind != "entity", change.entry.name))
    deleting: dict[str, TableChange] = {}
    owners = {change.entry.name: change.entry for change in ordered if change.entry.files}
    with transaction(connection):
        for change in ordered:
            if change.since is None:
                connection.execute(f"drop table if exists octane.{quoted(change.entry.name)}")
                create_table(connection, change.entry)
    for change in ordered:
        entry = change.entry
        owner = owners.get(entry.entity) if entry.kind == "link" else None
        lacks_owners = bool(change.files) and _apply(connection, lake, change, owner)
        if entry.kind == "entity" and change.files and _deletes(connection, lake, change):
            deleting[entry.name] = change
        elif owner is not None and lacks_owners:  # their tombstones may be loaded already
            _drop_orphans(connection, lake, entry, TableChange(owner, owner.files, None))
        elif entry.entity in deleting:
            _drop_orphans(connection, lake, entry, deleting[entry.entity])
        if progress and change.files:
            progress(
                f"octane.{entry.name:<40} {count(connection, f'octane.{quoted(entry.name)}'):>10,} "
                "rows"
            )
    connection.execute("set preserve_insertion_order = true")
    comment_tables(connection, (change.entry for change in ordered))
    return _count_all(connection, sorted(change.entry.name for change in ordered))


def _count_all(connection: duckdb.DuckDBPyConnection, tables: list[str]) -> dict[str, int]:
    counts = " union all ".join(  # scalar subqueries of one select would be joined one by one
        f"select {literal(table)}, count(*) from octane.{quoted(table)}" for table in tables
    )
    rows = dict(connection.execute(counts).fetchall()) if tables else {}
    return {table: rows[table] for table in tables}


def create_table(connection: duckdb.DuckDBPyConnection, entry: TableEntry) -> None:
    """Create one empty table."""
    columns = ", ".join(f"{quoted(column.name)} {column.type}" for column in entry.columns)
    connection.execute(f"create table octane.{quoted(entry.name)} ({columns})")


def comment_tables(connection: duckdb.DuckDBPyConnection, entries: Iterable[TableEntry]) -> None:
    """Give tables and columns the server's labels as comments, where they have others."""
    current_comments: dict[tuple[str, str | None], str | None] = {
        (table, column): comment
        for table, column, comment in connection.execute(
            "select table_name, column_name, comment from duckdb_columns() "
            "where schema_name = 'octane' union all select table_name, null, comment "
            "from duckdb_tables() where schema_name = 'octane'"
        ).fetchall()
    }
    with transaction(connection):
        for entry in entries:
            target = f"octane.{quoted(entry.name)}"
            for column, meaning in _meanings(entry):
                if current_comments.get((entry.name, column)) == meaning:
                    continue
                what = f"column {target}.{quoted(column)}" if column else f"table {target}"
                connection.execute(f"comment on {what} is {literal(meaning)}")


def _meanings(entry: TableEntry) -> Iterator[tuple[str | None, str]]:
    """Column (None: the table itself) and what it means."""
    label = entry.label if entry.kind == "entity" else f"{entry.entity}.{entry.field}"
    yield None, label or entry.name
    for column in entry.columns if entry.kind == "entity" else ():
        meaning = column.label or column.field
        if meaning:
            yield column.name, meaning


def _apply(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    change: TableChange,
    owner: TableEntry | None,
) -> bool:
    """Read the files of a change: the newest versions replace what is held of the same key.

    Whether links came to a loaded table that have no row in that of their `owner`.
    """
    entry = change.entry
    target = f"octane.{quoted(entry.name)}"
    source = files_source(lake, change)
    key = "source_id" if entry.kind == "link" else "id"
    with reading_files(lake, change):
        values = _values(connection, source, entry)
        newest = f"select {values} from {_newest(connection, source, change)}"
        if change.since is None:
            connection.execute(
                f"insert into {target} by name select * from ({newest}) as versions "
                "where not coalesce(versions._deleted, false)"
            )
            return False
        connection.execute(f"create or replace temp table changed as {newest}")
        connection.execute(
            f"delete from {target} as loaded using changed "
            "where loaded._workspace_id = changed._workspace_id "
            f"and loaded.{key} = changed.{key}"
        )
        connection.execute(
            f"insert into {target} by name select * from changed "
            "where not coalesce(changed._deleted, false)"
        )
        lacks_owners = owner is not None and _lacks_owners(connection, owner)
        connection.execute("drop table changed")
    return lacks_owners


def _lacks_owners(connection: duckdb.DuckDBPyConnection, owner: TableEntry) -> bool:
    without_owner = (
        f"select 1 from changed anti join octane.{quoted(owner.name)} as owners "
        "on owners._workspace_id = changed._workspace_id and owners.id = changed.source_id limit 1"
    )
    return bool(connection.execute(without_owner).fetchall())


def _deletes(connection: duckdb.DuckDBPyConnection, lake: Lake, change: TableChange) -> bool:
    with reading_files(lake, change):
        return bool(connection.execute(f"{deleted_ids(lake, change)} limit 1").fetchall())


def deleted_ids(lake: Lake, change: TableChange) -> str:
    """The select of the rows of a change that are tombstones: workspace and id."""
    return (
        f"select distinct versions._workspace_id, versions.id "
        f"from {files_source(lake, change)} as versions "
        f"where versions._deleted and {is_new(change)}"
    )


def _drop_orphans(
    connection: duckdb.DuckDBPyConnection, lake: Lake, entry: TableEntry, owners: TableChange
) -> None:
    """Delete the links of entities that a change deleted and that did not come back."""
    with reading_files(lake, owners):
        connection.execute(
            f"delete from octane.{quoted(entry.name)} as links "
            f"using ({deleted_ids(lake, owners)}) as deleted "
            "where links._workspace_id = deleted._workspace_id and links.source_id = deleted.id "
            f"and not exists (select 1 from octane.{quoted(entry.entity)} as owners "
            "where owners._workspace_id = deleted._workspace_id and owners.id = deleted.id)"
        )


@contextmanager
def reading_files(lake: Lake, change: TableChange) -> Iterator[None]:
    """Turn DuckDB's errors into a `LakeError` that names the file, or the table, that is read.

    Lack of memory or disk space is no fault of the files: that error gets a note and passes.
    """
    table, entity = change.entry.name, change.entry.entity
    try:
        yield
    except duckdb.Error as error:
        if is_machine_full(error):
            error.add_note(f"the load of octane.{table}")
            raise
        require_whole_files(lake, entity, change.files)
        raise LakeError(
            f"Could not load {table} from {len(change.files)} lake files ({first_line(error)}); "
            "octane-flows check says which is damaged; restore it from a backup, or read the "
            f"entity type again: octane-flows extract --full {entity}."
        ) from error


def files_source(lake: Lake, change: TableChange) -> str:
    """The files of a change as a table function call; a missing one is named."""
    with ThreadPoolExecutor(DOWNLOADS) as pool:
        paths = list(pool.map(lake.resolve, change.files))
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise LakeError(
            f"The lake's file {missing[0]} is named by the manifest but is not there; restore it "
            f"from a backup, or read it again: octane-flows extract --full {change.entry.entity}."
        )
    files = "[" + ", ".join(literal(str(path)) for path in paths) + "]"
    return _valid_values(f"read_parquet({files}, union_by_name = true)", change.entry)


def _valid_values(source: str, entry: TableEntry) -> str:
    """The rows of the files without values that do not count any more."""
    outdated = outdated_links(entry)
    if outdated is not None:
        return f"(select * from {source} where not {outdated})"
    columns = dict(outdated_columns(entry))
    if not columns:
        return source
    types = {column.name: column.type for column in entry.columns}
    # a file may lack the column: the rows of an empty select give it to all
    empty = ", ".join(f"cast(null as {types[name]}) as {quoted(name)}" for name in columns)
    replaced = ", ".join(
        f"case when {condition} then null else {quoted(name)} end as {quoted(name)}"
        for name, condition in columns.items()
    )
    return (
        f"(select * replace ({replaced}) from "
        f"(select {empty} where false union all by name select * from {source}))"
    )


def _values(connection: duckdb.DuckDBPyConnection, source: str, entry: TableEntry) -> str:
    """The select list that casts the files' columns to those of the table."""
    present = {row[0] for row in connection.execute(f"describe select * from {source}").fetchall()}
    return ", ".join(
        f"cast(versions.{quoted(column.name)} as {column.type}) as {quoted(column.name)}"
        for column in entry.columns
        if column.name in present
    )


def _newest(connection: duckdb.DuckDBPyConnection, source: str, change: TableChange) -> str:
    """The from clause that keeps the newest version of a row, or of an owner's link set.

    Few ids have come again since a workspace was first read: these alone are ranked.
    """
    where = is_new(change)
    generations = connection.execute(
        f"select count(distinct versions._generation) from {source} as versions where {where}"
    ).fetchall()[0][0]
    if generations <= 1:  # one generation holds each id once: nothing to choose from
        return f"{source} as versions where {where}"
    # a set is replaced whole: all rows of the newest one stay
    owner = "source_id" if change.entry.kind == "link" else "id"
    version = "row(versions._generation, versions._extracted_at)"
    return (
        f"(with read as (select versions._workspace_id, versions._generation, "
        f"versions._extracted_at, versions.{owner} from {source} as versions where {where}), "
        "first as (select read._workspace_id, min(read._generation) as generation from read "
        "group by read._workspace_id), "
        f"again as (select versions._workspace_id, versions.{owner}, max({version}) as newest "
        "from read as versions join first on first._workspace_id = versions._workspace_id "
        "and first.generation < versions._generation "
        f"group by versions._workspace_id, versions.{owner}) "
        f"select versions.* from {source} as versions "
        f"left join again on again._workspace_id = versions._workspace_id "
        f"and again.{owner} = versions.{owner} "
        f"where {where} and (again.newest is null or again.newest = {version})) as versions"
    )


def is_new(change: TableChange) -> str:
    """The condition on `versions`, rows of the files, that one is not loaded yet."""
    if not change.since:
        return "true"
    loaded = ", ".join(
        f"({literal(workspace)}, {stamp})" for workspace, stamp in sorted(change.since.items())
    )
    return (
        f"not exists (select 1 from (values {loaded}) as loaded (workspace_id, stamp) "
        "where loaded.workspace_id = versions._workspace_id "
        "and versions._generation <= loaded.stamp)"
    )


def count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Rows of a table, view or macro call; the result is read to its end."""
    return int(connection.execute(f"select count(*) from {relation}").fetchall()[0][0])
