"""Which columns of other models a question's SQL reads, and which of them it sets equal.

Models in their order in, `ColumnUse`s out; the diagrams call it. Columns are followed through
common tables and through the flows that a question reads, down to the `er` models.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from octane_flows.models.lineage import (
    Origin,
    Relation,
    Tables,
    origins_of,
    query_columns,
    relations,
    tables_in,
)
from octane_flows.models.model import Model
from octane_flows.models.syntax_tree import column_path, common_tables, nodes, root

#: Two columns that a question sets equal, in alphabetical order.
Pair = tuple[Origin, Origin]
#: One condition: a column of a union stands for several columns, so that one of the pairs is meant.
Join = frozenset[Pair]
#: Parts of a select that are walked on their own.
OWN_PARTS = ("from_table", "cte_map")


@dataclass
class ColumnUse:
    """The columns of `er` models that a question reads, and the conditions that it joins by."""

    columns: set[Origin] = field(default_factory=set)
    joins: set[Join] = field(default_factory=set)

    @property
    def tables(self) -> set[str]:
        """The `er` models that are read."""
        return {origin.table for origin in self.columns}


def column_uses(models: Iterable[Model]) -> dict[str, ColumnUse]:
    """What every model that is no `er` model reads of the `er` models, by name."""
    ordered = list(models)
    by_name = dict(
        relations(
            {
                model.name: [column.name for column in model.columns]
                for model in ordered
                if model.schema == "er"
            }
        )
    )
    uses: dict[str, ColumnUse] = {}
    for model in ordered:
        if model.schema in ("er", "check"):
            continue
        use = ColumnUse()
        for source in model.sources:
            if source in uses:
                use.columns |= uses[source].columns
                use.joins |= uses[source].joins
        _walk(root(model.tree), by_name, {}, use)
        uses[model.name] = use
        by_name[model.name] = query_columns(root(model.tree), by_name, {})
    return uses


def _walk(node: Mapping[str, Any], by_name: Tables, outer: Tables, use: ColumnUse) -> None:
    """Collect what a query reads and joins; `outer` has the tables of the selects around it."""
    inside = dict(by_name)
    for common in common_tables(node):
        _walk(common.query, inside, outer, use)
        columns = query_columns(common.query, inside, outer)
        names = common.column_aliases
        if names:
            columns = Relation(dict(zip(names, columns.columns.values(), strict=False)))
        inside[common.name] = columns
    match node["type"]:
        case "SELECT_NODE":
            _walk_select(node, inside, outer, use)
        case "SET_OPERATION_NODE":
            for part in node["children"]:
                _walk(part, inside, outer, use)
        case "RECURSIVE_CTE_NODE":
            _walk(node["left"], inside, outer, use)
            inside[node["cte_name"]] = query_columns(node, inside, outer)
            _walk(node["right"], inside, outer, use)


def _walk_select(node: Mapping[str, Any], by_name: Tables, outer: Tables, use: ColumnUse) -> None:
    own = dict(tables_in(node["from_table"], by_name, outer))
    scope = {**outer, **own}
    for query in _subqueries(node["from_table"]):
        _walk(query, by_name, outer, use)
    conditions = [entry["condition"] for entry in _joins(node["from_table"])]
    rest = [value for name, value in node.items() if name not in OWN_PARTS]
    for part in (*conditions, *rest):
        _walk_expression(part, by_name, scope, own, use)


def _joins(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if tree["type"] == "JOIN":
        yield tree
        yield from _joins(tree["left"])
        yield from _joins(tree["right"])


def _subqueries(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The queries in a from clause."""
    if tree["type"] == "JOIN":
        yield from _subqueries(tree["left"])
        yield from _subqueries(tree["right"])
    elif tree["type"] == "SUBQUERY":
        yield tree["subquery"]["node"]


def _walk_expression(
    tree: Any, by_name: Tables, scope: Tables, own: Tables, use: ColumnUse
) -> None:
    if isinstance(tree, list):
        for value in tree:
            _walk_expression(value, by_name, scope, own, use)
        return
    if not isinstance(tree, dict):
        return
    if column_path(tree) is not None:
        use.columns |= origins_of(tree, by_name, scope, own) or frozenset()
        return
    if tree.get("class") == "SUBQUERY":
        query = tree["subquery"]["node"]
        _walk(query, by_name, scope, use)
        if tree["subquery_type"] == "ANY":  # value in (select column ...)
            inside = next(iter(query_columns(query, by_name, scope).columns.values()), None)
            _pair(origins_of(tree["child"], by_name, scope, own), inside, use)
        _walk_expression(tree.get("child"), by_name, scope, own, use)
        return
    if tree.get("type") == "COMPARE_EQUAL":
        sides = (tree["left"], tree["right"])
        if not any(inner.get("class") == "SUBQUERY" for inner in nodes(list(sides))):
            left, right = (origins_of(side, by_name, scope, own) for side in sides)
            _pair(left, right, use)
    for value in tree.values():
        _walk_expression(value, by_name, scope, own, use)


def _pair(left: frozenset[Origin] | None, right: frozenset[Origin] | None, use: ColumnUse) -> None:
    """Note that two columns of `er` models are equal; a union joined with itself says nothing."""
    if left == right:
        return
    pairs = frozenset(
        (min(column, other), max(column, other))
        for column, other in product(left or (), right or ())
        if column != other
    )
    if pairs:
        use.joins.add(pairs)
