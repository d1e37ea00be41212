"""Delta Lake through delta-rs: one folder for each table, its state in the transaction log.

Export tables in, commits out; `run_export` calls it. Each commit carries an application transaction
with the generation: it survives the cleaning of the log, and of two exports at once only one wins.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa

from octane_flows.errors import LakeError
from octane_flows.export.destination import Destination, not_installed
from octane_flows.export.export_content import (
    BATCH_ROWS,
    Changed,
    ExportColumn,
    ExportTable,
    Stamp,
    cast_reader,
)
from octane_flows.export.export_target import GENERATIONS, STAMP_COLUMNS, newest_stamps
from octane_flows.lake.file_names import file_name
from octane_flows.models.sql_text import quoted

try:
    import deltalake
    from deltalake.exceptions import DeltaError
except ImportError as missing:
    raise not_installed("delta", "deltalake") from missing

APPLICATION = "octane-flows"
ERRORS = (DeltaError, OSError, pa.ArrowException)
DELETED = "_deleted"  # in a merge's source: the warehouse has the row no longer


class DeltaTarget:
    """Delta tables below one folder or prefix."""

    def __init__(self, place: Destination, source: str) -> None:
        self._place = place
        self._application = f"{APPLICATION} {source}"
        self._options = storage_options(place)
        self._tables: dict[str, deltalake.DeltaTable | None] = {}

    def close(self) -> None:
        """Nothing stays open."""

    def generation(self, table: str) -> int | None:
        """What the last transaction of this source says; 0 when it has none."""
        opened = self._open(table)
        return None if opened is None else opened.transaction_version(self._application) or 0

    def moment(self, table: str, generation: int) -> datetime | None:
        """What the newest commit of a generation says; None once the log was cleaned."""
        opened = self._open(table)
        if opened is None:
            return None
        with self._place.errors(ERRORS, "read", table):
            for commit in opened.history():  # newest first
                if commit.get("generation") == str(generation) and "as_of" in commit:
                    return datetime.fromisoformat(commit["as_of"])
        return None

    def version(self, table: str) -> int:
        """The newest Delta version."""
        opened = self._open(table)
        return opened.version() if opened is not None else 0

    def stamps(self, table: str) -> dict[str, int]:
        """Read from the files, two columns of them."""
        with self._place.errors(ERRORS, "read", table):
            dataset = self._opened(table).to_pyarrow_dataset()
            return newest_stamps(dataset.to_batches(columns=list(STAMP_COLUMNS)))

    def recorded(self, generation: int) -> Stamp | None:
        """The stamp of a generation that the table `generations` has."""
        opened = self._open(GENERATIONS.name)
        if opened is None:
            return None
        with self._place.errors(ERRORS, "read", GENERATIONS.name):
            stamps = opened.to_pyarrow_table(filters=[("generation", "=", generation)])
        rows = stamps.slice(0, 1).to_pylist()
        return Stamp(generation, rows[0]["as_of"], rows[0]["source"]) if rows else None

    def fits(self, table: ExportTable) -> bool:
        """Whether the columns that are there have the types that they should have."""
        opened = self._open(table.name)
        if opened is None:
            return False
        types = {field.name: field.type for field in opened.schema().fields}
        expected = {column.name: _field(column).type for column in table.columns}
        return all(types.get(name, kind) == kind for name, kind in expected.items())

    def rewrite(self, table: ExportTable, rows: pa.RecordBatchReader, stamp: Stamp) -> None:
        """One commit that replaces schema and rows."""
        schema = _schema(table)
        with self._place.errors(ERRORS, "write", table.name):
            deltalake.write_deltalake(
                self._uri(table.name),
                cast_reader(rows, pa.schema(schema)),
                mode="overwrite",
                schema_mode="overwrite",
                name=table.name,
                description=table.comment,
                storage_options=self._options,
                commit_properties=self._commit(stamp),
            )
        self._tables.pop(table.name, None)

    def describe(self, table: ExportTable) -> None:
        """Add columns that are new, and comments that changed; a commit for each change."""
        with self._place.errors(ERRORS, "write", table.name):
            opened = self._opened(table.name)
            fields = opened.schema().fields
            comments = {field.name: (field.metadata or {}).get("comment") for field in fields}
            added = [_field(column) for column in table.columns if column.name not in comments]
            if added:
                opened.alter.add_columns(added)
            for column in table.columns:
                comment = comments.get(column.name, column.comment)
                if column.comment and comment != column.comment:
                    opened.alter.set_column_metadata(column.name, {"comment": column.comment})

    def merge(self, changed: Changed, stamp: Stamp) -> None:
        """One commit that deletes, updates and inserts."""
        table = changed.table
        names = {column.name: f"source.{quoted(column.name)}" for column in table.columns}
        matching = " and ".join(f"target.{key} = source.{key}" for key in table.key[:3])
        if len(table.key) > 3:
            matching += f" and target.{table.key[3]} is not distinct from source.{table.key[3]}"
        with self._place.errors(ERRORS, "merge into", table.name):
            opened = self._opened(table.name)
            (
                opened.merge(
                    self._source(opened, changed),
                    matching,
                    source_alias="source",
                    target_alias="target",
                    streamed_exec=False,  # the source's own keys then tell which files to open
                    commit_properties=self._commit(stamp),
                )
                .when_matched_delete(f"source.{DELETED}")
                .when_matched_update(names)
                .when_not_matched_insert(names, f"not source.{DELETED}")
                .execute()
            )
        self._tables.pop(table.name, None)

    def append(self, table: ExportTable, rows: pa.RecordBatchReader, stamp: Stamp) -> None:
        """One commit that adds rows."""
        opened = self._open(table.name)
        if opened is None:
            self.rewrite(table, rows, stamp)
            return
        with self._place.errors(ERRORS, "append to", table.name):
            deltalake.write_deltalake(
                opened,
                rows,
                mode="append",
                commit_properties=self._commit(stamp),
            )
        self._tables.pop(table.name, None)

    def _source(self, opened: deltalake.DeltaTable, changed: Changed) -> pa.Table:
        """The rows as they are now, then the keys that only the target still has."""
        table, connection = changed.table, changed.connection
        keys = ", ".join(f"target.{key}" for key in table.key)
        matching = " and ".join(
            f"current.{key} is not distinct from target.{key}" for key in table.key
        )
        values = ", ".join(f"current.{quoted(column.name)}" for column in table.columns)
        dataset = opened.to_pyarrow_dataset()
        connection.register("target", dataset.scanner(columns=list(table.key)).to_reader())
        rows = connection.sql(
            f"select {values}, false as {DELETED} {changed.from_current} union all by name "
            f"select {keys}, true as {DELETED} from target semi join changed "
            "on target._workspace_id = changed._workspace_id "
            f"and target.{table.owner} = changed.owner "
            f"anti join octane.{quoted(table.name)} as current on {matching}"
        ).to_arrow_reader(BATCH_ROWS)
        schema = table.schema.append(pa.field(DELETED, pa.bool_()))
        source = cast_reader(rows, schema).read_all()
        connection.unregister("target")
        return source

    def _commit(self, stamp: Stamp) -> deltalake.CommitProperties:
        return deltalake.CommitProperties(
            custom_metadata=stamp.as_texts(),
            app_transactions=[deltalake.Transaction(self._application, stamp.generation)],
        )

    def _uri(self, table: str) -> str:
        return f"{self._place.output}/{file_name(table)}"

    def _open(self, table: str) -> deltalake.DeltaTable | None:
        if table not in self._tables:
            with self._place.errors(ERRORS, "open", table):
                is_there = deltalake.DeltaTable.is_deltatable(self._uri(table), self._options)
                self._tables[table] = (
                    deltalake.DeltaTable(self._uri(table), storage_options=self._options)
                    if is_there
                    else None
                )
        return self._tables[table]

    def _opened(self, table: str) -> deltalake.DeltaTable:
        """A table that is there, as it was first looked at: what others commit since conflicts."""
        opened = self._open(table)
        if opened is None:
            raise LakeError(f"{self._place.describe(table)} went away meanwhile; export again.")
        return opened


def storage_options(place: Destination) -> dict[str, str]:
    """The lake's endpoint, region and keys in delta-rs' words."""
    bucket = place.bucket
    if not place.is_bucket or bucket is None:
        return {}
    options = {"AWS_REGION": bucket.region}
    if bucket.endpoint is not None:
        options["AWS_ENDPOINT_URL"] = bucket.endpoint
        options["AWS_ALLOW_HTTP"] = str(bucket.endpoint.startswith("http://")).lower()
    if bucket.access_key_id is not None and bucket.secret_access_key is not None:
        options["AWS_ACCESS_KEY_ID"] = bucket.access_key_id
        options["AWS_SECRET_ACCESS_KEY"] = bucket.secret_access_key.reveal()
    return options


def _schema(table: ExportTable) -> list[pa.Field]:
    return [
        pa.field(column.name, column.type, metadata=_metadata(column)) for column in table.columns
    ]


def _metadata(column: ExportColumn) -> dict[str, str] | None:
    return {"comment": column.comment} if column.comment else None


def _field(column: ExportColumn) -> deltalake.Field:
    arrow = pa.schema([pa.field(column.name, column.type)])
    kind: Any = deltalake.Schema.from_arrow(arrow).fields[0].type
    return deltalake.Field(column.name, kind, nullable=True, metadata=_metadata(column))
