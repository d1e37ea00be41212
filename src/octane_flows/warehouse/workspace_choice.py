"""Which workspaces of a lake a warehouse holds: all, or those that were chosen by id.

A choice and a manifest in, the manifest as if the lake held no other workspaces out; `build` and
whoever reads the lake beside a warehouse call it. The warehouse keeps its choice in `meta.build`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

import duckdb

from octane_flows.errors import LakeError, UsageError
from octane_flows.lake import Manifest, TableEntry
from octane_flows.warehouse.duckdb_file import open_file

ALL: Final = "all"
Choice: TypeAlias = tuple[str, ...] | None  # ids in order; None: all


def choose(asked: Sequence[str], manifest: Manifest) -> Choice:
    """The choice that was asked for, by ids or `all`. Raises UsageError."""
    if ALL in asked:
        return None
    there = manifest.workspaces
    lacking = [one for one in asked if one not in there]
    if lacking:
        raise UsageError(
            f"The lake holds nothing of workspace {', '.join(lacking)}; it has "
            f"{', '.join(there) or 'none'}. Extract it first, or name another, or all."
        )
    return tuple(sorted(set(asked)))


def choice_of(connection: duckdb.DuckDBPyConnection) -> Choice:
    """The choice that an open warehouse was built with."""
    try:
        found = connection.execute("select chosen_workspaces from meta.build").fetchall()
    except duckdb.CatalogException:  # not a warehouse: the next build replaces it
        return None
    return tuple(found[0][0]) if found and found[0][0] is not None else None


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
    known = {one for one in manifest.workspaces.items() if one[0] in own}
    fields = [one for one in manifest.fields if one.workspace in own]
    theirs = {(one.entity, one.name) for one in manifest.fields if one.is_user_defined}
    theirs -= {(one.entity, one.name) for one in fields}
    tables = (_table(entry, own, theirs) for entry in manifest.tables.values())
    collections = manifest.politeness.get("collections", ())
    return replace(
        manifest,
        as_of=max((one.as_of for _, one in known), default=manifest.as_of),
        workspaces=dict(sorted(known)),
        tables={entry.name: entry for entry in tables if entry is not None},
        states={id: states for id, states in manifest.states.items() if id in own},
        fields=fields,
        certificate=[row for row in manifest.certificate if row.workspace in own],
        schema_changes=[one for one in manifest.schema_changes if one.workspace in own],
        findings=[one for one in manifest.findings if one.workspace in own],
        politeness={
            **manifest.politeness,
            "collections": [one for one in collections if one["workspace"] in own],
        },
    )


def _table(entry: TableEntry, own: set[str], theirs: set[tuple[str, str]]) -> TableEntry | None:
    """A table without the files and user-defined fields of others; None when it is such a field."""
    if (entry.entity, entry.field) in theirs:
        return None
    return replace(
        entry,
        files=tuple(file for file in entry.files if file.workspace in own),
        columns=tuple(one for one in entry.columns if (entry.entity, one.field) not in theirs),
    )
