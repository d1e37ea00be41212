"""Rows that the lake stores already: live ids, newest link sets, values and references.

A manifest's tables in, ids and sets out; the extract compares the server's rows with them. Only the
needed columns are read, and only row groups whose statistics match.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from octane_flows.errors import LakeError
from octane_flows.lake.arrow_arrays import arrow_array, int64_values
from octane_flows.lake.generations import Lake
from octane_flows.lake.integrity import require_whole_files
from octane_flows.lake.manifest import FileEntry, TableEntry
from octane_flows.lake.progress_bar import hide_progress_bar
from octane_flows.lake.valid_values import outdated_links

Ids = npt.NDArray[np.int64]
TARGET_COLUMNS = ("target_id", "target_type")  # of link tables


class StoredRows:
    """The rows of a manifest's files; a context manager, for one thread."""

    def __init__(self, lake: Lake, tables: Mapping[str, TableEntry]) -> None:
        self._lake = lake
        self._tables = tables
        self._by_workspace: dict[str, dict[str, list[FileEntry]]] = {}
        self._connection: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> StoredRows:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def has_rows(self, table: str, workspace: str) -> bool:
        """Whether any file has rows of this table and workspace."""
        return bool(self._files(table, workspace))

    def live_ids(self, table: str, workspace: str) -> list[str]:
        """The ids of rows that are not deleted, in no order."""
        return [row[0] for row in self._query(table, workspace, _LIVE_IDS)]

    def live_numeric_ids(self, table: str, workspace: str) -> Ids:
        """The numeric ids of rows that are not deleted, in ascending order."""
        rows = self._table(table, workspace, f"select cast(id as bigint) as id from ({_LIVE_IDS})")
        if rows is None:
            return np.empty(0, dtype=np.int64)
        return np.sort(int64_values(rows.column("id")))

    def live_ids_among(self, table: str, workspace: str, ids: Collection[str]) -> set[str]:
        """Those of `ids` that are stored and not deleted."""
        if not ids:
            return set()
        requested = pa.table({"id": arrow_array(sorted(ids), pa.string())})
        sql = (
            "select id from (select versions.id, "
            "arg_max(coalesce(versions._deleted, false), versions._generation) as is_deleted "
            "from {source} as versions semi join requested on requested.id = versions.id "
            "group by versions.id) where not is_deleted"
        )
        return {row[0] for row in self._query(table, workspace, sql, requested=requested)}

    def link_sets(
        self, table: str, workspace: str, owners: Collection[str]
    ) -> dict[str, frozenset[tuple[str, str | None]]]:
        """The newest link set of each of `owners` that has one."""
        requested = pa.table({"id": arrow_array(sorted(owners), pa.string())})
        sql = (
            "select source_id, target_id, target_type from {source} as versions "
            "semi join requested on requested.id = versions.source_id "
            "qualify rank() over (partition by source_id order by _generation desc) = 1 "
            "and not coalesce(_deleted, false)"
        )
        pairs: dict[str, set[tuple[str, str | None]]] = {}
        for owner, target, kind in self._query(table, workspace, sql, requested=requested):
            pairs.setdefault(owner, set()).add((target, kind))
        return {owner: frozenset(pairs_of_owner) for owner, pairs_of_owner in pairs.items()}

    def ever_stored_ids(self, table: str, workspace: str, column: str) -> set[str]:
        """The ids in one column of all versions, tombstones included."""
        sql = f"select distinct {column} from {{source}} where {column} is not null"
        return {row[0] for row in self._query(table, workspace, sql)}

    def changed_since(self, table: str, workspace: str, since: datetime) -> set[str]:
        """The ids of rows with a version whose `last_modified` is at or after `since` (UTC)."""
        start = since.replace(tzinfo=None).isoformat()
        sql = (
            "select distinct id from (select cast(null as varchar) as id, "
            "cast(null as timestamp) as last_modified where false union all by name "
            f"select * from {{source}}) where last_modified >= timestamp '{start}'"
        )
        return {row[0] for row in self._query(table, workspace, sql)}

    def deleted_in(self, table: str, workspace: str, generation: int) -> set[str]:
        """The ids of rows with a tombstone of this generation."""
        sql = (
            "select distinct id from {source} "
            f"where coalesce(_deleted, false) and _generation = {generation}"
        )
        return {row[0] for row in self._query(table, workspace, sql)}

    def oldest(self, table: str, workspace: str, column: str) -> datetime | None:
        """The earliest moment (UTC) that any version has in a column of times."""
        sql = (
            f'select min("{column}") from (select cast(null as timestamp) as "{column}" '
            "where false union all by name select * from {source})"
        )
        moment = next((row[0] for row in self._query(table, workspace, sql)), None)
        return moment.replace(tzinfo=UTC) if moment is not None else None

    def deletion_reasons(self, table: str, workspace: str) -> dict[str, str]:
        """Id -> the reason of the deletion, of each row with a tombstone."""
        sql = (
            "select id, _deleted_reason from (select cast(null as varchar) as id, "
            "cast(null as varchar) as _deleted_reason where false union all by name "
            "select * from {source}) where _deleted_reason is not null"
        )
        return dict(self._query(table, workspace, sql))

    def references(
        self,
        table: str,
        workspace: str,
        columns: tuple[str, ...],
        of: Collection[str] | None = None,
    ) -> set[tuple[str, str | None]]:
        """The (id, type) pairs in two columns of all versions.

        `of`: only those of these rows, or of these owners of links. A file without the columns has
        only tombstones, or is older than the field.
        """
        key = "source_id" if columns == TARGET_COLUMNS else "id"
        ids, kinds = ('"' + name.replace('"', '""') + '"' for name in columns)
        of_some = "" if of is None else f"semi join requested on requested.id = versions.{key} "
        sql = (
            f"select distinct {ids}, {kinds} from ("
            f"select cast(null as varchar) as {ids}, cast(null as varchar) as {kinds} where false "
            "union all by name select * from {source}) as versions "
            f"{of_some}where {ids} is not null"
        )
        requested = None if of is None else pa.table({"id": arrow_array(sorted(of), pa.string())})
        return {(row[0], row[1]) for row in self._query(table, workspace, sql, requested=requested)}

    def newest_values(
        self, table: str, workspace: str, ids: Collection[str], column: str
    ) -> dict[str, Any]:
        """The newest value of one column for each of `ids`; null where no file has the column."""
        requested = pa.table({"id": arrow_array(sorted(ids), pa.string())})
        sql = (
            f'select versions.id, arg_max_null(versions."{column}", versions._generation) from '
            f'(select null as "{column}" where false union all by name select * from {{source}}) '
            "as versions semi join requested on requested.id = versions.id "
            "where not coalesce(versions._deleted, false) group by versions.id"
        )
        return dict(self._query(table, workspace, sql, requested=requested))

    def _files(self, table: str, workspace: str) -> list[str]:
        entry = self._tables.get(table)
        if entry is None:
            return []
        if table not in self._by_workspace:
            self._by_workspace[table] = {}
            for file in entry.files:
                self._by_workspace[table].setdefault(file.workspace, []).append(file)
        files = self._by_workspace[table].get(workspace, ())
        return [str(self._lake.resolve(file)) for file in files]

    def _query(
        self, table: str, workspace: str, sql: str, requested: pa.Table | None = None
    ) -> Sequence[tuple[Any, ...]]:
        rows = self._table(table, workspace, sql, requested)
        if rows is None:
            return []
        return list(zip(*(column.to_pylist() for column in rows.columns), strict=True))

    def _table(
        self, table: str, workspace: str, sql: str, requested: pa.Table | None = None
    ) -> pa.Table | None:
        files = self._files(table, workspace)
        if not files:
            return None
        if self._connection is None:
            self._connection = duckdb.connect(
                ":memory:", config={"autoinstall_known_extensions": "false"}
            )
            hide_progress_bar(self._connection)
        names = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        source = f"read_parquet([{names}], union_by_name = true)"
        outdated = outdated_links(self._tables[table])
        if outdated is not None:
            source = f"(select * from {source} where not {outdated})"
        try:
            if requested is not None:
                self._connection.register("requested", requested)
            return self._connection.sql(sql.replace("{source}", source)).to_arrow_table()
        except duckdb.Error as error:
            entity = self._tables[table].entity
            require_whole_files(self._lake, entity, self._by_workspace[table][workspace])
            raise LakeError(
                f"Could not look up the stored rows of {table} ({str(error).splitlines()[0]}); "
                "restore its files from a backup, or read the entity type again: "
                f"octane-flows extract --full {entity}."
            ) from error


_LIVE_IDS = (
    "select id from (select id, arg_max(coalesce(_deleted, false), _generation) as is_deleted "
    "from {source} group by id) where not is_deleted"
)
