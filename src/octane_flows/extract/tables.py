"""The tables of the next generation: former files, new files, columns of both.

A parent manifest, a plan and results in, table entries out; `run` publishes them.
"""

from __future__ import annotations

from collections.abc import Mapping

from octane_flows.extract.extract_journal import Key, Result
from octane_flows.extract.extract_plan import Plan
from octane_flows.lake import FileEntry, Manifest, TableEntry


def merge_tables(
    parent: Manifest | None, plan: Plan, results: Mapping[Key, Result]
) -> dict[str, TableEntry]:
    """Tables by name; a full reading's files take the place of its workspace's former ones."""
    tables = dict(parent.tables) if parent is not None else {}
    for name, table in plan.tables.items():
        former = tables.get(name)
        files: list[FileEntry] = []
        if former is not None:
            files = [
                file
                for file in former.files
                if not _is_replaced(results.get((file.workspace, table.entity)))
            ]
        for (_, entity), result in results.items():
            if entity == table.entity:
                files += result.files.get(name, ())
        columns = {column.name: column for column in table.columns}
        if former is not None:
            # A removed field keeps its column: null in the new files, values in the kept ones.
            for column in former.columns:
                columns.setdefault(column.name, column)
        tables[name] = TableEntry(
            name=name,
            kind="entity" if table.field is None else "link",
            entity=table.entity,
            field=table.field,
            label=table.label,
            columns=tuple(columns.values()),
            files=tuple(files),
        )
    return tables


def _is_replaced(result: Result | None) -> bool:
    return result is not None and result.replaces
