"""Which columns a model's columns are made of, from DuckDB's syntax tree of its SQL.

Models in, columns of the tables they read out; Dagster's assets show them. What cannot be followed
for certain, such as a column without its table's name among several tables, is left out whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import duckdb

from octane_flows.models.model import Model
from octane_flows.models.syntax_tree import (
    column_path,
    common_tables,
    parse_sql,
    root,
    table_reference,
)


class Origin(NamedTuple):
    """A column of a table, such as `name` of `octane.defect`."""

    table: str
    column: str


#: What a column is made of; None where that cannot be followed.
Origins = frozenset[Origin] | None


class Relation:
    """The columns of something in a from clause; a table answers for any name."""

    def __init__(self, columns: Mapping[str, Origins], table: str | None = None) -> None:
        self.columns = columns
        self._table = table

    def origins(self, column: str) -> Origins:
        """What one column is made of."""
        if self._table is not None:
            return frozenset({Origin(self._table, column)})
        return self.columns.get(column)


UNKNOWN = Relation({})
CHANGES_OF_STARS = ("exclude_list", "replace_list", "rename_list", "qualified_exclude_list", "expr")
Tables = Mapping[str, Relation]


def columns_made_of(models: Iterable[Model]) -> dict[str, dict[str, list[Origin]]]:
    """By model and column the columns it is made of, if all of them can be followed."""
    every_model = list(models)
    relations_by_name = relations(
        {model.name: [column.name for column in model.columns] for model in every_model}
    )
    with duckdb.connect(":memory:") as connection:
        return {
            model.name: trace(parse_sql(model.sql, model.where, connection), relations_by_name)
            for model in every_model
        }


def relations(tables: Mapping[str, Iterable[str]]) -> Tables:
    """Tables with their columns, each made of itself."""
    return {
        table: Relation({name: frozenset({Origin(table, name)}) for name in names})
        for table, names in tables.items()
    }


def trace(tree: Mapping[str, Any], relations_by_name: Tables) -> dict[str, list[Origin]]:
    """By column of a select's tree, the columns it is made of."""
    columns = query_columns(root(tree), relations_by_name, {}).columns
    return {name: sorted(origins) for name, origins in columns.items() if origins}


def query_columns(node: Mapping[str, Any], relations_by_name: Tables, outer: Tables) -> Relation:
    """The columns of a query; `relations_by_name` are models and the common tables before it."""
    relations_by_name = dict(relations_by_name)
    for common in common_tables(node):
        columns = query_columns(common.query, relations_by_name, outer)
        relations_by_name[common.name] = _renamed(columns, common.column_aliases)
    match node["type"]:
        case "SELECT_NODE":
            return _select(node, relations_by_name, outer)
        case "SET_OPERATION_NODE":
            parts = [query_columns(part, relations_by_name, outer) for part in node["children"]]
            return STACKED.get(node["setop_type"], _unknown)(parts)
        case "RECURSIVE_CTE_NODE":
            first = query_columns(node["left"], relations_by_name, outer)
            for _ in first.columns or [None]:  # until what each round adds is in all columns
                again = query_columns(
                    node["right"], {**relations_by_name, node["cte_name"]: first}, outer
                )
                first = _stacked([first, again])
            return first
        case _:
            return UNKNOWN


def _renamed(relation: Relation, names: list[str]) -> Relation:
    if not names:
        return relation
    return Relation(dict(zip(names, relation.columns.values(), strict=False)))


def _stacked(parts: list[Relation]) -> Relation:
    """Rows of several queries: columns by their place, named by the first."""
    if len({len(part.columns) for part in parts}) != 1:
        return UNKNOWN
    stacks = zip(*(part.columns.values() for part in parts), strict=True)
    return Relation(dict(zip(parts[0].columns, map(_united, stacks), strict=True)))


def _stacked_by_name(parts: list[Relation]) -> Relation:
    names = dict.fromkeys(name for part in parts for name in part.columns)
    if not all(part.columns for part in parts):
        return UNKNOWN
    return Relation(
        {
            name: _united(part.columns[name] for part in parts if name in part.columns)
            for name in names
        }
    )


def _unknown(_: list[Relation]) -> Relation:
    return UNKNOWN


STACKED = {"UNION": _stacked, "UNION_BY_NAME": _stacked_by_name}


def _united(parts: Iterable[Origins]) -> Origins:
    together: set[Origin] = set()
    for origins in parts:
        if origins is None:
            return None
        together |= origins
    return frozenset(together)


def _select(node: Mapping[str, Any], relations_by_name: Tables, outer: Tables) -> Relation:
    own = dict(tables_in(node["from_table"], relations_by_name, outer))
    scope = {**outer, **own}
    columns: dict[str, Origins] = {}
    for position, term in enumerate(node["select_list"]):
        if term["class"] == "STAR":
            starred = own.get(term["relation_name"]) if term["relation_name"] else _only(own)
            if starred is None or not starred.columns or any(map(term.get, CHANGES_OF_STARS)):
                return UNKNOWN
            columns |= starred.columns
            continue
        name = term["alias"] or (term.get("column_names") or [f"column {position}"])[-1]
        columns[name] = origins_of(term, relations_by_name, scope, own)
    return Relation(columns)


def _only(tables: Tables) -> Relation | None:
    return next(iter(tables.values())) if len(tables) == 1 else None


def tables_in(
    node: dict[str, Any], relations_by_name: Tables, outer: Tables
) -> Iterator[tuple[str, Relation]]:
    """Alias and columns of everything in a from clause."""
    match node["type"]:
        case "JOIN":
            yield from tables_in(node["left"], relations_by_name, outer)
            yield from tables_in(node["right"], relations_by_name, outer)
        case "BASE_TABLE" | "TABLE_FUNCTION":  # a flow is called like a function
            table = table_reference(node)
            assert table is not None
            is_octane = bool(table.schema) and not table.is_call
            unlisted = Relation({}, table.qualified_name) if is_octane else UNKNOWN
            relation = relations_by_name.get(table.qualified_name) or unlisted
            yield table.alias, UNKNOWN if table.has_column_aliases else relation
        case "SUBQUERY":
            query = query_columns(node["subquery"]["node"], relations_by_name, outer)
            yield node["alias"], _renamed(query, node.get("column_name_alias") or [])
        case "EMPTY":
            return
        case _:
            yield node.get("alias") or "", UNKNOWN


def origins_of(tree: Any, relations_by_name: Tables, scope: Tables, own: Tables) -> Origins:
    """The columns in an expression; None where one of them cannot be followed."""
    if isinstance(tree, list):
        return _united([origins_of(term, relations_by_name, scope, own) for term in tree])
    if not isinstance(tree, dict):
        return frozenset()
    path = column_path(tree)
    if path is not None:
        return _column(path, scope, own)
    match tree.get("class"):
        case "SUBQUERY":
            if tree["subquery_type"] != "SCALAR":
                return None  # whether rows are there, not what is in them
            inside = query_columns(tree["subquery"]["node"], relations_by_name, scope)
            return _united(inside.columns.values()) if inside.columns else None
        case "STAR" | "LAMBDA":
            return None
    return _united([origins_of(term, relations_by_name, scope, own) for term in tree.values()])


def _column(names: list[str], scope: Tables, own: Tables) -> Origins:
    if len(names) == 1:  # what the select itself has named before comes into question too
        only = _only(own)
        return only.columns.get(names[0]) if only else None
    return scope[names[0]].origins(names[1]) if names[0] in scope else None
