"""Apache Iceberg through pyiceberg: tables of one namespace, their state in their properties.

Export tables in, snapshots out; `run_export` calls it. Where the user names no catalog, it is a
SQLite file beside the tables. A table's data and its properties change in one commit.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from octane_flows.errors import LakeError
from octane_flows.export.destination import Destination, not_installed
from octane_flows.export.export_content import Changed, ExportTable, Stamp
from octane_flows.export.export_target import GENERATIONS, STAMP_COLUMNS, newest_stamps

try:
    import requests
    import sqlalchemy.exc
    from pyiceberg import exceptions
    from pyiceberg.catalog import Catalog, load_catalog
    from pyiceberg.expressions import (
        And,
        BooleanExpression,
        EqualTo,
        GreaterThanOrEqual,
        In,
        LessThanOrEqual,
        Or,
    )
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table, Transaction
    from pyiceberg.types import (
        BooleanType,
        DateType,
        DoubleType,
        IcebergType,
        LongType,
        NestedField,
        StringType,
        TimestamptzType,
    )
except ImportError as missing:
    raise not_installed("iceberg", "pyiceberg") from missing

CATALOG_FILE = "catalog.db"
PREFIX = "octane-flows."  # of the properties of tables and snapshots
ERRORS = (
    *(kind for _, kind in inspect.getmembers(exceptions, inspect.isclass)),
    requests.RequestException,
    sqlalchemy.exc.SQLAlchemyError,
    OSError,
    ValueError,
    pa.ArrowException,
)
TYPES: dict[pa.DataType, IcebergType] = {
    pa.string(): StringType(),
    pa.int64(): LongType(),
    pa.float64(): DoubleType(),
    pa.bool_(): BooleanType(),
    pa.timestamp("us", tz="UTC"): TimestamptzType(),
    pa.date32(): DateType(),
}
PROPERTIES = {
    "write.target-file-size-bytes": str(128 << 20),  # a change rewrites whole files, in memory
    "write.parquet.compression-codec": "zstd",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "100",
    "commit.retry.num-retries": "0",  # what another export committed must not be added once more
}


class IcebergTarget:
    """Iceberg tables of one namespace."""

    def __init__(self, place: Destination, source: str) -> None:
        self._place = place
        self._source = source
        self._tables: dict[str, Table | None] = {}
        with place.errors(ERRORS, "open"):
            self._catalog = _catalog(place)
            self._catalog.create_namespace_if_not_exists(place.namespace)

    def close(self) -> None:
        """Let go of the catalog."""
        self._catalog.close()

    def generation(self, table: str) -> int | None:
        """What the table's properties say; 0 when another source wrote them, or nobody."""
        opened = self._open(table)
        if opened is None:
            return None
        if opened.properties.get(f"{PREFIX}source") != self._source:
            return 0
        return int(opened.properties.get(f"{PREFIX}generation", "0"))

    def moment(self, table: str, generation: int) -> datetime | None:
        """What the table's properties say."""
        opened = self._open(table)
        properties = opened.properties if opened is not None else {}
        as_of = properties.get(f"{PREFIX}as_of")
        if as_of is None or properties.get(f"{PREFIX}generation") != str(generation):
            return None
        return datetime.fromisoformat(as_of)

    def version(self, table: str) -> int:
        """The id of the current snapshot; 0 for a table that never held rows."""
        opened = self._open(table)
        snapshot = opened.current_snapshot() if opened is not None else None
        return snapshot.snapshot_id if snapshot is not None else 0

    def stamps(self, table: str) -> dict[str, int]:
        """Read from the files, two columns of them."""
        with self._place.errors(ERRORS, "read", table):
            scan = self._opened(table).scan(selected_fields=STAMP_COLUMNS)
            return newest_stamps(scan.to_arrow_batch_reader())

    def recorded(self, generation: int) -> Stamp | None:
        """The stamp of a generation that the table `generations` has."""
        opened = self._open(GENERATIONS.name)
        if opened is None:
            return None
        with self._place.errors(ERRORS, "read", GENERATIONS.name):
            scan = opened.scan(row_filter=EqualTo("generation", generation), limit=1)
            rows = scan.to_arrow().to_pylist()
        return Stamp(generation, rows[0]["as_of"], rows[0]["source"]) if rows else None

    def fits(self, table: ExportTable) -> bool:
        """Whether the columns that are there have the types that they should have."""
        opened = self._open(table.name)
        if opened is None:
            return False
        types = {field.name: field.field_type for field in opened.schema().fields}
        return all(
            types.get(column.name, TYPES[column.type]) == TYPES[column.type]
            for column in table.columns
        )

    def rewrite(self, table: ExportTable, rows: pa.RecordBatchReader, stamp: Stamp) -> None:
        """One commit that replaces schema and rows."""
        opened = self._open(table.name)
        with self._errors("write", table.name):
            if opened is None:
                with self._catalog.create_table_transaction(
                    self._name(table.name),
                    _schema(table),
                    location=self._location(table.name),
                    properties={**PROPERTIES, "comment": table.comment},
                ) as change:
                    change.append(rows, _properties(stamp))
                    change.set_properties(_properties(stamp))
            else:
                with opened.transaction() as change:
                    _evolve(change, table)
                    change.overwrite(rows, snapshot_properties=_properties(stamp))
                    change.set_properties({**_properties(stamp), "comment": table.comment})
        self._tables.pop(table.name, None)

    def describe(self, table: ExportTable) -> None:
        """Add columns that are new, and comments that changed."""
        opened = self._opened(table.name)
        comments = {field.name: field.doc for field in opened.schema().fields}
        if all(
            column.name in comments and comments[column.name] == (column.comment or None)
            for column in table.columns
        ):
            return
        with self._errors("write", table.name), opened.transaction() as change:
            _evolve(change, table)
        self._tables.pop(table.name, None)

    def merge(self, changed: Changed, stamp: Stamp) -> None:
        """One commit of two snapshots: without the owners that changed, then with them."""
        table = changed.table
        opened = self._opened(table.name)
        rows = _rows_of_owners(table, changed.keys())
        with self._errors("merge into", table.name), opened.transaction() as change:
            change.overwrite(changed.rows(), rows, snapshot_properties=_properties(stamp))
            change.set_properties(_properties(stamp))
        self._tables.pop(table.name, None)

    def append(self, table: ExportTable, rows: pa.RecordBatchReader, stamp: Stamp) -> None:
        """One commit that adds rows."""
        opened = self._open(table.name)
        if opened is None:
            self.rewrite(table, rows, stamp)
            return
        with self._errors("append to", table.name), opened.transaction() as change:
            change.append(rows, _properties(stamp))
            change.set_properties(_properties(stamp))
        self._tables.pop(table.name, None)

    @contextmanager
    def _errors(self, verb: str, table: str) -> Iterator[None]:
        with self._place.errors(ERRORS, verb, table), warnings.catch_warnings():
            # new rows alone: there is nothing that they replace
            warnings.filterwarnings("ignore", "Delete operation did not match any records")
            yield

    def _open(self, table: str) -> Table | None:
        if table not in self._tables:
            with self._place.errors(ERRORS, "open", table):
                try:
                    self._tables[table] = self._catalog.load_table(self._name(table))
                except exceptions.NoSuchTableError:
                    self._tables[table] = None
        return self._tables[table]

    def _opened(self, table: str) -> Table:
        opened = self._open(table)
        if opened is None:
            raise LakeError(f"{self._place.describe(table)} went away meanwhile; export again.")
        return opened

    def _name(self, table: str) -> tuple[str, str]:
        return (self._place.namespace, table)

    def _location(self, table: str) -> str | None:
        """Where a new table lies; None: where the catalog wants it."""
        if not self._place.output:
            return None
        base = self._place.output if self._place.is_bucket else f"file://{self._place.output}"
        return f"{base}/{table}"


