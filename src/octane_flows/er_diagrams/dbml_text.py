"""A diagram in DBML, which tools for database diagrams read.

A `Diagram` in, text out. Keys and relations have the workspace's id, because ids are unique in a
workspace only.
"""

from __future__ import annotations

from octane_flows.er_diagrams.diagram import Box, BoxColumn, Diagram, Line
from octane_flows.models.entity_relations import WORKSPACE

#: Types of columns without a warehouse, by the kind that their names say.
TYPES = {"time": "timestamp", "date": "date", "number": "bigint", "share": "double"}


def dbml_text(diagram: Diagram) -> str:
    """The text, with a line break at its end."""
    parts = [_table(diagram, box) for box in diagram.boxes]
    parts += ["\n".join(_reference(line) for line in diagram.lines)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(diagram: Diagram, box: Box) -> str:
    types = diagram.types.get(box.name, {})
    key = [column.name for column in box.columns if column.is_key]
    lines = [f"  {WORKSPACE} varchar", *(_column(column, types) for column in box.columns)]
    lines.append(f"  indexes {{ ({', '.join([WORKSPACE, *key])}) [pk] }}")
    if box.rows is not None:
        lines.append(f"  Note: '{box.rows:,} rows'")
    return "\n".join([f"Table {box.name} {{", *lines, "}"])


def _column(column: BoxColumn, types: dict[str, str] | object) -> str:
    dbml_type = types.get(column.name) if isinstance(types, dict) else None
    kind = "boolean" if column.kind == "flag" else TYPES.get(column.kind, "varchar")
    note = f" [note: 'REST: {', '.join(column.fields)}']" if column.fields else ""
    return f"  {column.name} {(dbml_type or kind).lower()}{note}"


def _reference(line: Line) -> str:
    sign = "<>" if line.is_multiple else ("-" if line.is_unique else ">")
    note = f" // {line.counts}" if line.counts else ""
    return (
        f"Ref: {line.source}.({WORKSPACE}, {line.column}) {sign} "
        f"{line.target}.({WORKSPACE}, {line.target_column}){note}"
    )
