"""What a warehouse has, for the tool `describe`: all of it in short, or one table or question.

An opened warehouse and a name in, records out.
"""

from __future__ import annotations

from typing import Any

import duckdb

from octane_flows.errors import UsageError
from octane_flows.questions import Kind, Question, list_questions
from octane_flows.questions.catalogue import nearest
from octane_flows.warehouse import table_relation

KINDS: tuple[Kind, ...] = ("flow", "metric", "plan")
TABLES = """
select schema_name || '.' || table_name as name, comment from duckdb_tables()
where schema_name in ('er', 'past', 'meta')
union all
select schema_name || '.' || view_name, comment from duckdb_views()
where schema_name in ('er', 'past', 'meta') and not internal
order by name
"""
OCTANE_TABLES = """
select 'octane.' || tables.table_name as name, tables.label, tables.row_count
from meta.tables as tables
where tables.row_count > 0
order by name
"""
COLUMNS = """
select columns.column_name, columns.data_type, columns.comment
from duckdb_columns() as columns
where columns.schema_name = $schema and columns.table_name = $table
order by columns.column_index
"""
RELATIONS = """
select relations.source_table || '.' || relations.source_column as reference,
    relations.target_table || '.' || relations.target_column as refers_to
from meta.relations as relations
where $name in (relations.source_table, relations.target_table)
order by all
"""
ANSWER_TYPES = """
select columns.column_name, columns.type from meta.columns as columns where columns.model = $name
"""

Record = dict[str, Any]


def overview(connection: duckdb.DuckDBPyConnection) -> Record:
    """Every table with what it holds, and every question; of octane.* those that have rows."""
    tables = connection.execute(TABLES).fetchall()
    octane = connection.execute(OCTANE_TABLES).fetchall()
    return {
        "questions": [
            {"name": question.name, "question": question.text}
            for kind in KINDS
            for question in list_questions(kind)
        ],
        "tables": [{"name": name, "meaning": comment} for name, comment in tables],
        "octane_tables": [
            {"name": name, "label": label, "row_count": count} for name, label, count in octane
        ],
    }


def description_of(connection: duckdb.DuckDBPyConnection, name: str) -> Record:
    """What a table or a question means. Raises UsageError with the nearest names."""
    questions = {question.name: question for kind in KINDS for question in list_questions(kind)}
    by_slug = {question.slug: question for question in reversed(questions.values())}
    if question := questions.get(name) or by_slug.get(name):
        return _of_question(connection, question)
    if "." not in name:
        raise UsageError(
            f"There is no question '{name}', and tables are named with their schema, such as "
            f"er.{name}; {nearest(name, list(by_slug))}"
        )
    if name.split(".")[0] in KINDS:
        raise UsageError(f"There is no question '{name}'; {nearest(name, list(questions))}")
    row_count = table_relation(connection, name).aggregate("count(*)").fetchall()[0][0]
    schema, _, table = name.partition(".")
    columns = connection.execute(COLUMNS, {"schema": schema, "table": table}).fetchall()
    relations = connection.execute(RELATIONS, {"name": name}).fetchall()
    return {
        "name": name,
        "kind": "table",
        "row_count": row_count,
        "columns": [
            {"name": column, "type": type, "meaning": meaning} for column, type, meaning in columns
        ],
        "relations": [
            {"reference": reference, "refers_to": target} for reference, target in relations
        ],
    }


def _of_question(connection: duckdb.DuckDBPyConnection, question: Question) -> Record:
    types = dict(connection.execute(ANSWER_TYPES, {"name": question.name}).fetchall())
    return {
        "name": question.name,
        "kind": question.kind,
        "question": question.text,
        "a_row_is": question.grain,
        "key": list(question.key),
        "source": question.source,
        "parameters": [
            {
                "name": parameter.name,
                "type": parameter.type,
                "default": parameter.default,
                "meaning": parameter.meaning,
            }
            for parameter in question.parameters
        ],
        "columns": [
            {"name": column.name, "type": types.get(column.name), "meaning": column.meaning}
            for column in question.columns
        ],
        "notes": [f"{note.topic}: {note.text}" for note in question.notes],
    }
