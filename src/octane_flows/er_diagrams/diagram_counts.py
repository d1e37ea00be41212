"""Counts for a diagram: rows, references and those that lead nowhere, from one's own warehouse.

An open warehouse and a `Diagram` in, the diagram with counts, types and user-defined references
out.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from octane_flows.er_diagrams.diagram import Box, BoxColumn, Diagram, Line
from octane_flows.models.entity_relations import tables_of_entities
from octane_flows.models.model import load_models
from octane_flows.models.sql_folder import sql_folder

ROWS = "select model, row_count from meta.models where model like 'er.%'"
RELATIONS = (
    "select source_table, source_column, target_table, target_column, rest_fields, "
    "is_user_defined, link_count, dangling_count from meta.relations order by all"
)
TYPES = "select model, column_name, type from meta.columns where model like 'er.%'"


def with_counts(
    diagram: Diagram, connection: duckdb.DuckDBPyConnection, *, user_defined: bool = True
) -> Diagram:
    """The diagram with what the warehouse knows; `user_defined`: with the server's own fields."""
    rows = dict(connection.execute(ROWS).fetchall())
    relations = connection.execute(RELATIONS).fetchall()
    counts = {(row[0], row[1]): (row[6], row[7]) for row in relations if not row[5]}
    types: dict[str, dict[str, str]] = {}
    for table, column, column_type in connection.execute(TYPES).fetchall():
        types.setdefault(table, {})[column] = column_type
    lines = [
        replace(line, links=links, dangling=dangling)
        for line in diagram.lines
        for links, dangling in [counts.get((line.source, line.column), (None, None))]
    ]
    boxes = [replace(box, rows=rows.get(box.name)) for box in diagram.boxes]
    if user_defined:
        own = _user_defined_lines(diagram, [row for row in relations if row[5]])
        lines += own
        boxes = [_with_columns(box, own) for box in boxes]
    return replace(diagram, boxes=tuple(boxes), lines=tuple(lines), types=types)


@cache
def _tables_of_entities(_: Path) -> dict[str, str]:
    """The tables by entity type, once for the models of a folder and not for each diagram."""
    return tables_of_entities(load_models())


def _user_defined_lines(diagram: Diagram, relations: list[tuple[Any, ...]]) -> list[Line]:
    """References of user-defined fields between tables of the diagram."""
    if not relations:
        return []
    tables = _tables_of_entities(sql_folder())
    names = {box.name for box in diagram.boxes}
    lines = []
    for source, _, target, target_column, fields, _, links, dangling in relations:
        entity, _, link_field = source.removeprefix("octane.").partition("__")
        table = tables.get(entity)
        if table in names and target in names:
            lines.append(
                Line(
                    source=str(table),
                    column=fields[0].partition(".")[2],
                    target=target,
                    target_column=target_column,
                    fields=tuple(fields),
                    is_multiple=bool(link_field),
                    links=links,
                    dangling=dangling,
                )
            )
    return lines


def _with_columns(box: Box, lines: list[Line]) -> Box:
    columns = {
        line.column: BoxColumn(line.column, is_reference=True, fields=line.fields)
        for line in lines
        if line.source == box.name
    }
    return replace(box, columns=(*box.columns, *columns.values()))
