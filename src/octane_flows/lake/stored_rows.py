"""What the lake holds of one table: ids that are alive, newest link sets.

Manifest tables in, ids and sets out; the census and the link sweep ask. Only id columns and link
tables are read, and only row groups whose statistics match.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, cast

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from octane_flows.errors import LakeError
from octane_flows.lake.generations import Lake
from octane_flows.lake.manifest import TableEntry

Ids = npt.NDArray[np.int64]
LINK_PREFIX = "target"  # of the columns of link tables


class StoredRows:
    """The rows that a published manifest holds; a context manager, for one thread."""

    def __init__(self, lake: Lake, tables: Mapping[str, TableEntry]) -> None:
        self._lake = lake
        self._tables = tables
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
        """Whether any file holds rows of this table and workspace."""
        return bool(self._files(table, workspace))

    def ids(self, table: str, workspace: str) -> list[str]:
        """Ids that are alive, in no order."""
        return [row[0] for row in self._query(table, workspace, _ALIVE)]

    def numbers(self, table: str, workspace: str) -> Ids:
        """Numeric ids that are alive, in rising order."""
        rows = self._table(table, workspace, f"select cast(id as bigint) as id from ({_ALIVE})")
        if rows is None:
            return np.empty(0, dtype=np.int64)
        return cast("Ids", np.sort(rows.column("id").to_numpy()))

    def present(self, table: str, workspace: str, ids: Collection[str]) -> set[str]:
        """Those of some ids that are held and alive."""
        if not ids:
            return set()
        asked = pa.table({"id": pa.array(sorted(ids), pa.string())})
        sql = (
            "select id from (select versions.id, "
            "arg_max(coalesce(versions._deleted, false), versions._generation) as gone "
            "from {source} as versions semi join asked on asked.id = versions.id "
            "group by versions.id) where not gone"
        )
        return {row[0] for row in self._query(table, workspace, sql, asked=asked)}

    def link_sets(
        self, table: str, workspace: str, owners: Collection[str]
    ) -> dict[str, frozenset[tuple[str, str | None]]]:
        """The newest set of each of some owners that has one."""
        asked = pa.table({"id": pa.array(sorted(owners), pa.string())})
        sql = (
            "select source_id, target_id, target_type from {source} as versions "
            "semi join asked on asked.id = versions.source_id "
            "qualify rank() over (partition by source_id order by _generation desc) = 1 "
            "and not coalesce(_deleted, false)"
        )
        pairs: dict[str, set[tuple[str, str | None]]] = {}
        for owner, target, kind in self._query(table, workspace, sql, asked=asked):
            pairs.setdefault(owner, set()).add((target, kind))
        return {owner: frozenset(found) for owner, found in pairs.items()}

    def keys(self, table: str, workspace: str, column: str) -> set[str]:
        """The ids in one column of any version, tombstones included."""
        sql = f"select distinct {column} from {{source}} where {column} is not null"
        return {row[0] for row in self._query(table, workspace, sql)}

    def changed_since(self, table: str, workspace: str, since: datetime) -> set[str]:
        """Ids of rows with a version whose `last_modified` is not before a time in UTC."""
        moment = since.replace(tzinfo=None).isoformat()
        sql = (
            "select distinct id from (select cast(null as varchar) as id, "
            "cast(null as timestamp) as last_modified where false union all by name "
            f"select * from {{source}}) where last_modified >= timestamp '{moment}'"
        )
        return {row[0] for row in self._query(table, workspace, sql)}

    def reasons(self, table: str, workspace: str) -> dict[str, str]:
        """Why each row with a tombstone is gone, by id."""
        sql = (
            "select id, _deleted_reason from (select cast(null as varchar) as id, "
            "cast(null as varchar) as _deleted_reason where false union all by name "
            "select * from {source}) where _deleted_reason is not null"
        )
        return dict(self._query(table, workspace, sql))

    def references(
        self, table: str, workspace: str, prefix: str, of: Collection[str] | None = None
    ) -> set[tuple[str, str | None]]:
        """What the columns `<prefix>_id` and `<prefix>_type` refer to, (id, type), in any version.

        `of`: those of some rows, or owners of links, alone. A file that lacks the columns holds
        tombstones, or is older than the field.
        """
        key = "source_id" if prefix == LINK_PREFIX else "id"
        ids, kinds = f'"{prefix}_id"', f'"{prefix}_type"'
        of_some = "" if of is None else f"semi join asked on asked.id = versions.{key} "
        sql = (
            f"select distinct {ids}, {kinds} from ("
            f"select cast(null as varchar) as {ids}, cast(null as varchar) as {kinds} where false "
            "union all by name select * from {source}) as versions "
            f"{of_some}where {ids} is not null"
        )
        asked = None if of is None else pa.table({"id": pa.array(sorted(of), pa.string())})
        return {(row[0], row[1]) for row in self._query(table, workspace, sql, asked=asked)}

    def values(
        self, table: str, workspace: str, ids: Collection[str], column: str
    ) -> dict[str, Any]:
        """The newest value of one column for some ids."""
        asked = pa.table({"id": pa.array(sorted(ids), pa.string())})
        sql = (
            f'select versions.id, arg_max_null(versions."{column}", versions._generation) '
            "from {source} as versions semi join asked on asked.id = versions.id "
            "where not coalesce(versions._deleted, false) group by versions.id"
        )
        return dict(self._query(table, workspace, sql, asked=asked))

    def _files(self, table: str, workspace: str) -> list[str]:
        entry = self._tables.get(table)
        if entry is None:
            return []
        return [str(self._lake.resolve(one)) for one in entry.files if one.workspace == workspace]

    def _query(
        self, table: str, workspace: str, sql: str, asked: pa.Table | None = None
    ) -> Sequence[tuple[Any, ...]]:
        found = self._table(table, workspace, sql, asked)
        if found is None:
            return []
        return list(zip(*(column.to_pylist() for column in found.columns), strict=True))

    def _table(
        self, table: str, workspace: str, sql: str, asked: pa.Table | None = None
    ) -> pa.Table | None:
        files = self._files(table, workspace)
        if not files:
            return None
        if self._connection is None:
            self._connection = duckdb.connect(
                ":memory:", config={"autoinstall_known_extensions": "false"}
            )
        names = ", ".join("'" + one.replace("'", "''") + "'" for one in files)
        source = f"read_parquet([{names}], union_by_name = true)"
        try:
            if asked is not None:
                self._connection.register("asked", asked)
            return self._connection.sql(sql.format(source=source)).to_arrow_table()
        except duckdb.Error as error:
            raise LakeError(
                f"Could not look up what the lake holds of {table} ({str(error).splitlines()[0]}); "
                "restore its files from a backup, or run 'octane-flows extract --full'."
            ) from error


_ALIVE = (
    "select id from (select id, arg_max(coalesce(_deleted, false), _generation) as gone "
    "from {source} group by id) where not gone"
)
