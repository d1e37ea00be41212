"""The view `meta.user_defined_values`: every user-defined field in long form, whatever its name.

Table entries of the lake in, one generated view out; `build` and the golden tests create it before
the models, because flow 24 reads it. Octane lets the names of user-defined fields end in `_udf`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import duckdb

from octane_flows.lake import TableEntry
from octane_flows.lake.field_columns import columns_by_field
from octane_flows.models.sql_text import literal, quoted

VIEW = "meta.user_defined_values"
SUFFIX = "_udf"  # the server refuses a user-defined field without it
COLUMNS = {
    "workspace_id": "workspace that the row belongs to",
    "entity_type": "entity type of the item",
    "entity_id": "id of the item",
    "entity_name": "name of the item",
    "id_space": "entity type that Octane's pages show the item under",
    "field_name": "name of the field, which ends in _udf",
    "field_label": "name that Octane shows for the field",
    "field_type": "type of the field in Octane's metadata, such as string",
    "is_multiple": "whether the field can hold several values",
    "value_type": "type of the item referred to; the field's type for plain values",
    "value": "the value as text; the id for a reference",
}
# types that Octane's pages show as one
SHOWN_AS = {
    "story": "work_item",
    "defect": "work_item",
    "quality_story": "work_item",
    "feature": "work_item",
    "epic": "work_item",
    "test_manual": "test",
    "gherkin_test": "test",
    "test_automated": "test",
    "test_suite": "test",
    "run_manual": "run",
    "run_suite": "run",
    "run_automated": "run",
    "gherkin_automated_run": "run",
}


@dataclass(frozen=True)
class _Field:
    entity: str
    has_name: bool
    name: str
    label: str
    type: str
    link_table: str | None
    columns: tuple[str, ...] = ()  # one, or the id and the type of a reference


def create_user_defined_values(
    connection: duckdb.DuckDBPyConnection, entries: Iterable[TableEntry]
) -> None:
    """Create the view, or replace it; without user-defined fields it has no rows."""
    connection.execute(f"create or replace view {VIEW} as\n{user_defined_sql(entries)}")
    comment = "Values of all user-defined fields; a field of many values has many rows."
    connection.execute(f"comment on view {VIEW} is {literal(comment)}")
    for name, meaning in COLUMNS.items():
        connection.execute(f"comment on column {VIEW}.{name} is {literal(meaning)}")


def user_defined_sql(entries: Iterable[TableEntry]) -> str:
    """The select behind the view."""
    selects = [_select(field) for field in _fields(list(entries))]
    return "\nunion all\n".join(selects) or _no_rows()


def _fields(entries: list[TableEntry]) -> Iterator[_Field]:
    named = {
        entry.entity
        for entry in entries
        if entry.kind == "entity" and any(column.name == "name" for column in entry.columns)
    }
    for entry in sorted(entries, key=lambda entry: entry.name):
        has_name = entry.entity in named
        if entry.kind == "link" and (entry.field or "").endswith(SUFFIX):
            label = entry.label.partition(": ")[2] or entry.field or ""
            yield _Field(entry.entity, has_name, entry.field or "", label, "reference", entry.name)
            continue
        by_name = {column.name: column for column in entry.columns}
        fields = columns_by_field(entry.columns) if entry.kind == "entity" else {}
        for (field, _), names in fields.items():
            column = by_name[names[0]]
            if not (column.is_user_defined or field.endswith(SUFFIX)):
                continue
            kind = column.field_type or "string"
            label = (column.label or field).removesuffix(": id")
            yield _Field(entry.entity, has_name, field, label, kind, None, names)


def _select(field: _Field) -> str:
    if field.link_table:
        kind, value = "link.target_type", "link.target_id"
        key = "link._workspace_id, {entity}, link.source_id"
        owner = f"octane.{quoted(field.entity)} as owner"
        source = (
            f"octane.{quoted(field.link_table)} as link\nleft join {owner}\n"
            "    on owner._workspace_id = link._workspace_id\n    and owner.id = link.source_id"
        )
    else:
        if field.type == "reference":
            value, kind = field.columns[0], f"owner.{quoted(field.columns[1])}"
        else:
            kind, value = literal(field.type), field.columns[0]
        value = f"owner.{quoted(value)}"
        key = "owner._workspace_id, {entity}, owner.id"
        source = f"octane.{quoted(field.entity)} as owner\nwhere {value} is not null"
    values = [
        *key.format(entity=literal(field.entity)).split(", "),
        "owner.name" if field.has_name else "null",
        literal(SHOWN_AS.get(field.entity, field.entity)),
        literal(field.name),
        literal(field.label),
        literal(field.type),
        "true" if field.link_table else "false",
        kind,
        f"cast({value} as varchar)",
    ]
    listed = ", ".join(f"{value} as {name}" for value, name in zip(values, COLUMNS, strict=True))
    return f"select {listed}\nfrom {source}"


def _no_rows() -> str:
    types = {"is_multiple": "boolean"}
    listed = ", ".join(f"cast(null as {types.get(name, 'varchar')}) as {name}" for name in COLUMNS)
    return f"select {listed} where false"
