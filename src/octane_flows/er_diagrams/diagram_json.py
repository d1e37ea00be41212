"""A diagram as JSON, for tools that draw or compare it themselves.

A `Diagram` in, text out.
"""

from __future__ import annotations

import json

from octane_flows.er_diagrams.diagram import Diagram
from octane_flows.models.entity_relations import WORKSPACE


def diagram_json(diagram: Diagram) -> str:
    """Tables with columns, and relations with REST fields and counts (null without a warehouse)."""
    record = {
        "title": diagram.title,
        "also_equal": WORKSPACE,
        "tables": [
            {
                "table": box.name,
                "row_count": box.rows,
                "columns": [
                    {
                        "column": column.name,
                        "type": diagram.types.get(box.name, {}).get(column.name),
                        "is_key": column.is_key,
                        "is_reference": column.is_reference,
                        "rest_fields": list(column.fields),
                    }
                    for column in box.columns
                ],
            }
            for box in diagram.boxes
        ],
        "relations": [
            {
                "source_table": line.source,
                "source_column": line.column,
                "target_table": line.target,
                "target_column": line.target_column,
                "rest_fields": list(line.fields),
                "is_required": line.is_required,
                "is_unique": line.is_unique,
                "is_multiple": line.is_multiple,
                "may_be_gone": line.may_be_gone,
                "link_count": line.links,
                "dangling_count": line.dangling,
            }
            for line in diagram.lines
        ],
    }
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"
