"""Which columns a model's columns are made of, from DuckDB's syntax tree of its SQL.

Models in, columns of the tables they read out; Dagster's assets show them. What cannot be followed
for certain, such as a column without its table's name among several tables, is left out whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import duckdb

from octane_flows.models.model import Model, parse_sql


class Origin(NamedTuple):
    """A column of a table, such as `name` of `octane.defect`."""

    table: str
    column: str


#: What a column is made of; None where that is not known.
Made = frozenset[Origin] | None


class Relation:
    """The columns of something in a from clause; a table answers for any name."""

    def __init__(self, columns: Mapping[str, Made], table: str | None = None) -> None:
        self.columns = columns
        self._table = table

    def made(self, column: str) -> Made:
        """What one column is made of."""
        if self._table is not None:
            return frozenset({Origin(self._table, column)})
        return self.columns.get(column)


UNKNOWN = Relation({})
CHANGES_OF_STARS = ("exclude_list", "replace_list", "rename_list", "qualified_exclude_list", "expr")
Tables = Mapping[str, Relation]


def columns_made_of(models: Iterable[Model]) -> dict[str, dict[str, list[Origin]]]:
    """By model and column, the columns it is made of; one that cannot be followed is absent."""
    chosen = list(models)
    known = relations({one.name: [column.name for column in one.columns] for one in chosen})
    with duckdb.connect(":memory:") as connection:
        return {one.name: trace(parse_sql(one.sql, one.where, connection), known) for one in chosen}


def relations(tables: Mapping[str, Iterable[str]]) -> Tables:
    """Tables whose columns are known, each made of itself."""
    return {
        table: Relation({name: frozenset({Origin(table, name)}) for name in names})
        for table, names in tables.items()
    }


def trace(tree: Mapping[str, Any], known: Tables) -> dict[str, list[Origin]]:
    """By column of a select's tree, the columns it is made of."""
    columns = _query(tree["statements"][0]["node"], known, {}).columns
    return {name: sorted(made) for name, made in columns.items() if made}


def _query(node: Mapping[str, Any], known: Tables, outer: Tables) -> Relation:
    """The columns that a query gives; `known` are models and the named queries before it."""
    known = dict(known)
    for entry in node.get("cte_map", {}).get("map", []):
        named = _query(entry["value"]["query_node"], known, outer)
        known[entry["key"]] = _renamed(named, entry["value"].get("aliases") or [])
    match node["type"]:
        case "SELECT_NODE":
            return _select(node, known, outer)
        case "SET_OPERATION_NODE":
            parts = [_query(part, known, outer) for part in node["children"]]
            return STACKED.get(node["setop_type"], _unknown)(parts)
        case "RECURSIVE_CTE_NODE":
            first = _query(node["left"], known, outer)
            for _ in first.columns or [None]:  # until what each round adds is in all columns
                again = _query(node["right"], {**known, node["cte_name"]: first}, outer)
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


def _united(parts: Iterable[Made]) -> Made:
    together: set[Origin] = set()
    for made in parts:
        if made is None:
            return None
        together |= made
    return frozenset(together)


def _select(node: Mapping[str, Any], known: Tables, outer: Tables) -> Relation:
    own = dict(_tables(node["from_table"], known, outer))
    scope = {**outer, **own}
    columns: dict[str, Made] = {}
    for position, term in enumerate(node["select_list"]):
        if term["class"] == "STAR":
            starred = own.get(term["relation_name"]) if term["relation_name"] else _only(own)
            if starred is None or not starred.columns or any(map(term.get, CHANGES_OF_STARS)):
                return UNKNOWN
            columns |= starred.columns
            continue
        name = term["alias"] or (term.get("column_names") or [f"column {position}"])[-1]
        columns[name] = _value(term, known, scope, own)
    return Relation(columns)


def _only(tables: Tables) -> Relation | None:
    return next(iter(tables.values())) if len(tables) == 1 else None


def _tables(node: dict[str, Any], known: Tables, outer: Tables) -> Iterator[tuple[str, Relation]]:
    """Alias and columns of everything in a from clause."""
    match node["type"]:
        case "JOIN":
            yield from _tables(node["left"], known, outer)
            yield from _tables(node["right"], known, outer)
        case "BASE_TABLE":
            name, schema = node["table_name"], node["schema_name"]
            table = f"{schema}.{name}" if schema else name
            found = known.get(table) or (Relation({}, table) if schema else UNKNOWN)
            yield node["alias"] or name, UNKNOWN if node["column_name_alias"] else found
        case "SUBQUERY":
            query = _query(node["subquery"]["node"], known, outer)
            yield node["alias"], _renamed(query, node.get("column_name_alias") or [])
        case "TABLE_FUNCTION":
            path = node["function"]["qualified_name"]["path"]
            found = known.get(".".join(path), UNKNOWN)  # a flow is called like a function
            yield node["alias"] or path[-1], UNKNOWN if node["column_name_alias"] else found
        case "EMPTY":
            return
        case _:
            yield node.get("alias") or "", UNKNOWN


def _value(tree: Any, known: Tables, scope: Tables, own: Tables) -> Made:
    """The columns in an expression; None where one of them cannot be followed."""
    if isinstance(tree, list):
        return _united([_value(one, known, scope, own) for one in tree])
    if not isinstance(tree, dict):
        return frozenset()
    match tree.get("class"):
        case "COLUMN_REF":
            return _column(tree["column_names"], scope, own)
        case "SUBQUERY":
            if tree["subquery_type"] != "SCALAR":
                return None  # whether rows are there, not what is in them
            inside = _query(tree["subquery"]["node"], known, scope)
            return _united(inside.columns.values()) if inside.columns else None
        case "STAR" | "LAMBDA":
            return None
    return _united([_value(one, known, scope, own) for one in tree.values()])


def _column(names: list[str], scope: Tables, own: Tables) -> Made:
    if len(names) == 1:  # what the select itself has named before comes into question too
        only = _only(own)
        return only.columns.get(names[0]) if only else None
    return scope[names[0]].made(names[1]) if names[0] in scope else None
