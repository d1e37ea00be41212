"""`meta.fields`: every field that was ever seen, with the share of rows that have a value in it.

A manifest, the loaded tables and the shares of the previous build in, rows out; see `create_meta`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import duckdb

from octane_flows.lake import FieldEntry, Manifest
from octane_flows.lake.field_columns import columns_by_field, shape_of
from octane_flows.models.sql_text import quoted
from octane_flows.warehouse.meta.meta_table import MetaColumn, MetaTable

#: By workspace, entity type and field.
Shares = dict[tuple[str, str, str], float]


@dataclass(frozen=True)
class FieldRecord:
    """A field and the share of rows with a value; None where there are no rows."""

    entry: FieldEntry
    filled_ratio: float | None
    stored_in: tuple[str, ...] = ()


FIELDS = MetaTable[FieldRecord](
    "fields",
    "Every field of every entity type that was ever seen, user-defined ones included.",
    (
        MetaColumn("workspace_id", "VARCHAR", "id of the workspace", lambda it: it.entry.workspace),
        MetaColumn("entity", "VARCHAR", "entity type", lambda it: it.entry.entity),
        MetaColumn("field", "VARCHAR", "field of the entity type", lambda it: it.entry.name),
        MetaColumn("label", "VARCHAR", "name that Octane shows", lambda it: it.entry.label),
        MetaColumn(
            "field_type", "VARCHAR", "type in Octane's metadata", lambda it: it.entry.field_type
        ),
        MetaColumn(
            "is_multiple",
            "BOOLEAN",
            "whether it is a multi-reference, a link table here",
            lambda it: it.entry.is_multiple,
        ),
        MetaColumn(
            "is_user_defined",
            "BOOLEAN",
            "whether it is a user-defined field",
            lambda it: it.entry.is_user_defined,
        ),
        MetaColumn(
            "targets",
            "VARCHAR[]",
            "entity types that it may refer to",
            lambda it: list(it.entry.targets),
        ),
        MetaColumn(
            "list_root", "VARCHAR", "list that its values come from", lambda it: it.entry.list_root
        ),
        MetaColumn(
            "first_generation",
            "BIGINT",
            "generation that saw it first",
            lambda it: it.entry.first_generation,
        ),
        MetaColumn(
            "last_generation",
            "BIGINT",
            "generation that saw it last",
            lambda it: it.entry.last_generation,
        ),
        MetaColumn(
            "filled_ratio",
            "DOUBLE",
            "share of the rows that have a value, null without rows",
            lambda it: it.filled_ratio,
        ),
        MetaColumn(
            "stored_in",
            "VARCHAR[]",
            "columns of the entity type's table; of a multi-reference its link table",
            lambda it: list(it.stored_in),
        ),
    ),
)


def previous_shares(connection: duckdb.DuckDBPyConnection) -> Shares:
    """The filled shares that the previous build counted; none in a new file."""
    try:
        rows = connection.execute(
            "select workspace_id, entity, field, filled_ratio from meta.fields "
            "where filled_ratio is not null"
        ).fetchall()
    except duckdb.CatalogException:
        return {}
    return {(workspace, entity, field): share for workspace, entity, field, share in rows}


def field_records(
    connection: duckdb.DuckDBPyConnection,
    manifest: Manifest,
    previous: Shares,
    changed_tables: Collection[str],
) -> list[FieldRecord]:
    """All fields; filled shares are counted where tables changed or fields are new."""
    changed_entities = {
        manifest.tables[name].entity for name in changed_tables if name in manifest.tables
    }
    to_count = {
        entry.entity
        for entry in manifest.fields
        if entry.entity in changed_entities
        or (entry.workspace, entry.entity, entry.name) not in previous
    }
    names = {
        name: columns_by_field(table.columns)
        for name, table in manifest.tables.items()
        if table.kind == "entity"
    }
    shares = {key: share for key, share in previous.items() if key[1] not in to_count}
    for entity in sorted(to_count):
        shares.update(count_filled(connection, manifest, entity))
    return [
        FieldRecord(
            entry,
            shares.get((entry.workspace, entry.entity, entry.name)),
            _stored_in(entry, manifest, names.get(entry.entity, {})),
        )
        for entry in manifest.fields
    ]


def _stored_in(
    entry: FieldEntry, manifest: Manifest, names: Mapping[tuple[str, str], tuple[str, ...]]
) -> tuple[str, ...]:
    """The columns, or the link table, that hold the values of a field."""
    if entry.is_multiple:
        return tuple(
            table.name
            for table in manifest.tables.values()
            if (table.entity, table.field) == (entry.entity, entry.name)
        )
    return names.get((entry.name, shape_of(entry.field_type)), ())


def count_filled(
    connection: duckdb.DuckDBPyConnection, manifest: Manifest, entity: str
) -> Iterator[tuple[tuple[str, str, str], float]]:
    """Filled shares of one entity type's fields by workspace, entity type and field."""
    table = manifest.tables.get(entity)
    if table is None or not table.files:
        return
    # where a field has another type in another workspace, it has columns for each
    columns: dict[str, list[str]] = {}
    for (field, _), names in columns_by_field(table.columns).items():
        columns.setdefault(field, []).append(names[0])
    counts = "".join(
        ", " + " + ".join(f"count({quoted(name)})" for name in names) for names in columns.values()
    )
    rows: dict[str, int] = {}
    for workspace, total, *values in connection.execute(
        f"select _workspace_id, count(*){counts} from octane.{quoted(entity)} group by 1"
    ).fetchall():
        rows[workspace] = total
        for field, value in zip(columns, values, strict=True):
            yield (workspace, entity, field), value / total
    for link in manifest.tables.values():
        if link.kind != "link" or link.entity != entity or link.field is None:
            continue
        owners = dict(
            connection.execute(
                "select _workspace_id, count(distinct source_id) "
                f"from octane.{quoted(link.name)} group by 1"
            ).fetchall()
        )
        for workspace, total in rows.items():
            yield (workspace, entity, link.field), owners.get(workspace, 0) / total
