"""Every version ever read of an entity, with the time during which it was the newest.

A connection, the lake and names in; views `octane_history.<table>` over the lake's files out. They
live in memory beside the opened warehouse, because files of the lake may be let go of later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa

from octane_flows.disk_remedies import is_refused
from octane_flows.errors import LakeError, UsageError
from octane_flows.lake import Lake, Manifest, TableEntry
from octane_flows.lake.integrity import require_whole_files
from octane_flows.lake.key_columns import OWN_COLUMN_NAMES
from octane_flows.models.sql_text import literal, quoted
from octane_flows.warehouse.duckdb_file import CONFIG, first_line, warehouse_path
from octane_flows.warehouse.workspace_choice import choice_in, choice_of, of_workspaces

SCHEMA = "octane_history"
_NAMED = re.compile(rf'\b{SCHEMA}\s*\.\s*"?(\w+)', re.IGNORECASE)


def attach_history(
    connection: duckdb.DuckDBPyConnection, lake: Lake, tables: Iterable[str] | None = None
) -> list[str]:
    """Let a connection read `octane_history.<table>`; None: every table of the lake.

    Gives the paths of the files that it then reads. Raises LakeError, UsageError.

    Columns: `_workspace_id`, `valid_from`, `valid_to` (null: still so), `is_deleted`, then those of
    `octane.<table>`. Times are the server's when the extract began that first read the version.
    """
    manifest = of_workspaces(_current(lake), choice_of(connection))
    connection.execute(f"attach if not exists ':memory:' as {SCHEMA} (read_write)")
    paths: list[str] = []
    for name in sorted(manifest.tables) if tables is None else tables:
        entry = _table(manifest, name)
        view = f"create or replace view {SCHEMA}.{quoted(name)} as {history_sql(lake, entry)}"
        try:
            connection.execute(view)
        except duckdb.Error as error:
            require_whole_files(lake, entry.entity, entry.files)
            raise damaged_history(error) from error
        paths += [str(lake.resolve(file)) for file in entry.files]
    return paths


def damaged_history(error: Exception) -> LakeError:
    """The sentence for files of the lake that a history needs and that cannot be read."""
    rights = "correct the rights of that file, " if is_refused(error) else ""
    return LakeError(
        f"The lake's files could not be read ({first_line(error)}); {rights}restore those that "
        "are damaged or gone from a backup, or read the current rows in octane.* instead of "
        "octane_history.*."
    )


def history_named_in(sql: str) -> list[str]:
    """Tables that a query reads the history of."""
    return sorted(set(_NAMED.findall(sql)))


def history(
    home: Path, entity: str, id: str | None = None, *, lake: Lake | None = None
) -> pa.Table:
    """The versions of an entity type, or of one entity, oldest first. Raises UsageError.

    They are of the workspaces that the warehouse was built for; before it is built, of all.
    """
    lake = lake or Lake(home / "lake")
    entry = _table(of_workspaces(_current(lake), choice_in(warehouse_path(home))), entity)
    key = "source_id" if entry.kind == "link" else "id"
    with duckdb.connect(":memory:", config=CONFIG) as connection:
        connection.execute("set timezone = 'UTC'")
        where = f"where {key} = $id" if id is not None else ""
        try:
            answer: pa.Table = connection.sql(
                f"select * from ({history_sql(lake, entry)}) {where} "
                f"order by _workspace_id, {key}, valid_from",
                params={"id": id} if id is not None else None,
            ).to_arrow_table()
        except duckdb.Error as error:
            require_whole_files(lake, entry.entity, entry.files)
            raise LakeError(
                f"Could not read the history of {entity} ({first_line(error)}); restore the lake's "
                "files from a backup if one of them is gone."
            ) from error
    if id is not None and not answer.num_rows:
        raise UsageError(f"The lake holds no version of {entity} {id}; check the id.")
    return answer


def history_sql(lake: Lake, entry: TableEntry) -> str:
    """The select that any DuckDB client can run while the files are kept."""
    names = [column.name for column in entry.columns if column.name not in OWN_COLUMN_NAMES]
    columns = ", ".join(f"versions.{quoted(name)}" for name in names)
    if not entry.files:
        empty = ", ".join(
            f"cast(null as {column.type}) as {quoted(column.name)}"
            for column in entry.columns
            if column.name not in OWN_COLUMN_NAMES
        )
        return (
            "select cast(null as varchar) as _workspace_id, cast(null as timestamp) as valid_from, "
            "cast(null as timestamp) as valid_to, cast(null as boolean) as is_deleted, "
            f"{empty} where false"
        )
    files = ", ".join(literal(str(lake.resolve(file))) for file in entry.files)
    source = f"read_parquet([{files}], union_by_name = true)"
    return _sets_sql(source, columns) if entry.kind == "link" else _rows_sql(source, columns, names)


def _rows_sql(source: str, columns: str, names: list[str]) -> str:
    """Versions of rows; one that says the same as the one before is no version."""
    content = ", ".join(quoted(name) for name in names)
    order = "partition by _workspace_id, id order by _generation, _extracted_at"
    return (
        "with versions as (select *, row("
        f"{content}, coalesce(_deleted, false)) as _content from {source}), "
        "changed as (select * from versions "
        f"qualify _content is distinct from lag(_content) over ({order})) "
        "select versions._workspace_id, versions._extracted_at as valid_from, "
        f"lead(versions._extracted_at) over ({order}) as valid_to, "
        f"coalesce(versions._deleted, false) as is_deleted, {columns} from changed as versions"
    )


def _sets_sql(source: str, columns: str) -> str:
    """Links of each set of an owner, while it was the newest; an empty set has one row."""
    return (
        f"with versions as (select * from {source}), "
        "sets as (select _workspace_id, source_id, _generation, _extracted_at, "
        "lead(_extracted_at) over (partition by _workspace_id, source_id "
        "order by _generation, _extracted_at) as valid_to from "
        "(select distinct _workspace_id, source_id, _generation, _extracted_at from versions)) "
        "select versions._workspace_id, versions._extracted_at as valid_from, sets.valid_to, "
        f"coalesce(versions._deleted, false) as is_deleted, {columns} from versions "
        "join sets using (_workspace_id, source_id, _generation, _extracted_at)"
    )


def _current(lake: Lake) -> Manifest:
    manifest = lake.current()
    if manifest is None:
        raise UsageError(
            f"There is no history in {lake.storage.describe()}; run 'octane-flows extract' first."
        )
    return manifest


def _table(manifest: Manifest, name: str) -> TableEntry:
    entry = manifest.tables.get(name)
    if entry is None:
        near = [table for table in sorted(manifest.tables) if name.strip("s") in table][:5]
        raise UsageError(
            f"The lake has no entity type or link table {name}"
            + (f"; there are {', '.join(near)}." if near else ".")
        )
    return entry
