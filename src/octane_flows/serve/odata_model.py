"""What OData serves of one generation: tables as entity sets, flows and metrics as functions.

A reader in, an `ODataModel` out; `odata_metadata` describes it, `odata_answers` reads it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from octane_flows.models.sql_text import quoted
from octane_flows.questions import Question, list_questions
from octane_flows.serve.warehouse_reader import WarehouseReader

TABLE_SCHEMAS: Final = ("er", "past", "meta")
#: The key of tables that name none: the place of a row, which is the same within a generation.
ROW_NUMBER: Final = "row_number"
_IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w{0,127}")
EDM_TYPES: Final = (
    ("VARCHAR", "Edm.String"),
    ("JSON", "Edm.String"),
    ("BIGINT", "Edm.Int64"),
    ("INTEGER", "Edm.Int32"),
    ("DOUBLE", "Edm.Double"),
    ("BOOLEAN", "Edm.Boolean"),
    ("TIMESTAMP", "Edm.DateTimeOffset"),
    ("DATE", "Edm.Date"),
    ("DECIMAL", "Edm.Decimal"),
)


@dataclass(frozen=True)
class ServedRows:
    """A table, or a question: its name in OData, columns with DuckDB's types, and meanings.

    `source` is what stands behind `from`; a question's is its macro without inputs.
    """

    name: str
    source: str
    meaning: str
    columns: Mapping[str, str]
    meanings: Mapping[str, str]
    key: tuple[str, ...]
    question: Question | None = None


@dataclass(frozen=True)
class ODataModel:
    """Everything that one generation serves, by its name in OData."""

    tables: Mapping[str, ServedRows]
    functions: Mapping[str, ServedRows]


def edm_type(duckdb_type: str) -> str | None:
    """The type of OData for a type of DuckDB; None where OData has none."""
    is_list = duckdb_type.endswith("[]")
    name = duckdb_type.removesuffix("[]")
    edm = next((edm for prefix, edm in EDM_TYPES if name.startswith(prefix)), None)
    if edm is None or name.endswith("]"):
        return None
    return f"Collection({edm})" if is_list else edm


def read_model(reader: WarehouseReader) -> ODataModel:
    """What the reader's warehouse has."""
    keys = dict(
        reader.execute("select models.model, models.key_columns from meta.models").fetchall()
    )
    tables = _tables(reader, keys)
    return ODataModel(tables, _functions(reader, keys))


def _tables(reader: WarehouseReader, keys: Mapping[str, list[str]]) -> dict[str, ServedRows]:
    rows = reader.execute(
        "select columns.schema_name, columns.table_name, columns.column_name, columns.data_type, "
        "coalesce(columns.comment, '') from duckdb_columns() as columns "
        "where columns.database_name = 'warehouse' "
        "and list_contains($schemas, columns.schema_name) "
        "order by columns.schema_name, columns.table_name, columns.column_index",
        {"schemas": list(TABLE_SCHEMAS)},
    ).fetchall()
    meanings: dict[tuple[str, str], str] = {
        (schema, name): comment
        for schema, name, comment in reader.execute(
            "select schema_name, table_name, coalesce(comment, '') from duckdb_tables() "
            "union all select schema_name, view_name, coalesce(comment, '') from duckdb_views()"
        ).fetchall()
    }
    stored = {
        (schema, name)
        for schema, name in reader.execute(
            "select schema_name, table_name from duckdb_tables()"
        ).fetchall()
    }
    columns: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    comments: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for schema, table, column, kind, comment in rows:
        if edm_type(kind) and _IDENTIFIER.fullmatch(column):
            columns[schema, table][column] = kind
            comments[schema, table][column] = comment
    served: dict[str, ServedRows] = {}
    for (schema, table), kinds in columns.items():
        source = f"{quoted(schema)}.{quoted(table)}"
        key = tuple(keys.get(f"{schema}.{table}") or ())
        if not key or not set(key) <= set(kinds):
            source = _numbered(source, kinds, is_stored=(schema, table) in stored)
            kinds = {ROW_NUMBER: "BIGINT", **kinds}
            comments[schema, table][ROW_NUMBER] = "place of the row in this generation"
            key = (ROW_NUMBER,)
        name = f"{schema}_{table}"
        served[name] = ServedRows(
            name, source, meanings.get((schema, table), ""), kinds, comments[schema, table], key
        )
    return served


def _numbered(source: str, columns: Mapping[str, str], *, is_stored: bool) -> str:
    """The rows of a table or view without key, each with its place."""
    names = ", ".join(f"origin.{quoted(name)}" for name in columns)
    place = f"row_number() over ({'' if is_stored else f'order by {names}'})"
    return f"(select {place} as {ROW_NUMBER}, {names} from {source} as origin)"


def _functions(reader: WarehouseReader, keys: Mapping[str, list[str]]) -> dict[str, ServedRows]:
    columns: dict[str, dict[str, str]] = defaultdict(dict)
    comments: dict[str, dict[str, str]] = defaultdict(dict)
    for model, column, kind, meaning in reader.execute(
        "select columns.model, columns.column_name, columns.type, columns.meaning "
        "from meta.columns as columns order by columns.model, columns.position"
    ).fetchall():
        if edm_type(kind):
            columns[model][column] = kind
            comments[model][column] = meaning
    questions = [*list_questions("flow"), *list_questions("metric")]
    return {
        f"{question.kind}_{question.slug}": ServedRows(
            f"{question.kind}_{question.slug}",
            question.name,
            question.text,
            columns[question.name],
            comments[question.name],
            question.key,
            question,
        )
        for question in questions
        if question.name in keys and columns[question.name]
    }
