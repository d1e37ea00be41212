"""The SQLite layout that follows from the schema.

In: a Schema. Out: DDL statements, column lists and the way each field is stored. Used by
entity_store.py, query_sql.py and row_json.py, so that the three agree on names.
"""

from __future__ import annotations

from dataclasses import dataclass

from octane_simulator.model.entity_schema import Schema
from octane_simulator.model.field_model import NAMED_FAMILIES, FieldDef

__all__ = ["Column", "columns_of", "family_ddl", "field_ddl", "link_ddl", "quoted"]

# Fields without a column: they are computed from the row itself.
VIRTUAL_FIELDS = frozenset({"id", "type", "subtype", "workspace_id", "is_test_last_run"})


@dataclass(frozen=True)
class Column:
    """How one field is stored: `scalar`, `single`, `link`, `inverse` or `virtual`."""

    field: FieldDef
    kind: str
    far_family: str = ""


def quoted(name: str) -> str:
    """A name as SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def column_of(schema: Schema, family: str, definition: FieldDef) -> Column:
    """How a field of a family is stored."""
    name = definition.name
    if name in VIRTUAL_FIELDS:
        return Column(definition, "virtual")
    if not definition.is_reference:
        return Column(definition, "scalar")
    if not definition.multiple:
        return Column(definition, "single", schema.family(definition.targets[0]))
    if (family, name) in schema.inverses:
        return Column(definition, "inverse", schema.inverses[(family, name)].child)
    return Column(definition, "link", schema.link_ends[(family, name)].far_family)


def columns_of(schema: Schema, family: str) -> dict[str, Column]:
    """Every field of a family with the way it is stored."""
    return {
        name: column_of(schema, family, definition)
        for name, definition in schema.family_fields(family).items()
    }


def id_type(family: str) -> str:
    """SQLite type of ids: text for reference data, integers otherwise."""
    return "TEXT" if family in NAMED_FAMILIES else "INTEGER"


_SQL_TYPES = {"integer": "INTEGER", "boolean": "INTEGER", "float": "REAL"}


def field_ddl(column: Column) -> list[str]:
    """Column definitions of one field (none for links, inverses and virtual fields)."""
    name = column.field.name
    if column.kind == "scalar":
        return [f"{quoted(name)} {_SQL_TYPES.get(column.field.field_type, 'TEXT')}"]
    if column.kind == "single":
        return [
            f"{quoted(name + '_id')} {id_type(column.far_family)}",
            f"{quoted(name + '_type')} TEXT",
        ]
    return []


def family_ddl(schema: Schema, family: str) -> list[str]:
    """Statements that make the table of a family and its indexes."""
    definitions = [f"id {id_type(family)} PRIMARY KEY NOT NULL", "type TEXT NOT NULL"]
    for column in columns_of(schema, family).values():
        definitions += field_ddl(column)
    statements = [f"CREATE TABLE {quoted(family)} ({', '.join(definitions)})"]
    if len(schema.members(family)) > 1:
        statements.append(f"CREATE INDEX {quoted(family + '.type')} ON {quoted(family)} (type)")
    for inverse in schema.inverses.values():
        if inverse.child == family:
            statements.append(index_ddl(family, f"{inverse.reference}_id"))
    return list(dict.fromkeys(statements))


def index_ddl(family: str, column: str) -> str:
    """A partial index over the filled values of a reference column."""
    return (
        f"CREATE INDEX {quoted(f'{family}.{column}')} ON {quoted(family)} ({quoted(column)}) "
        f"WHERE {quoted(column)} IS NOT NULL"
    )


def link_ddl(schema: Schema) -> dict[str, list[str]]:
    """Statements for every link table, by link name."""
    sides: dict[str, dict[str, str]] = {}
    for (family, _), end in schema.link_ends.items():
        sides.setdefault(end.link, {}).update({end.own: family, end.far: end.far_family})
    return {
        name: [
            f"CREATE TABLE {quoted(name)} (a {id_type(ends['a'])} NOT NULL, a_type TEXT NOT NULL,"
            f" b {id_type(ends['b'])} NOT NULL, b_type TEXT NOT NULL, PRIMARY KEY (a, b))"
            " WITHOUT ROWID",
            f"CREATE INDEX {quoted(name + '.b')} ON {quoted(name)} (b, a, a_type)",
        ]
        for name, ends in sides.items()
    }
