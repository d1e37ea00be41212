"""Which columns of which `octane` table a model reads, from DuckDB's syntax tree.

A tree of `json_serialize_sql` in, columns by table out; `models` calls it. A column counts where it
is written with its table's name or alias, which is how the models are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of a syntax tree, outer ones first."""
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from nodes(value)


def columns_read(tree: Any) -> Mapping[str, frozenset[str]]:
    """Columns by `octane` table; a table of which only rows are counted has none."""
    found: dict[str, set[str]] = {}
    _walk(tree, {}, found)
    return {table: frozenset(columns) for table, columns in sorted(found.items())}


def _walk(tree: Any, scope: Mapping[str, str], found: dict[str, set[str]]) -> None:
    if isinstance(tree, list):
        for value in tree:
            _walk(value, scope, found)
        return
    if not isinstance(tree, dict):
        return
    if tree.get("type") == "SELECT_NODE":
        inner = dict(_aliases(tree.get("from_table")))
        for table in inner.values():
            found.setdefault(table, set())
        scope = {**scope, **inner}
    if tree.get("class") == "COLUMN_REF" and len(tree["column_names"]) >= 2:
        owner = tree["column_names"][-2]
        if owner in scope:
            found[scope[owner]].add(tree["column_names"][-1])
    for value in tree.values():
        _walk(value, scope, found)


def _aliases(tree: Any) -> Iterator[tuple[str, str]]:
    """Alias and name of each octane table in a from clause; subqueries have their own scope."""
    if isinstance(tree, list):
        for value in tree:
            yield from _aliases(value)
    if not isinstance(tree, dict) or tree.get("type") in ("SELECT_NODE", "SUBQUERY"):
        return
    if tree.get("type") == "BASE_TABLE" and tree["schema_name"] == "octane":
        yield tree["alias"] or tree["table_name"], tree["table_name"]
    for value in tree.values():
        yield from _aliases(value)
