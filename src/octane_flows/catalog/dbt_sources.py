"""A catalogue as sources of dbt: a YAML file for the folder `models` of a dbt project.

A `Catalog` and the name of the attached database in, text out. Relations become tests of
relationships, keys become tests for null.
"""

from __future__ import annotations

from typing import Any

from octane_flows.catalog.catalog_content import Catalog, CatalogRelation, CatalogTable
from octane_flows.catalog.catalog_json import question_records
from octane_flows.catalog.yaml_text import yaml_text

SCHEMAS = ("er", "octane", "past")
Record = dict[str, Any]


def dbt_sources(catalog: Catalog, database: str) -> str:
    """One source for each schema; the questions are told in `meta`, because dbt knows no macros
    of a source's database.
    """
    relations: dict[tuple[str, str], list[CatalogRelation]] = {}
    for relation in catalog.relations:
        key = (relation.source_table, relation.source_column)
        relations.setdefault(key, []).append(relation)
    sources = [
        {
            "name": _source_name(schema),
            "database": database,
            "schema": schema,
            "description": _harmless(
                f"ALM Octane, shared space {catalog.shared_space} of {catalog.server_url}, "
                f"generation {catalog.generation}"
            ),
            "tables": [
                _table(table, relations) for table in catalog.tables if table.schema == schema
            ],
        }
        for schema in SCHEMAS
    ]
    sources[0]["config"] = {"meta": {"questions": _harmless(question_records(catalog.questions))}}
    return yaml_text({"version": 2, "sources": [source for source in sources if source["tables"]]})


def _source_name(schema: str) -> str:
    return schema if schema == "octane" else f"octane_{schema}"


def _table(table: CatalogTable, relations: dict[tuple[str, str], list[CatalogRelation]]) -> Record:
    columns = []
    for column in table.columns:
        tests: list[Any] = ["not_null"] if column.name in table.key else []
        tests += [
            _relationship(relation)
            for relation in relations.get((table.name, column.name), [])
            if not relation.may_be_gone  # a reference to nothing is no fault there
        ]
        columns.append(
            {
                "name": column.name,
                "data_type": column.type,
                "description": _harmless(column.meaning),
                **({"data_tests": tests} if tests else {}),
            }
        )
    meaning = f"{table.meaning} One row is {table.grain}." if table.grain else table.meaning
    return {"name": table.table, "description": _harmless(meaning), "columns": columns}


def _relationship(relation: CatalogRelation) -> Record:
    schema, _, table = relation.target_table.partition(".")
    return {
        "relationships": {
            "arguments": {
                "to": f"source('{_source_name(schema)}', '{table}')",
                "field": relation.target_column,
            }
        }
    }


def _harmless(value: Any) -> Any:
    """Texts without what dbt would run: it takes descriptions for Jinja templates."""
    if isinstance(value, str):
        return value.replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #")
    if isinstance(value, dict):
        return {name: _harmless(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_harmless(item) for item in value]
    return value
