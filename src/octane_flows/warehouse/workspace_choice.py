"""Which workspaces of a lake a warehouse holds: all, or those that were chosen.

A choice and a manifest in, the manifest as if the lake held no other workspaces out; `build` and
whoever reads the lake beside a warehouse call it. The warehouse keeps its choice in `meta.build`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

import duckdb

from octane_flows.config import ids_of_workspaces, workspace_list
from octane_flows.errors import LakeError, UsageError
from octane_flows.lake import Manifest, TableEntry
from octane_flows.warehouse.duckdb_file import open_file

ALL: Final = "all"
Choice: TypeAlias = tuple[str, ...] | None  # ids in order; None: all


def choose(requested: Sequence[str], manifest: Manifest) -> Choice:
    """The choice that was requested, by ids, names or `all`. Raises UsageError."""
    if ALL in requested:
        return None
    ids = ids_of_workspaces(requested, manifest.names, where="the lake")
    unknown = [id for id in ids if id not in manifest.workspaces]
    if unknown:
        raise UsageError(
            f"The lake holds nothing of workspace {', '.join(unknown)}; it has "
            f"{workspace_list(manifest.workspaces, manifest.names) or 'none'}. Extract it first, "
            "or name another one, or all."
        )
    return tuple(sorted(ids))


def choice_of(connection: duckdb.DuckDBPyConnection) -> Choice:
    """The choice that an open warehouse was built with."""
    try:
        rows = connection.execute("select chosen_workspaces from meta.build").fetchall()
    except duckdb.CatalogException:  # not a warehouse: the next build replaces it
        return None
    return tuple(rows[0][0]) if rows and rows[0][0] is not None else None


def choice_in(path: Path) -> Choice:
    """The choice of a warehouse file; where there is none, all."""
    if not path.is_file():
        return None
    try:
        with open_file(path, read_only=True) as connection:
            return choice_of(connection)
    except LakeError:  # damaged: the next build replaces it
        return None


def of_workspaces(manifest: Manifest, choice: Choice) -> Manifest:
    """The generation as it is of these workspaces alone; `as_of` is when the newest was read."""
    if choice is None:
        return manifest
    own = set(choice)
    workspaces = {id: entry for id, entry in manifest.workspaces.items() if id in own}
    fields = [field for field in manifest.fields if field.workspace in own]
    others = {(field.entity, field.name) for field in manifest.fields if field.is_user_defined}
    others -= {(field.entity, field.name) for field in fields}
    tables = (_table(entry, own, others) for entry in manifest.tables.values())
    collections = manifest.politeness.get("collections", ())
    return replace(
        manifest,
        as_of=max((entry.as_of for entry in workspaces.values()), default=manifest.as_of),
        workspaces=dict(sorted(workspaces.items())),
        tables={entry.name: entry for entry in tables if entry is not None},
        states={id: states for id, states in manifest.states.items() if id in own},
        fields=fields,
        certificate=[row for row in manifest.certificate if row.workspace in own],
        schema_changes=[change for change in manifest.schema_changes if change.workspace in own],
        findings=[finding for finding in manifest.findings if finding.workspace in own],
        politeness={
            **manifest.politeness,
            "collections": [counts for counts in collections if counts["workspace"] in own],
        },
    )


def _table(entry: TableEntry, own: set[str], others: set[tuple[str, str]]) -> TableEntry | None:
    """A table without the files and user-defined fields of others; None when it is such a field."""
    if (entry.entity, entry.field) in others:
        return None
    return replace(
        entry,
        files=tuple(file for file in entry.files if file.workspace in own),
        columns=tuple(
            column for column in entry.columns if (entry.entity, column.field) not in others
        ),
    )
