"""DuckDB's syntax tree of a select: how it is parsed, walked, and what its nodes mean.

SQL in, the tree of `json_serialize_sql` out. Everything of ours that reads SQL reads it here:
sources, columns that are read, rows that depend on others, and what columns are derived from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from octane_flows.errors import ModelError

Node = dict[str, Any]


@dataclass(frozen=True)
class TableReference:
    """A table in a from clause; `schema` is empty for a common table, `is_call`: a macro's rows."""

    schema: str
    name: str
    alias: str
    is_call: bool
    has_column_aliases: bool

    @property
    def qualified_name(self) -> str:
        """The name with its schema, as in `er.tests`."""
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True)
class CommonTable:
    """A named query of a `with` clause."""

    name: str
    query: Node
    column_aliases: list[str]


def parse_sql(sql: str, where: str, connection: duckdb.DuckDBPyConnection) -> Node:
    """The tree of a single select; anything else is a `ModelError` with file and line."""
    serialized = connection.execute("select json_serialize_sql(?)", [sql]).fetchall()[0][0]
    tree: Node = json.loads(serialized)
    if tree.get("error"):
        position = tree.get("position")
        line = sql.count("\n", 0, int(position)) + 1 if position else 1
        raise ModelError(
            f"{where}:{line}: DuckDB cannot parse this as a select "
            f"({str(tree.get('error_message')).splitlines()[0]}); correct the SQL."
        )
    if len(tree["statements"]) != 1:
        raise ModelError(
            f"{where}:1: the file holds {len(tree['statements'])} statements; keep one."
        )
    return tree


def root(tree: Any) -> Node:
    """The query of a parsed select."""
    node: Node = tree["statements"][0]["node"]
    return node


def nodes(tree: Any) -> Iterator[Node]:
    """Every node of a syntax tree, outer ones first."""
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            inner = [each for each in value.values() if each and isinstance(each, (dict, list))]
        elif isinstance(value, list):
            inner = [each for each in value if isinstance(each, (dict, list))]
        else:
            continue
        waiting += reversed(inner)


def common_tables(query: Any) -> Iterator[CommonTable]:
    """The named queries of a query's `with` clause, in their order."""
    for entry in (query.get("cte_map") or {}).get("map", []):
        value = entry["value"]
        yield CommonTable(entry["key"], value["query_node"], value.get("aliases") or [])


def table_reference(node: Any) -> TableReference | None:
    """The table or table function that a node of a from clause names; None for other nodes."""
    has_column_aliases = bool(node.get("column_name_alias"))
    if node.get("type") == "BASE_TABLE":
        name, schema = node["table_name"], node["schema_name"]
        return TableReference(schema, name, node["alias"] or name, False, has_column_aliases)
    if node.get("type") == "TABLE_FUNCTION":
        function = node["function"]
        name, schema = function["function_name"], function.get("schema") or ""
        return TableReference(schema, name, node["alias"] or name, True, has_column_aliases)
    return None


def called_function(node: Any) -> str:
    """The name of the function that a node calls, with its schema; empty for other nodes."""
    if "function_name" not in node or not node.get("schema"):
        return ""
    return f"{node['schema']}.{node['function_name']}"


def column_path(node: Any) -> list[str] | None:
    """The names of a column reference, the column's own last; None for other nodes."""
    if node.get("class") != "COLUMN_REF":
        return None
    names: list[str] = node["column_names"]
    return names