def _catalog(place: Destination) -> Catalog:
    if place.catalog is not None:
        return load_catalog("octane", uri=place.catalog, **storage_properties(place))
    folder = Path(place.output)
    folder.mkdir(parents=True, exist_ok=True)
    return load_catalog(
        "octane", type="sql", uri=f"sqlite:///{folder / CATALOG_FILE}", warehouse=f"file://{folder}"
    )


def storage_properties(place: Destination) -> dict[str, str]:
    """The lake's endpoint, region and keys in pyiceberg's words."""
    bucket = place.bucket
    if not place.is_bucket or bucket is None:
        return {}
    properties = {"s3.region": bucket.region}
    if bucket.endpoint is not None:
        properties["s3.endpoint"] = bucket.endpoint
    if bucket.access_key_id is not None and bucket.secret_access_key is not None:
        properties["s3.access-key-id"] = bucket.access_key_id
        properties["s3.secret-access-key"] = bucket.secret_access_key.reveal()
    return properties


def _schema(table: ExportTable) -> Schema:
    return Schema(
        *(
            NestedField(
                number, column.name, TYPES[column.type], required=False, doc=column.comment or None
            )
            for number, column in enumerate(table.columns, start=1)
        )
    )


def _evolve(change: Transaction, table: ExportTable) -> None:
    """Columns that are new or of another type, and comments; a type is changed by a new column."""
    fields = {field.name: field for field in change.table_metadata.schema().fields}
    retyped = [
        column
        for column in table.columns
        if column.name in fields and fields[column.name].field_type != TYPES[column.type]
    ]
    if retyped:
        with change.update_schema(allow_incompatible_changes=True) as update:
            for column in retyped:
                update.delete_column(column.name)
                del fields[column.name]
    with change.update_schema() as update:
        for column in table.columns:
            comment = column.comment or None
            if column.name not in fields:
                update.add_column(column.name, TYPES[column.type], doc=comment)
            elif fields[column.name].doc != comment:
                update.update_column(column.name, doc=comment)


def _rows_of_owners(table: ExportTable, keys: dict[str, list[str]]) -> BooleanExpression:
    """A filter for the rows of some owners; its range skips files by their statistics."""
    filters: list[BooleanExpression] = [
        And(
            EqualTo("_workspace_id", workspace),
            GreaterThanOrEqual(table.owner, owners[0]),
            LessThanOrEqual(table.owner, owners[-1]),
            In(table.owner, owners),
        )
        for workspace, owners in keys.items()
    ]
    return filters[0] if len(filters) == 1 else Or(*filters)


def _properties(stamp: Stamp) -> dict[str, str]:
    return {f"{PREFIX}{name}": text for name, text in stamp.as_texts().items()}
