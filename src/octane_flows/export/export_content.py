"""The content of an export: tables with columns and comments, their rows, and what changed.

The published warehouse and its lake in, Arrow batches out; `run_export` and the targets call it.
Rows come from the warehouse, whose blocking checks passed; the lake's files say which keys changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from octane_flows.errors import LakeError
from octane_flows.lake import FileEntry, Lake, Manifest, TableEntry
from octane_flows.models.sql_text import literal, quoted
from octane_flows.warehouse.incremental.table_changes import Loaded, TableChange, plan_changes
from octane_flows.warehouse.table_loading import count, is_new
from octane_flows.warehouse.workspace_choice import Choice, of_workspaces

BATCH_ROWS = 100_000
MERGED_KEYS = 200_000  # more changed at once cost less, and bounded memory, as a whole table
HISTORY = "_history"
# With its zone, no engine takes a time of Octane for local time.
ARROW_TYPES = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
    "DATE": pa.date32(),
}


@dataclass(frozen=True)
class ExportColumn:
    """One column of the company lake's table."""

    name: str
    type: pa.DataType
    comment: str


@dataclass(frozen=True)
class ExportTable:
    """A table of the company lake; `owner` is the column that, in a workspace, names what changes.

    Rows of one owner are replaced together: one of an entity type, the set of a link table.
    """

    name: str
    comment: str
    columns: tuple[ExportColumn, ...]
    owner: str = ""
    key: tuple[str, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        """Names and types."""
        return pa.schema([(column.name, column.type) for column in self.columns])


@dataclass(frozen=True)
class Stamp:
    """Which generation of which lake a table shows; `source` is server and shared space."""

    generation: int
    as_of: datetime
    source: str

    def as_texts(self) -> dict[str, str]:
        """As the properties of a commit or snapshot."""
        return {
            "generation": str(self.generation),
            "as_of": self.as_of.isoformat(),
            "source": self.source,
        }


@dataclass(frozen=True)
class Changed:
    """Keys that changed, in the connection's table `changed`, and how many they are."""

    table: ExportTable
    connection: duckdb.DuckDBPyConnection
    count: int

    def keys(self) -> dict[str, list[str]]:
        """Owners by workspace."""
        owners: dict[str, list[str]] = {}
        for workspace, owner in self.connection.execute("from changed order by all").fetchall():
            owners.setdefault(workspace, []).append(owner)
        return owners

    def rows(self) -> pa.RecordBatchReader:
        """The rows of these keys as they are now."""
        return _reader(
            self.connection, self.table, f"select {_listed(self.table)} {self.from_current}"
        )

    @property
    def from_current(self) -> str:
        """The from clause of the rows of these keys as they are now, with the alias `current`."""
        return (
            f"from octane.{quoted(self.table.name)} as current semi join changed "
            f"on current._workspace_id = changed._workspace_id "
            f"and current.{self.table.owner} = changed.owner"
        )


@dataclass(frozen=True)
class Versions:
    """Versions of a table's rows, and how many they are."""

    rows: pa.RecordBatchReader
    count: int


class Content:
    """The tables of the generation that a published warehouse holds."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        lake: Lake,
        manifest: Manifest,
        choice: Choice = None,
    ) -> None:
        self._connection = connection
        self._lake = lake
        self._choice = choice
        self._manifest = of_workspaces(manifest, choice)
        self._generations: dict[int, Manifest | None] = {}
        self._planned: dict[int, dict[str, TableChange] | None] = {}

    def tables(self) -> list[ExportTable]:
        """Entity types and link tables, by name."""
        return [_table(entry) for _, entry in sorted(self._manifest.tables.items())]

    def rows(self, table: ExportTable) -> pa.RecordBatchReader:
        """Every row of a table."""
        sql = f"select {_listed(table)} from octane.{quoted(table.name)} as current"
        return _reader(self._connection, table, sql)

    def changed(self, table: ExportTable, since: int) -> Changed | None:
        """What differs from an earlier generation; None when the table must be written whole."""
        plan = self._plan(since)
        change = plan.get(table.name) if plan is not None else None
        if plan is None or change is None or change.since is None:
            return None
        sources = [self._keys(change, table.owner)] if change.files else []
        owners = plan.get(change.entry.entity)
        if change.entry.kind == "link" and owners is not None and owners.files:
            sources.append(self._keys(owners, "id", "and versions._deleted"))
        none = "select null::varchar as _workspace_id, null::varchar as owner where false"
        self._connection.execute(
            f"create or replace temp table changed as {' union '.join(sources or [none])}"
        )
        keys = count(self._connection, "changed")
        return Changed(table, self._connection, keys) if keys <= MERGED_KEYS else None

    def count(self, table: ExportTable) -> int:
        """Rows of a table."""
        return count(self._connection, f"octane.{quoted(table.name)}")

    def versions(
        self, table: ExportTable, since: int, exported: Callable[[], Mapping[str, int]]
    ) -> Versions:
        """Every version that came after a generation, tombstones too.

        `exported` gives of each workspace the newest `_generation` that is there; it is called
        where the lake has let go of that generation.
        """
        name = table.name.removesuffix(HISTORY)
        earlier_files = self._files_of(name, since)
        files = [
            file for file in self._manifest.tables[name].files if file.path not in earlier_files
        ]
        if not files:
            return Versions(pa.Table.from_batches([], table.schema).to_reader(), 0)
        source = self._parquet(files)
        described = self._connection.execute(f"describe from {source}").fetchall()
        present = {row[0] for row in described}
        columns = ", ".join(
            f"{'versions.' if column.name in present else 'null as '}{quoted(column.name)}"
            for column in table.columns
        )
        earlier = self._generation(since)
        stamps = {id: earlier.stamp(id) for id in earlier.workspaces} if earlier else exported()
        change = TableChange(self._manifest.tables[name], tuple(files), stamps)
        newer = f"from {source} as versions where {is_new(change)}"
        rows = self._connection.execute(f"select count(*) {newer}").fetchall()[0][0]
        return Versions(_reader(self._connection, table, f"select {columns} {newer}"), rows)

    def _files_of(self, name: str, since: int) -> set[str]:
        """Files that a generation named, which hold nothing newer; none once it is let go of."""
        earlier = self._generation(since)
        table = earlier.tables.get(name) if earlier is not None else None
        return {file.path for file in table.files} if table is not None else set()

    def _generation(self, generation: int) -> Manifest | None:
        """A generation as it was; None once the lake has let go of it."""
        if generation not in self._generations:
            try:
                manifest = of_workspaces(self._lake.manifest(generation), self._choice)
            except LakeError:
                manifest = None
            self._generations[generation] = manifest
        return self._generations[generation]

    def _parquet(self, files: Iterable[FileEntry]) -> str:
        paths = ", ".join(literal(str(self._lake.resolve(file))) for file in files)
        return f"read_parquet([{paths}], union_by_name = true)"

    def _keys(self, change: TableChange, owner: str, condition: str = "") -> str:
        return (
            f"select versions._workspace_id, versions.{owner} as owner "
            f"from {self._parquet(change.files)} as versions "
            f"where {is_new(change)} {condition}"
        )

    def _plan(self, since: int) -> dict[str, TableChange] | None:
        if since not in self._planned:
            entries, earlier = self._manifest.tables.values(), self._generation(since)
            changes = None
            if earlier is not None:
                loaded = _loaded(earlier, entries)
                changes = plan_changes(loaded, self._lake, self._manifest, entries)
            self._planned[since] = (
                None if changes is None else {change.entry.name: change for change in changes}
            )
        return self._planned[since]


def _loaded(earlier: Manifest, entries: Iterable[TableEntry]) -> Loaded:
    """A generation as what is loaded; a table to which columns were only added is as it is now."""
    columns: dict[str, list[tuple[str, str]]] = {}
    for entry in entries:
        earlier_entry = earlier.tables.get(entry.name)
        if earlier_entry is None:
            continue
        then = {column.name: column.type for column in earlier_entry.columns}
        now = {column.name: column.type for column in entry.columns}
        only_added = all(now.get(name) == kind for name, kind in then.items())
        columns[entry.name] = list((now if only_added else then).items())
    digests = {
        name: {file.path: file.sha256 for file in entry.files}
        for name, entry in earlier.tables.items()
    }
    return Loaded(earlier.generation, digests, columns)


def _table(entry: TableEntry) -> ExportTable:
    is_link = entry.kind == "link"
    label = f"{entry.entity}.{entry.field}" if is_link else entry.label or entry.name
    columns = tuple(
        ExportColumn(
            column.name,
            ARROW_TYPES[column.type],
            column.label or column.field or "",
        )
        for column in entry.columns
        if column.name != "_deleted"
    )
    owner = "source_id" if is_link else "id"
    key = ("_workspace_id", owner, *(("target_id", "target_type") if is_link else ()))
    return ExportTable(entry.name, label, columns, owner, key)


def history_table(table: ExportTable) -> ExportTable:
    """The append-only companion of a table: every version read, with tombstones."""
    tombstone = ExportColumn("_deleted", pa.bool_(), "true for a tombstone: deleted since then")
    return ExportTable(
        f"{table.name}{HISTORY}",
        f"{table.comment}: every version read",
        (*table.columns, tombstone),
    )


def _listed(table: ExportTable) -> str:
    return ", ".join(f"current.{quoted(column.name)}" for column in table.columns)


def _reader(
    connection: duckdb.DuckDBPyConnection, table: ExportTable, sql: str
) -> pa.RecordBatchReader:
    """Batches in the table's own types, one at a time."""
    return cast_reader(connection.sql(sql).to_arrow_reader(BATCH_ROWS), table.schema)


def cast_reader(reader: pa.RecordBatchReader, schema: pa.Schema) -> pa.RecordBatchReader:
    """The same rows in other types, a batch at a time."""

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in reader:
            yield batch.cast(schema)

    return pa.RecordBatchReader.from_batches(schema, batches())
