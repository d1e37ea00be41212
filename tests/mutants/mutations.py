"""All mutants of one model, made in DuckDB's syntax tree: a model in, `Mutant` records out.

A join condition, a filter or a part of a condition is left out; an outer join becomes an inner one;
a bound moves onto or off its limit; distinct or coalesce is dropped; an extreme is taken from the
other end or treats nulls in the other way; union all becomes union. `trial` runs them.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from octane_flows.models.model import Model

Node = dict[str, Any]
#: Keys that lead from the root of a tree to a node.
Path = tuple[str | int, ...]

BOUNDS = {
    "COMPARE_LESSTHAN": ("COMPARE_LESSTHANOREQUALTO", "<="),
    "COMPARE_LESSTHANOREQUALTO": ("COMPARE_LESSTHAN", "<"),
    "COMPARE_GREATERTHAN": ("COMPARE_GREATERTHANOREQUALTO", ">="),
    "COMPARE_GREATERTHANOREQUALTO": ("COMPARE_GREATERTHAN", ">"),
}
EXTREMES = {
    "max_by": ("min_by", "arg_max_null"),
    "min_by": ("max_by", "arg_min_null"),
    "arg_max_null": ("arg_min_null", "max_by"),
    "arg_min_null": ("arg_max_null", "min_by"),
}
#: The parts of a select and of an aggregate that leave rows out.
FILTERS = ("where_clause", "having", "qualify", "filter", "filter_expr")


@dataclass(frozen=True)
class Mutant:
    """A model's SQL with one change; `change` says it in words and is unique within the model."""

    model: str
    change: str
    sql: str
    is_join_condition: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """The name of the model and the words: what a list names it by."""
        return self.model, self.change


@dataclass(frozen=True)
class _Change:
    path: Path
    words: str
    make: Callable[[Node], Any]
    is_join_condition: bool = False


def mutants_of(model: Model) -> list[Mutant]:
    """The mutants of a model, in the order of its SQL."""
    with duckdb.connect(":memory:") as connection:
        tree = copy.deepcopy(dict(model.tree))
        mutants: list[Mutant] = []
        repeated: Counter[str] = Counter()
        for change in _changes(tree, (), "result", "and", connection):
            words = change.words
            repeated[words] += 1
            if repeated[words] > 1:
                words += f" (place {repeated[words]})"
            sql = _sql(_changed(tree, change), connection)
            mutants.append(Mutant(model.name, words, sql, change.is_join_condition))
        return mutants


def written_again(model: Model) -> str:
    """The model's SQL as DuckDB writes it from the unchanged tree."""
    with duckdb.connect(":memory:") as connection:
        return _sql(dict(model.tree), connection)


def _sql(tree: Node, connection: duckdb.DuckDBPyConnection) -> str:
    row = connection.execute("select json_deserialize_sql(?)", [json.dumps(tree)]).fetchone()
    assert row is not None
    return str(row[0])


def _text(expression: Node, connection: duckdb.DuckDBPyConnection) -> str:
    """An expression as SQL, without the brackets around it."""
    row = connection.execute("select json_serialize_sql('select 1')").fetchone()
    assert row is not None
    tree = json.loads(row[0])
    tree["statements"][0]["node"]["select_list"] = [{**expression, "alias": ""}]
    text = _sql(tree, connection).removeprefix("SELECT ")
    return text[1:-1] if text.startswith("(") and text.endswith(")") else text


def _changed(tree: Node, change: _Change) -> Node:
    """A copy of the tree with the change made."""
    changed = copy.deepcopy(tree)
    parent: Any = changed
    for key in change.path[:-1]:
        parent = parent[key]
    parent[change.path[-1]] = change.make(parent[change.path[-1]])
    return changed


