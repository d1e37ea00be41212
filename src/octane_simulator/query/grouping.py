"""Counts and sums of the rows of a collection by the values of its fields.

In: the parameters of `.../groups`. Out: the JSON-ready answer. Called by entity_routes.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from octane_simulator.model.field_model import EntityDef, FieldDef
from octane_simulator.model.refusals import illegal_value, unknown_field
from octane_simulator.query.reader import Caller, Reader
from octane_simulator.store.entity_store import FIRST_ID
from octane_simulator.store.table_layout import Column, column_of, quoted

__all__ = ["groups"]

_SUM = re.compile(r"sum\(([a-z0-9_]+)\)$")
_SHOWN = ("type", "id", "name", "logical_name")


def groups(
    reader: Reader, entity: EntityDef, parameters: Mapping[str, str], caller: Caller
) -> dict[str, Any]:
    """Groups by the fields in `group_by`, the biggest first, with the sums in `group_data`."""
    columns = [_grouped(reader, entity, name) for name in parameters.get("group_by", "").split(",")]
    sums = [_summed(entity, text) for text in parameters.get("group_data", "").split(",") if text]
    condition = reader.condition(entity, parameters.get("query"), caller)
    keys = ", ".join(_sql(column) for column in columns)
    places = ", ".join(str(at + 1) for at in range(len(columns)))
    totals = "".join(f", sum(t.{quoted(name)})" for name in sums)
    reader.check_cap(quoted(reader.schema.family(entity.name)), condition)
    numeric = parameters.get("use_numeric_id") == "true"
    rows = reader.store.read(
        f"SELECT {keys}, count(*){totals} FROM {quoted(reader.schema.family(entity.name))} t"
        f" WHERE {condition.sql} GROUP BY {places} ORDER BY count(*) DESC, {places}",
        condition.parameters,
    )
    result = []
    for row in rows:
        values = [
            _value(reader, column, value, numeric)
            for column, value in zip(columns, row, strict=False)
        ]
        group: dict[str, Any] = {
            "count": row[len(columns)],
            "value": values[0] if len(values) == 1 else values,
        }
        if sums:
            group["aggregatedData"] = dict(zip(sums, row[len(columns) + 1 :], strict=True))
        result.append(group)
    return {"groupsTotalCount": len(result), "groups": result}


def _shown_field(entity: EntityDef, name: str) -> FieldDef:
    definition = entity.fields.get(name)
    if definition is None or definition.filter_only:
        raise unknown_field(entity.name, name)
    return definition


def _grouped(reader: Reader, entity: EntityDef, name: str) -> Column:
    definition = _shown_field(entity, name.strip())
    column = column_of(reader.schema, reader.schema.family(entity.name), definition)
    plain = column.kind == "scalar" and definition.field_type != "object"
    if not plain and column.kind != "single" and definition.name not in {"id", "subtype"}:
        raise illegal_value(f"The field '{definition.name}' cannot be grouped by")
    return column


def _summed(entity: EntityDef, text: str) -> str:
    match = _SUM.match(text.strip())
    if match is None:
        raise illegal_value(f"group_data takes sum(<field>), not '{text}'")
    definition = _shown_field(entity, match[1])
    if definition.field_type not in {"integer", "float"} or definition.name == "workspace_id":
        raise illegal_value(f"The field '{definition.name}' is not a number that can be summed")
    return definition.name


def _sql(column: Column) -> str:
    name = column.field.name
    if column.kind == "single":
        return f"t.{quoted(name + '_id')}"
    return "t.type" if name == "subtype" else f"t.{quoted(name)}"


def _value(reader: Reader, column: Column, value: Any, numeric: bool) -> Any:
    if value is None:
        return None
    if column.kind == "single":
        far = reader.store.get(column.far_family, str(value), links=()) or {}
        shown = {key: far[key] for key in _SHOWN if key in far}
        if numeric and column.far_family == "list_node":
            shown["id"] = _number_of(reader, str(value))
        return shown
    if column.field.field_type == "boolean":
        return bool(value)
    return str(value) if column.field.name == "id" else value


def _number_of(reader: Reader, node: str) -> str:
    """The number that a list node has beside its logical name."""
    rows = reader.store.read("SELECT rowid FROM list_node WHERE id = ?", (node,))
    return str(FIRST_ID - 1 + int(rows[0][0]))
