"""Which columns of a table hold which field, by the field's name and its shape.

Column entries and Octane's field types in, names out; the extract plans by it and `meta.fields`
shows it.
"""

from __future__ import annotations

from collections.abc import Iterable

from octane_flows.lake.manifest import ColumnEntry

REFERENCE = "reference"
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


def shape_of(field_type: str) -> str:
    """What a field's type means for its columns: a DuckDB type, or a reference."""
    return REFERENCE if field_type == REFERENCE else DUCKDB_TYPES.get(field_type, "VARCHAR")


def columns_by_field(columns: Iterable[ColumnEntry]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The columns of each field and shape: one, or the id and the type of a reference."""
    names: dict[tuple[str, str], tuple[str, ...]] = {}
    for column in columns:
        if column.field not in (None, "id", "type"):  # these two every row has
            key = (column.field, REFERENCE if column.field_type == REFERENCE else column.type)
            names[key] = (*names.get(key, ()), column.name)
    return names
