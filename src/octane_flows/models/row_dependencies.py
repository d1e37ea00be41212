"""Which rows of a model can change when some rows of an `octane` table do, from the syntax tree.

Models in their order in, for each model and table the columns that hold the id out; `changed_rows`
calls it. A row depends on a row of the table only if one of these columns holds its id (of a link:
its owner). SQL that is not written in one of the plain ways below leaves it undetermined: then all
rows of the model can change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from octane_flows.models.model import Model
from octane_flows.models.syntax_tree import (
    TableReference,
    column_path,
    common_tables,
    nodes,
    root,
    table_reference,
)

#: By table a set of columns for each place where it is read: they all hold the id; empty:
#: undetermined.
Dependencies = Mapping[str, frozenset[frozenset[str]]]
#: A column of something in a from clause: alias and name.
Place = tuple[str, str]

UNDETERMINED: frozenset[str] = frozenset()
#: Joins whose left column stands for the right one that equals it; "INNER" also the reverse.
JOINS = frozenset({"LEFT", "INNER"})


def row_dependencies(models: Iterable[Model]) -> dict[str, Dependencies]:
    """What the rows of each `er` and `check` model depend on; other models are left out."""
    by_model: dict[str, Dependencies] = {}
    for model in models:
        if model.schema in ("er", "check"):
            by_model[model.name] = _query(root(model.tree), by_model, {})
    return by_model


def _query(
    node: dict[str, Any], by_model: Mapping[str, Dependencies], outer: Mapping[str, Dependencies]
) -> Dependencies:
    by_common_table = dict(outer)
    for common in common_tables(node):
        by_common_table[common.name] = _query(common.query, by_model, by_common_table)
    if _keeps_rows(node):
        if node["type"] == "SELECT_NODE":
            return _select(node, by_model, by_common_table)
        if node.get("setop_type") == "UNION_BY_NAME":
            return _merged(_query(child, by_model, by_common_table) for child in node["children"])
    return _undetermined(node, by_model, by_common_table)


def _keeps_rows(node: dict[str, Any]) -> bool:
    """Whether each row is made without a look at others than those of its group."""
    if len(node.get("group_sets") or ()) > 1:  # a grouping set leaves columns empty
        return False
    inner = (node["select_list"], node.get("qualify")) if "select_list" in node else ()
    return all(
        modifier["type"] == "ORDER_MODIFIER"
        or (modifier["type"] == "DISTINCT_MODIFIER" and not modifier["distinct_on_targets"])
        for modifier in node["modifiers"]
    ) and not any(
        inner_node.get("class") == "WINDOW" for part in inner for inner_node in nodes(part)
    )


@dataclass(frozen=True)
class _Scope:
    """A from clause: its tables, those that may be missing in a row, and equal columns."""

    sources: dict[str, Dependencies]
    optional: set[str]
    stands_for: dict[Place, set[Place]]
    undetermined: list[Dependencies]

    def join(self, tree: dict[str, Any], left: set[str], right: set[str]) -> None:
        """Note which columns equal others in a join of two sides."""
        is_left = tree["join_type"] == "LEFT"
        if is_left:
            self.optional.update(right)
        for left_place, right_place in _equalities(tree.get("condition")):
            for place, equal in ((left_place, right_place), (right_place, left_place)):
                forward = place[0] in right and equal[0] in left
                back = place[0] in left and equal[0] in right
                if forward or (back and not is_left):
                    self.stands_for.setdefault(place, set()).add(equal)

    def shown(self, place: Place, outputs: Mapping[Place, set[str]]) -> frozenset[str]:
        """The columns of the result that hold what a column of the from clause does.

        A column of an outer join is null where its row is missing, so it does not hold the id.
        """
        seen, waiting = {place}, [place]
        while waiting:
            for other in self.stands_for.get(waiting.pop(), set()) - seen:
                seen.add(other)
                waiting.append(other)
        if place[0] in self.optional:
            seen.discard(place)
        return frozenset().union(*(outputs.get(equal, set()) for equal in seen))


def _select(
    node: dict[str, Any],
    by_model: Mapping[str, Dependencies],
    by_common_table: Mapping[str, Dependencies],
) -> Dependencies:
    scope = _Scope({}, set(), {}, [])
    _from(node["from_table"], by_model, by_common_table, scope)
    outputs: dict[Place, set[str]] = {}
    for term in node["select_list"]:
        place = _place(term)
        if place is not None:
            outputs.setdefault(place, set()).add(term["alias"] or place[1])
    shown = [
        {
            table: frozenset(
                frozenset().union(*(scope.shown((alias, column), outputs) for column in columns))
                for columns in places
            )
            for table, places in source.items()
        }
        for alias, source in scope.sources.items()
    ]
    rest = {key: value for key, value in node.items() if key not in ("from_table", "cte_map")}
    return _merged([*shown, *scope.undetermined, _undetermined(rest, by_model, by_common_table)])


def _from(
    tree: dict[str, Any],
    by_model: Mapping[str, Dependencies],
    by_common_table: Mapping[str, Dependencies],
    scope: _Scope,
) -> None:
    """Collect the tables of a from clause and which columns their joins make equal."""
    is_plain = tree["type"] == "JOIN" and tree["ref_type"] in ("REGULAR", "CROSS")
    table = table_reference(tree)
    if table is not None and not table.is_call and not table.has_column_aliases:
        scope.sources[table.alias] = _table(table, by_model, by_common_table)
    elif is_plain and tree["join_type"] in JOINS:
        before = set(scope.sources)
        _from(tree["left"], by_model, by_common_table, scope)
        left = set(scope.sources) - before
        _from(tree["right"], by_model, by_common_table, scope)
        right = set(scope.sources) - before - left
        scope.join(tree, left, right)
        scope.undetermined.append(_undetermined(tree.get("condition"), by_model, by_common_table))
    else:
        scope.undetermined.append(_undetermined(tree, by_model, by_common_table))


def _table(
    table: TableReference,
    by_model: Mapping[str, Dependencies],
    by_common_table: Mapping[str, Dependencies],
) -> Dependencies:
    if not table.schema:
        return by_common_table.get(table.name, {})
    name = table.qualified_name
    if table.schema == "octane":
        owner = "source_id" if "__" in table.name else "id"
        return {name: frozenset({frozenset({owner})})}
    return by_model.get(name, {name: frozenset({UNDETERMINED})})


def _equalities(tree: Any) -> Iterator[tuple[Place, Place]]:
    if not tree:
        return
    if tree["type"] == "CONJUNCTION_AND":
        for child in tree["children"]:
            yield from _equalities(child)
    if tree["type"] == "COMPARE_EQUAL":
        left, right = _place(tree["left"]), _place(tree["right"])
        if left is not None and right is not None:
            yield left, right


def _place(tree: dict[str, Any]) -> Place | None:
    path = column_path(tree)
    return (path[0], path[1]) if path is not None and len(path) == 2 else None


def _merged(parts: Iterable[Dependencies]) -> Dependencies:
    merged: dict[str, frozenset[frozenset[str]]] = {}
    for part in parts:
        for table, places in part.items():
            merged[table] = merged.get(table, frozenset()) | places
    return merged


def _undetermined(
    tree: Any, by_model: Mapping[str, Dependencies], by_common_table: Mapping[str, Dependencies]
) -> Dependencies:
    """Every table below a tree, read in a way that leaves the ids undetermined."""
    dependencies: dict[str, frozenset[frozenset[str]]] = {}
    for node in nodes(tree):
        table = table_reference(node)
        if table is None:
            continue
        if table.is_call:
            dependencies |= (
                {table.qualified_name: frozenset({UNDETERMINED})} if table.schema else {}
            )
        else:
            dependencies |= dict.fromkeys(
                _table(table, by_model, by_common_table), frozenset({UNDETERMINED})
            )
    return dependencies
