"""Octane fields to columns: names, DuckDB types and Arrow types.

Metadata records come in, column entries and Arrow schemas go out; `plan` and `rows` use them.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from octane_flows.client import Field
from octane_flows.lake import ColumnEntry

#: Octane's field types (rest-api: metadata fields) and the DuckDB type of their column. Types that
#: are not listed here are kept as JSON text.
DUCKDB_TYPES = {
    "integer": "BIGINT",
    "float": "DOUBLE",
    "boolean": "BOOLEAN",
    "date_time": "TIMESTAMP",
    "date": "DATE",
    "string": "VARCHAR",
    "memo": "VARCHAR",
    "object": "VARCHAR",
}

ARROW_TYPES = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMP": pa.timestamp("us"),
    "DATE": pa.date32(),
}

ENTITY_KEYS = (
    ColumnEntry("id", "VARCHAR", "id", "string", "ID"),
    ColumnEntry("type", "VARCHAR", "type", "string", "Entity type"),
)
LINK_KEYS = (
    ColumnEntry("source_id", "VARCHAR", None, None, "ID of the entity that has the field"),
    ColumnEntry("target_id", "VARCHAR", None, None, "ID of the entity referred to"),
    ColumnEntry("target_type", "VARCHAR", None, None, "Type of the entity referred to"),
)
OWN_COLUMNS = (
    ColumnEntry("_workspace_id", "VARCHAR", None, None, "Workspace it was read through"),
    ColumnEntry("_generation", "BIGINT", None, None, "Generation that read this version"),
    ColumnEntry("_extracted_at", "TIMESTAMP", None, None, "Time of the extract (UTC)"),
    ColumnEntry("_deleted", "BOOLEAN", None, None, "True for a tombstone"),
)


def scalar_columns(field: Field) -> tuple[ColumnEntry, ...]:
    """The column of a scalar field, or the `_id` and `_type` pair of a single reference."""
    if not field.is_reference:
        duckdb_type = DUCKDB_TYPES.get(field.field_type, "VARCHAR")
        return (_column(field, field.name, duckdb_type, field.label),)
    return (
        _column(field, f"{field.name}_id", "VARCHAR", f"{field.label}: id"),
        _column(field, f"{field.name}_type", "VARCHAR", f"{field.label}: entity type"),
    )


def _column(field: Field, name: str, duckdb_type: str, label: str) -> ColumnEntry:
    return ColumnEntry(
        name=name,
        type=duckdb_type,
        field=field.name,
        field_type=field.field_type,
        label=label,
        targets=tuple(field.targets),
        is_user_defined=field.is_user_defined,
    )


def arrow_schema(columns: Iterable[ColumnEntry]) -> pa.Schema:
    """The Arrow schema that the files of a table have."""
    return pa.schema([(column.name, ARROW_TYPES[column.type]) for column in columns])
