"""Which rows of a model can change when some rows of an `octane` table do, from the syntax tree.

Models in their order in, for each model and table the columns that tell it out; `touched` asks. A
row depends on a row of the table only if one of these columns holds its id (of a link: its owner).
Whatever is not written in one of the plain ways below is not told, and then all rows count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from octane_flows.models.model import Model
from octane_flows.models.syntax_tree import nodes

#: By table one set for each place where it is read: columns that all hold the id; empty: not told.
Depends = Mapping[str, frozenset[frozenset[str]]]
#: A column of something in a from clause: alias and name.
Place = tuple[str, str]

UNTOLD: frozenset[str] = frozenset()
#: Joins whose left column stands for the right one that equals it; "INNER" also the reverse.
JOINS = frozenset({"LEFT", "INNER"})


def row_dependencies(models: Iterable[Model]) -> dict[str, Depends]:
    """What the rows of each `er` and `check` model depend on; others are not asked for."""
    known: dict[str, Depends] = {}
    for model in models:
        if model.schema in ("er", "check"):
            known[model.name] = _query(model.tree["statements"][0]["node"], known, {})
    return known


def _query(
    node: dict[str, Any], known: Mapping[str, Depends], outer: Mapping[str, Depends]
) -> Depends:
    named = dict(outer)
    for entry in node["cte_map"]["map"]:
        named[entry["key"]] = _query(entry["value"]["query_node"], known, named)
    if _keeps_rows(node):
        if node["type"] == "SELECT_NODE":
            return _select(node, known, named)
        if node.get("setop_type") == "UNION_BY_NAME":
            return _merged(_query(child, known, named) for child in node["children"])
    return _untold(node, known, named)


def _keeps_rows(node: dict[str, Any]) -> bool:
    """Whether each row is made without a look at others than those of its group."""
    if len(node.get("group_sets") or ()) > 1:  # a grouping set leaves columns empty
        return False
    inner = (node["select_list"], node.get("qualify")) if "select_list" in node else ()
    return all(
        modifier["type"] == "ORDER_MODIFIER"
        or (modifier["type"] == "DISTINCT_MODIFIER" and not modifier["distinct_on_targets"])
        for modifier in node["modifiers"]
    ) and not any(one.get("class") == "WINDOW" for part in inner for one in nodes(part))


@dataclass(frozen=True)
class _Scope:
    """A from clause: its tables, those that may be missing in a row, and equal columns."""

    sources: dict[str, Depends]
    optional: set[str]
    stands_for: dict[Place, set[Place]]
    untold: list[Depends]

    def join(self, tree: dict[str, Any], left: set[str], right: set[str]) -> None:
        """Note which columns equal others in a join of two sides."""
        is_left = tree["join_type"] == "LEFT"
        if is_left:
            self.optional.update(right)
        for one, other in _equalities(tree.get("condition")):
            for held, instead in ((one, other), (other, one)):
                forward = held[0] in right and instead[0] in left
                back = held[0] in left and instead[0] in right
                if forward or (back and not is_left):
                    self.stands_for.setdefault(held, set()).add(instead)

    def shown(self, place: Place, outputs: Mapping[Place, set[str]]) -> frozenset[str]:
        """The columns of the result that hold what a column of the from clause does.

        What may be missing is null where its row is still to come, and so does not tell it.
        """
        seen, waiting = {place}, [place]
        while waiting:
            for other in self.stands_for.get(waiting.pop(), set()) - seen:
                seen.add(other)
                waiting.append(other)
        if place[0] in self.optional:
            seen.discard(place)
        return frozenset().union(*(outputs.get(one, set()) for one in seen))


def _select(
    node: dict[str, Any], known: Mapping[str, Depends], named: Mapping[str, Depends]
) -> Depends:
    scope = _Scope({}, set(), {}, [])
    _from(node["from_table"], known, named, scope)
    outputs: dict[Place, set[str]] = {}
    for one in node["select_list"]:
        place = _place(one)
        if place is not None:
            outputs.setdefault(place, set()).add(one["alias"] or place[1])
    shown = [
        {
            table: frozenset(
                frozenset().union(*(scope.shown((alias, one), outputs) for one in columns))
                for columns in places
            )
            for table, places in source.items()
        }
        for alias, source in scope.sources.items()
    ]
    rest = {key: value for key, value in node.items() if key not in ("from_table", "cte_map")}
    return _merged([*shown, *scope.untold, _untold(rest, known, named)])


def _from(
    tree: dict[str, Any], known: Mapping[str, Depends], named: Mapping[str, Depends], scope: _Scope
) -> None:
    """Collect the tables of a from clause and which columns their joins make equal."""
    is_plain = tree["type"] == "JOIN" and tree["ref_type"] in ("REGULAR", "CROSS")
    if tree["type"] == "BASE_TABLE" and not tree.get("column_name_alias"):
        alias = tree["alias"] or tree["table_name"]
        scope.sources[alias] = _table(tree, known, named)
    elif is_plain and tree["join_type"] in JOINS:
        before = set(scope.sources)
        _from(tree["left"], known, named, scope)
        left = set(scope.sources) - before
        _from(tree["right"], known, named, scope)
        right = set(scope.sources) - before - left
        scope.join(tree, left, right)
        scope.untold.append(_untold(tree.get("condition"), known, named))
    else:
        scope.untold.append(_untold(tree, known, named))


def _table(
    tree: dict[str, Any], known: Mapping[str, Depends], named: Mapping[str, Depends]
) -> Depends:
    schema, table = tree["schema_name"], tree["table_name"]
    if not schema:
        return named.get(table, {})
    if schema == "octane":
        owner = "source_id" if "__" in table else "id"
        return {f"octane.{table}": frozenset({frozenset({owner})})}
    return known.get(f"{schema}.{table}", {f"{schema}.{table}": frozenset({UNTOLD})})


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
    if tree["class"] != "COLUMN_REF" or len(tree["column_names"]) != 2:
        return None
    return tree["column_names"][0], tree["column_names"][1]


def _merged(parts: Iterable[Depends]) -> Depends:
    merged: dict[str, frozenset[frozenset[str]]] = {}
    for part in parts:
        for table, places in part.items():
            merged[table] = merged.get(table, frozenset()) | places
    return merged


def _untold(tree: Any, known: Mapping[str, Depends], named: Mapping[str, Depends]) -> Depends:
    """Every table below a tree, read in a way that tells nothing."""
    found: dict[str, frozenset[frozenset[str]]] = {}
    for node in nodes(tree):
        if node.get("type") == "BASE_TABLE":
            found |= dict.fromkeys(_table(node, known, named), frozenset({UNTOLD}))
        if node.get("type") == "TABLE_FUNCTION":
            schema, name = (node["function"].get(key) for key in ("schema", "function_name"))
            found |= {f"{schema}.{name}": frozenset({UNTOLD})} if schema else {}
    return found
