"""A diagram in Mermaid's language, which GitHub, GitLab and JupyterLab draw.

A `Diagram` in, the text of an `erDiagram` out.
"""

from __future__ import annotations

from octane_flows.er_diagrams.diagram import Box, BoxColumn, Diagram, Line


def mermaid_text(diagram: Diagram) -> str:
    """The text, with a line break at its end."""
    lines = ["erDiagram"]
    for box in diagram.boxes:
        lines += _box(box)
    lines += [f"    {_relation(line)}" for line in diagram.lines]
    return "\n".join(lines) + "\n"


def entity_name(table: str) -> str:
    """A table's name as Mermaid takes it: without dots."""
    return table.removeprefix("er.").replace(".", "_")


def _box(box: Box) -> list[str]:
    name = entity_name(box.name)
    shown = f'{name}["{box.title}: {box.rows:,} rows"]' if box.rows is not None else name
    if not box.columns:
        return [f"    {shown}"]
    return [f"    {shown} {{", *(f"        {_column(column)}" for column in box.columns), "    }"]


def _column(column: BoxColumn) -> str:
    marks = [
        mark for mark, is_set in (("PK", column.is_key), ("FK", column.is_reference)) if is_set
    ]
    return " ".join([column.kind, column.name, *([", ".join(marks)] if marks else [])])


def _relation(line: Line) -> str:
    """The side of the target stands first, as in `tests ||--o{ runs`."""
    left = "}o" if line.is_multiple else ("||" if line.is_required else "|o")
    right = "o|" if line.is_unique else "o{"
    text = line.column
    if line.field_names:
        text += f" (REST: {', '.join(line.field_names)})"
    if line.counts:
        text += f" {line.counts}"
    return f'{entity_name(line.target)} {left}--{right} {entity_name(line.source)} : "{text}"'
