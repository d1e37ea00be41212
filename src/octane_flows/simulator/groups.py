"""Groups of a collection: how many rows have which value, and sums over them.

In: an entity type and the query-string parameters. Out: JSON-ready groups. Called by
routes_entity.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from octane_flows.simulator.answers import illegal_value, unknown_field
from octane_flows.simulator.reads import Caller, Reader
from octane_flows.simulator.schema import EntityDef
from octane_flows.simulator.tables import column_of, quoted

__all__ = ["groups_of"]

_SUM = re.compile(r"sum\(([a-z0-9_]+)\)")
_SHOWN = ("type", "id", "name", "logical_name")


def groups_of(
    reader: Reader, entity: EntityDef, parameters: Mapping[str, str], caller: Caller
) -> dict[str, Any]:
    """Counts by the values of a field, the biggest first, with the sums that `group_data` names."""
    name = parameters.get("group_by", "")
    definition = entity.fields.get(name)
    if definition is None or definition.filter_only:
        raise unknown_field(entity.name, name)
    schema, store = reader.schema, reader.store
    family = schema.family(entity.name)
    column = column_of(schema, family, definition)
    if column.kind not in {"single", "scalar", "virtual"}:
        raise illegal_value(f"The field '{name}' cannot be grouped by")
    sql = f"t.{quoted(name)}"
    if column.kind == "single":
        sql = f"t.{quoted(name + '_id')}"
    elif name == "subtype":
        sql = "t.type"
    summed = _summed(entity, parameters.get("group_data", ""))
    sums = "".join(f", sum(t.{quoted(one)})" for one in summed)
    condition = reader.condition(entity, parameters.get("query"), caller)
    rows = store.read(
        f"SELECT {sql}, count(*){sums} FROM {quoted(family)} t WHERE {condition.sql}"
        " GROUP BY 1 ORDER BY 2 DESC, 1",
        condition.parameters,
    )
    groups: list[dict[str, Any]] = []
    for value, count, *totals in rows:
        shown: Any = value
        if column.kind == "single" and value is not None:
            far = store.get(column.far_family, str(value)) or {}
            shown = {key: far[key] for key in _SHOWN if key in far}
        group = {"count": count, "value": shown}
        if summed:
            group["aggregatedData"] = dict(zip(summed, totals, strict=True))
        groups.append(group)
    return {"groupsTotalCount": len(groups), "groups": groups}


def _summed(entity: EntityDef, text: str) -> list[str]:
    """The fields in `sum(a),sum(b)`."""
    names = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        match = _SUM.fullmatch(part)
        if match is None:
            raise illegal_value(f"group_data takes sum(field), not {part}")
        definition = entity.fields.get(match[1])
        if definition is None:
            raise unknown_field(entity.name, match[1])
        if definition.field_type not in {"integer", "float"}:
            raise illegal_value(f"The field '{match[1]}' cannot be summed")
        names.append(match[1])
    return names
