"""The generated `octane.*` tables: the current state, in Octane's own names.

Table entries and their Parquet files in, native DuckDB tables with comments out; `build` calls it.
Only files that the manifest names are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import duckdb

from octane_flows.errors import LakeError
from octane_flows.lake import Lake, TableEntry
from octane_flows.warehouse.connect import first_line

SCHEMAS = ("octane", "er", "flow", "metric", "meta")
# columns that the lake adds to every table, with the meaning that goes into the catalogue
OWN_COLUMNS = {
    "_workspace_id": "workspace that the row was read through",
    "_generation": "generation of the extract that read the row",
    "_extracted_at": "when the row was read (UTC)",
    "_deleted": "always false here: rows known to be deleted stay in the lake",
}


def create_schemas(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty schemas of a warehouse."""
    for schema in SCHEMAS:
        connection.execute(f"create schema if not exists {schema}")


def load_tables(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    tables: Iterable[TableEntry],
    progress: Callable[[str], None] | None = None,
) -> dict[str, int]:
    """Create and fill every table; rows by table name."""
    rows: dict[str, int] = {}
    connection.execute("set preserve_insertion_order = true")
    for entry in tables:
        name = entry.name
        create_table(connection, entry)
        if entry.files:
            rows[name] = _fill(connection, lake, entry)
            if progress and rows[name]:
                progress(f"octane.{name:<40} {rows[name]:>10,} rows")
        else:
            rows[name] = 0
    return rows


def create_table(connection: duckdb.DuckDBPyConnection, entry: TableEntry) -> None:
    """Create one empty table; labels and fields of the server become comments."""
    columns = ", ".join(f"{quoted(column.name)} {column.type}" for column in entry.columns)
    target = f"octane.{quoted(entry.name)}"
    statements = [f"create table {target} ({columns})"]
    label = entry.label if entry.kind == "entity" else f"{entry.entity}.{entry.field}"
    statements.append(f"comment on table {target} is {literal(label or entry.name)}")
    for column in entry.columns if entry.kind == "entity" else ():
        meaning = OWN_COLUMNS.get(column.name) or column.label or column.field
        if meaning:
            statements.append(
                f"comment on column {target}.{quoted(column.name)} is {literal(meaning)}"
            )
    connection.execute("begin")
    for statement in statements:
        connection.execute(statement)
    connection.execute("commit")


def _fill(connection: duckdb.DuckDBPyConnection, lake: Lake, entry: TableEntry) -> int:
    paths = [str(lake.resolve(file)) for file in entry.files]
    missing = [str(path) for path in map(lake.resolve, entry.files) if not path.is_file()]
    if missing:
        raise LakeError(
            f"The lake's file {missing[0]} is named by the manifest but is not there; restore it "
            "from a backup or run 'octane-flows extract --full'."
        )
    files = "[" + ", ".join(literal(path) for path in paths) + "]"
    source = f"read_parquet({files}, union_by_name = true)"
    try:
        described = connection.execute(f"describe select * from {source}").fetchall()
        present = {row[0] for row in described}
        values = ", ".join(
            f"cast(versions.{quoted(column.name)} as {column.type}) as {quoted(column.name)}"
            for column in entry.columns
            if column.name in present
        )
        sql = f"insert into octane.{quoted(entry.name)} by name select {values} " + (
            _newest(connection, source, entry)
        )
        connection.execute(sql)
    except duckdb.Error as error:
        raise LakeError(
            f"Could not load {entry.name} from {len(paths)} lake files ({first_line(error)}); "
            "check free disk space, or run 'octane-flows extract --full' if a file is damaged."
        ) from error
    return count(connection, f"octane.{quoted(entry.name)}")


def count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Rows of a table, view or macro call; the result is read to its end."""
    return int(connection.execute(f"select count(*) from {relation}").fetchall()[0][0])


def _newest(connection: duckdb.DuckDBPyConnection, source: str, entry: TableEntry) -> str:
    """The from clause that keeps the newest version of a row, or of an owner's link set."""
    generations = connection.execute(
        f"select count(distinct versions._generation) from {source} as versions"
    ).fetchall()[0][0]
    alive = "not coalesce(versions._deleted, false)"
    if generations <= 1:  # one generation holds each id once: nothing to choose from
        return f"from {source} as versions where {alive}"
    if entry.kind == "link":  # a link set is replaced whole: all rows of the newest set stay
        owner, order, ranking = "source_id", "versions._generation desc", "rank()"
    else:
        owner, ranking = "id", "row_number()"
        order = "versions._generation desc, versions._extracted_at desc"
    window = f"partition by versions._workspace_id, versions.{owner} order by {order}"
    return (
        f"from (select versions.* from {source} as versions "
        f"qualify {ranking} over ({window}) = 1) as versions where {alive}"
    )


def quoted(name: str) -> str:
    """A name as a quoted SQL identifier; user-defined fields may hold any character."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"
