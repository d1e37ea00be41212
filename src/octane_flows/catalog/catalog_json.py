"""A catalogue as JSON, for every other program.

A `Catalog` in, text out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from octane_flows.catalog.catalog_content import Catalog, CatalogColumn, CatalogQuestion

Record = dict[str, Any]


def catalog_json(catalog: Catalog) -> str:
    """Tables, relations and questions; relations also hold within a workspace only."""
    record = {
        "generation": catalog.generation,
        "as_of": f"{catalog.as_of.isoformat()}Z",
        "server_url": catalog.server_url,
        "shared_space": catalog.shared_space,
        "tables": [
            {
                "name": table.name,
                "meaning": table.meaning,
                "a_row_is": table.grain,
                "key": list(table.key),
                "columns": _columns(table.columns),
            }
            for table in catalog.tables
        ],
        "relations": [asdict(relation) for relation in catalog.relations],
        "questions": question_records(catalog.questions),
    }
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def question_records(questions: Iterable[CatalogQuestion]) -> list[Record]:
    """Questions with their parameters and columns."""
    return [
        {
            "name": entry.question.name,
            "kind": entry.question.kind,
            "question": entry.question.text,
            "a_row_is": entry.question.grain,
            "key": list(entry.question.key),
            "example": f"select * from {entry.question.name}()",
            "parameters": [
                {
                    "name": parameter.name,
                    "type": parameter.type,
                    "default": parameter.default,
                    "choices": list(parameter.choices),
                    "meaning": parameter.meaning,
                }
                for parameter in entry.question.parameters
            ],
            "columns": _columns(entry.columns),
        }
        for entry in questions
    ]


def _columns(columns: Iterable[CatalogColumn]) -> list[Record]:
    return [asdict(column) for column in columns]
