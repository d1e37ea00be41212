"""A table of `meta` as data: each column with its type, its meaning and where its value comes from.

Records in, rows out; the modules beside this one define the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import duckdb
import pyarrow as pa

from octane_flows.lake.arrow_arrays import arrow_array
from octane_flows.models.sql_text import literal, quoted

Record = TypeVar("Record")

#: How the values of a column's type go into DuckDB: as a column of an Arrow table, not row by row.
ARROW: Mapping[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "JSON": pa.string(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMP": pa.timestamp("us"),
    "VARCHAR[]": pa.list_(pa.string()),
}
INSERTED = "inserted_records"


@dataclass(frozen=True)
class MetaColumn(Generic[Record]):
    """One column; `value` takes it from the record of a row."""

    name: str
    type: str
    meaning: str
    value: Callable[[Record], Any]


@dataclass(frozen=True)
class MetaTable(Generic[Record]):
    """One table of `meta`, with a row for each record."""

    name: str
    meaning: str
    columns: tuple[MetaColumn[Record], ...]

    def create(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Create the empty table with its comments."""
        body = ", ".join(f"{quoted(column.name)} {column.type}" for column in self.columns)
        connection.execute(f"create table meta.{self.name} ({body})")
        connection.execute(f"comment on table meta.{self.name} is {literal(self.meaning)}")
        for column in self.columns:
            connection.execute(
                f"comment on column meta.{self.name}.{quoted(column.name)} "
                f"is {literal(column.meaning)}"
            )

    def fill(self, connection: duckdb.DuckDBPyConnection, records: Iterable[Record]) -> None:
        """Insert one row for each record."""
        rows = [tuple(column.value(record) for column in self.columns) for record in records]
        self.insert(connection, rows)

    def insert(self, connection: duckdb.DuckDBPyConnection, rows: list[tuple[Any, ...]]) -> None:
        """Insert rows whose values are in the order of the columns."""
        if not rows:
            return
        values = {
            column.name: arrow_array(cells, ARROW[column.type])
            for column, cells in zip(self.columns, zip(*rows, strict=True), strict=True)
        }
        connection.register(INSERTED, pa.table(values))
        try:
            connection.execute(f"insert into meta.{self.name} by name from {INSERTED}")
        finally:
            connection.unregister(INSERTED)


def naive_utc(time: datetime) -> datetime:
    """A time as DuckDB's TIMESTAMP: UTC without a zone."""
    return time.astimezone(UTC).replace(tzinfo=None)


def naive_utc_or_none(time: datetime | None) -> datetime | None:
    """The same for a time that may be missing."""
    return naive_utc(time) if time is not None else None