def _changes(
    tree: Any, path: Path, query: str, role: str, connection: duckdb.DuckDBPyConnection
) -> Iterator[_Change]:
    """Every change in a tree; `query` names the common table expression that it stands in."""
    if isinstance(tree, list):
        for place, child in enumerate(tree):
            yield from _changes(child, (*path, place), query, role, connection)
    if not isinstance(tree, dict):
        return
    yield from _changes_here(tree, path, query, role, connection)
    for key, child in tree.items():
        inner = query
        if key == "value" and "key" in tree:  # an entry of the list of common table expressions
            inner = tree["key"]
        inner_role = role
        if key == "condition":
            inner_role = "join condition"
        elif key in FILTERS:
            inner_role = "filter"
        elif key == "select_list":
            inner_role = "and"
        yield from _changes(child, (*path, key), inner, inner_role, connection)


def _changes_here(
    node: Node, path: Path, query: str, role: str, connection: duckdb.DuckDBPyConnection
) -> Iterator[_Change]:
    """The changes of one node itself."""
    kind = node.get("type")
    if kind == "CONJUNCTION_AND":
        for place, child in enumerate(node["children"]):
            words = f"{query}: without {role} {_text(child, connection)}"
            yield _Change(path, words, _without_child(place), role == "join condition")
    if kind == "JOIN":
        if node["join_type"] == "LEFT":
            words = f"{query}: inner join of {_name(node['right'])}"
            yield _Change((*path, "join_type"), words, lambda _: "INNER")
        if node.get("condition") and node["condition"]["type"] != "CONJUNCTION_AND":
            words = f"{query}: without join condition {_text(node['condition'], connection)}"
            yield _Change((*path, "condition"), words, lambda _: _true(connection), True)
    for key in FILTERS:
        clause = node.get(key)
        if isinstance(clause, dict) and clause.get("type") not in (None, "CONJUNCTION_AND"):
            words = f"{query}: without filter {_text(clause, connection)}"
            yield _Change((*path, key), words, lambda _: None)
    if kind in BOUNDS:
        other, sign = BOUNDS[kind]
        words = f"{query}: {_text(node, connection)} with {sign}"
        yield _Change((*path, "type"), words, lambda _: other)
    modifiers = node.get("modifiers") or []
    kept = [modifier for modifier in modifiers if modifier["type"] != "DISTINCT_MODIFIER"]
    if len(kept) < len(modifiers):
        yield _Change((*path, "modifiers"), f"{query}: without distinct", lambda _: kept)
    if kind == "FUNCTION" and node.get("distinct"):
        words = f"{query}: without distinct in {_text(node, connection)}"
        yield _Change((*path, "distinct"), words, lambda _: False)
    if kind == "FUNCTION" and node["function_name"] in EXTREMES:
        for name in EXTREMES[node["function_name"]]:
            words = f"{query}: {_text(node, connection)} with {name}"
            yield _Change(path, words, _renamed(name))
    if kind == "OPERATOR_COALESCE":
        words = f"{query}: without {_text(node, connection)}"
        yield _Change(
            path, words, lambda coalesce: {**coalesce["children"][0], "alias": coalesce["alias"]}
        )
    for key in ("setop_all", "union_all"):
        if key in node and (key == "union_all" or str(node["setop_type"]).startswith("UNION")):
            words = f"{query}: {'union' if node[key] else 'union all'}"
            yield _Change((*path, key), words, lambda is_all: not is_all)


def _without_child(place: int) -> Callable[[Node], Node]:
    def make(node: Node) -> Node:
        children = [child for number, child in enumerate(node["children"]) if number != place]
        return {**node, "children": children} if len(children) > 1 else children[0]

    return make


def _renamed(name: str) -> Callable[[Node], Node]:
    def make(node: Node) -> Node:
        path = [*node["qualified_name"]["path"][:-1], name]
        return {**node, "function_name": name, "qualified_name": {"path": path}}

    return make


def _true(connection: duckdb.DuckDBPyConnection) -> Node:
    row = connection.execute("select json_serialize_sql('select true')").fetchone()
    assert row is not None
    expression: Node = json.loads(row[0])["statements"][0]["node"]["select_list"][0]
    return expression


def _name(table: Node) -> str:
    """The alias of a table in a from clause."""
    function = table.get("function") or {}
    return str(table.get("alias") or table.get("table_name") or function.get("function_name"))
