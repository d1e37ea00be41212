"""Which columns of which `octane` table a model reads.

A syntax tree in, columns by table out; `model` calls it. A column counts where it is written with
its table's name or alias, which is how the models are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from octane_flows.models.syntax_tree import column_path, table_reference


def read_columns(tree: Any) -> Mapping[str, frozenset[str]]:
    """Columns by `octane` table; a table of which only rows are counted has none."""
    columns: dict[str, set[str]] = {}
    _collect(tree, {}, columns)
    return {table: frozenset(names) for table, names in sorted(columns.items())}


def _collect(tree: Any, scope: Mapping[str, str], columns: dict[str, set[str]]) -> None:
    """Add the columns below a tree; `scope` has the tables of the selects around it by alias."""
    if isinstance(tree, list):
        for value in tree:
            _collect(value, scope, columns)
        return
    if not isinstance(tree, dict):
        return
    if tree.get("type") == "SELECT_NODE":
        inner = dict(_octane_tables(tree.get("from_table")))
        for table in inner.values():
            columns.setdefault(table, set())
        scope = {**scope, **inner}
    path = column_path(tree)
    if path is not None and len(path) >= 2 and path[-2] in scope:
        columns[scope[path[-2]]].add(path[-1])
    for value in tree.values():
        if isinstance(value, (dict, list)):
            _collect(value, scope, columns)


def _octane_tables(tree: Any) -> Iterator[tuple[str, str]]:
    """Alias and name of each octane table in a from clause; subqueries have their own scope."""
    if isinstance(tree, list):
        for value in tree:
            yield from _octane_tables(value)
    if not isinstance(tree, dict) or tree.get("type") in ("SELECT_NODE", "SUBQUERY"):
        return
    table = table_reference(tree)
    if table is not None and table.schema == "octane" and not table.is_call:
        yield table.alias, table.name
    for value in tree.values():
        yield from _octane_tables(value)
