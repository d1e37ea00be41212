"""What a warehouse holds, as records: tables with columns, relations, questions.

An opened warehouse in, a `Catalog` out; the modules for the formats write it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from octane_flows.questions import Kind, Question, list_questions

KINDS: tuple[Kind, ...] = ("flow", "metric", "plan")
TABLES = """
select tables.schema_name, tables.table_name, tables.comment from duckdb_tables() as tables
where tables.schema_name in ('er', 'octane', 'past', 'meta') and not tables.internal
union all
select views.schema_name, views.view_name, views.comment from duckdb_views() as views
where views.schema_name in ('er', 'octane', 'past', 'meta') and not views.internal
order by all
"""
COLUMNS = """
select columns.schema_name || '.' || columns.table_name as name, columns.column_name,
    columns.data_type, columns.comment
from duckdb_columns() as columns
where columns.schema_name in ('er', 'octane', 'past', 'meta')
order by name, columns.column_index
"""
MODELS = "select models.model, models.key_columns, models.grain from meta.models as models"
RELATIONS = """
select relations.source_table, relations.source_column, relations.target_table,
    relations.target_column, relations.is_required, relations.is_unique, relations.may_be_gone
from meta.relations as relations
order by all
"""
ANSWERS = "select columns.model, columns.column_name, columns.type from meta.columns as columns"


@dataclass(frozen=True)
class CatalogColumn:
    """A column with its type in DuckDB and what it means."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class CatalogTable:
    """A table or view; `key` is empty where none is declared."""

    schema: str
    table: str
    meaning: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[CatalogColumn, ...]

    @property
    def name(self) -> str:
        """The table with its schema, as in `er.runs`."""
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True)
class CatalogRelation:
    """`source_column` holds the `target_column` of a row of the same workspace."""

    source_table: str
    source_column: str
    target_table: str
    target_column: str
    is_required: bool
    is_unique: bool
    may_be_gone: bool


@dataclass(frozen=True)
class CatalogQuestion:
    """A flow, metric or plan with the types of its answer's columns."""

    question: Question
    columns: tuple[CatalogColumn, ...]


@dataclass(frozen=True)
class Catalog:
    """All that a warehouse holds; `server_url` and `shared_space` say whose it is."""

    generation: int
    as_of: datetime
    server_url: str
    shared_space: str
    tables: tuple[CatalogTable, ...]
    relations: tuple[CatalogRelation, ...]
    questions: tuple[CatalogQuestion, ...]


def read_catalog(connection: duckdb.DuckDBPyConnection) -> Catalog:
    """Read what the warehouse says about itself."""
    [(generation, as_of, server_url, shared_space)] = connection.execute(
        "select generation.generation, generation.as_of, generation.server_url, "
        "generation.shared_space from meta.generation as generation"
    ).fetchall()
    return Catalog(
        generation,
        as_of,
        server_url,
        shared_space,
        tables=tuple(_tables(connection)),
        relations=tuple(CatalogRelation(*row) for row in connection.execute(RELATIONS).fetchall()),
        questions=tuple(_questions(connection)),
    )


def _tables(connection: duckdb.DuckDBPyConnection) -> list[CatalogTable]:
    columns: dict[str, list[CatalogColumn]] = {}
    for name, column, type, comment in connection.execute(COLUMNS).fetchall():
        columns.setdefault(name, []).append(CatalogColumn(column, type, comment or ""))
    models = {
        model: (tuple(key or ()), grain or "")
        for model, key, grain in connection.execute(MODELS).fetchall()
    }
    tables = []
    for schema, table, comment in connection.execute(TABLES).fetchall():
        name = f"{schema}.{table}"
        key, grain = models.get(name, ((), ""))
        own_columns = tuple(columns.get(name, ()))
        key = key or _key_of_octane(schema, {column.name for column in own_columns})
        tables.append(CatalogTable(schema, table, comment or "", grain, key, own_columns))
    return tables


def _key_of_octane(schema: str, columns: set[str]) -> tuple[str, ...]:
    """The key of a table of the server: the id, or both ends of a link."""
    if schema != "octane":
        return ()
    if "source_id" in columns:
        return ("_workspace_id", "source_id", "target_id")
    return ("_workspace_id", "id")


def _questions(connection: duckdb.DuckDBPyConnection) -> list[CatalogQuestion]:
    types = {
        (model, column): type for model, column, type in connection.execute(ANSWERS).fetchall()
    }
    return [
        CatalogQuestion(
            question,
            tuple(
                CatalogColumn(
                    column.name, types.get((question.name, column.name), ""), column.meaning
                )
                for column in question.columns
            ),
        )
        for kind in KINDS
        for question in list_questions(kind)
    ]
