"""Tables and free SQL of an opened warehouse as relations; a mistake becomes one sentence.

A connection and a name or SQL in, a DuckDB relation out; the command line and `api` call it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from octane_flows.errors import UsageError


def sql_relation(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Any] | None = None
) -> duckdb.DuckDBPyRelation:
    """What a user's SQL gives; a statement without rows gives an empty relation."""
    try:
        relation = connection.sql(sql, params=dict(parameters) if parameters else None)
    except duckdb.Error as error:
        raise UsageError(_message(error)) from None
    return relation if relation is not None else connection.sql("select 1 as nothing where false")


def _message(error: duckdb.Error) -> str:
    first = str(error).split("\n\n", 1)[0].replace("\n", " ")
    return f"The warehouse did not accept this SQL: {first}"


def table_relation(connection: duckdb.DuckDBPyConnection, name: str) -> duckdb.DuckDBPyRelation:
    """All rows of `schema.table`. Raises UsageError with the nearest names."""
    schema, dot, table = name.partition(".")
    if not dot:
        raise UsageError(f"Name the schema too, such as er.{name} or octane.{name}.")
    tables = connection.execute(
        "select distinct schema_name || '.' || table_name from duckdb_columns() "
        "where schema_name = ? or table_name = ? order by all",
        [schema, table],
    ).fetchall()
    names = [table for (table,) in tables]
    if name not in names:
        near = ", ".join(names[:8]) or "octane.*, er.*, meta.*"
        raise UsageError(f"There is no table {name} in the warehouse; there are {near}.")
    return connection.sql(f'select * from "{schema}"."{table}"')  # both names exist
