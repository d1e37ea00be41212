"""What a warehouse that holds one generation needs to hold a later one.

The open warehouse, the lake and the wanted tables in, one `TableChange` per table out;
`table_loading` carries them out. The answer is None when the changes cannot be determined (another
version, files that are kept no longer): then everything is rebuilt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from octane_flows import __version__
from octane_flows.errors import LakeError
from octane_flows.lake import FileEntry, Lake, Manifest, TableEntry


@dataclass(frozen=True)
class TableChange:
    """Files to read for one table; `since` None: all of them into an empty table.

    Otherwise their rows replace those with the same key; no files: nothing changed. `since` names
    workspaces of which compaction put rows that are held into one file with new ones: of theirs
    only rows of a later `_generation` are new.
    """

    entry: TableEntry
    files: tuple[FileEntry, ...]
    since: Mapping[str, int] | None

    @property
    def is_nothing(self) -> bool:
        """Whether the table stays as it is."""
        return self.since is not None and not self.files


@dataclass(frozen=True)
class Loaded:
    """What a warehouse says that it was built from."""

    generation: int
    digests: Mapping[str, Mapping[str, str]]  # table -> path -> sha256
    columns: Mapping[str, list[tuple[str, str]]]  # table -> name and type, in order


def plan_rebuild(entries: Iterable[TableEntry]) -> list[TableChange]:
    """Every table from all its files."""
    return [TableChange(entry, entry.files, None) for entry in entries]


def plan_update(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    manifest: Manifest,
    entries: Iterable[TableEntry],
) -> list[TableChange] | None:
    """The changes from what is loaded to `manifest`; None when everything must be rebuilt."""
    loaded = read_loaded(connection)
    return None if loaded is None else plan_changes(loaded, lake, manifest, entries)


def plan_changes(
    loaded: Loaded, lake: Lake, manifest: Manifest, entries: Iterable[TableEntry]
) -> list[TableChange] | None:
    """The changes from a generation to a later one; None when it is no earlier one of these."""
    if loaded.generation > manifest.generation:
        return None
    history = _history(lake, manifest, loaded.generation)
    if history is None:
        return None
    manifest_then, merged = history
    return [_change(entry, loaded, manifest_then, merged) for entry in entries]


def read_loaded(connection: duckdb.DuckDBPyConnection) -> Loaded | None:
    """What the warehouse tells of itself; None when another version wrote it."""
    try:
        versions = connection.execute("select built_by from meta.build").fetchall()
        if versions != [(__version__,)]:
            return None
        generation = connection.execute("select generation from meta.generation").fetchall()[0][0]
        files = connection.execute("select table_name, path, sha256 from meta.files").fetchall()
    except duckdb.Error:
        return None
    digests: dict[str, dict[str, str]] = {}
    for table, path, sha256 in files:
        digests.setdefault(table, {})[path] = sha256
    columns: dict[str, list[tuple[str, str]]] = {}
    for table, name, kind in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where schema_name = 'octane' order by table_name, column_index"
    ).fetchall():
        columns.setdefault(table, []).append((name, kind))
    return Loaded(int(generation), digests, columns)


def _history(
    lake: Lake, manifest: Manifest, generation: int
) -> tuple[Manifest, dict[str, list[str]]] | None:
    """The loaded generation, and file -> files that compactions since then merged into it.

    None: `manifest` does not descend from it.
    """
    merged: dict[str, list[str]] = {}
    ancestor = manifest
    while ancestor.generation > generation:
        merged.update(ancestor.compacted)
        if ancestor.parent is None:
            return None
        try:
            ancestor = lake.manifest(ancestor.parent)
        except LakeError:  # it is kept no longer, and so is what its files became
            return None
    return (ancestor, merged) if ancestor.generation == generation else None


def _change(
    entry: TableEntry, loaded: Loaded, manifest_then: Manifest, merged: Mapping[str, list[str]]
) -> TableChange:
    rebuild = TableChange(entry, entry.files, None)
    columns = [(column.name, column.type) for column in entry.columns]
    if loaded.columns.get(entry.name) != columns:
        return rebuild
    before = manifest_then.tables.get(entry.name)
    if before is not None and before.values_since != entry.values_since:
        return rebuild  # values that are loaded do not count any more
    digests = loaded.digests.get(entry.name, {})
    origins = {file.path: _origins(file.path, merged) for file in entry.files}
    if not digests.keys() <= set().union(*origins.values()):
        return rebuild  # files were dropped, as a full extract does: their rows may be gone
    if any(digests.get(file.path, file.sha256) != file.sha256 for file in entry.files):
        return rebuild
    new = tuple(file for file in entry.files if not origins[file.path] <= digests.keys())
    mixed = {file.workspace for file in new if not origins[file.path].isdisjoint(digests)}
    return TableChange(entry, new, {id: manifest_then.stamp(id) for id in mixed})


def _origins(path: str, merged: Mapping[str, list[str]]) -> set[str]:
    if path not in merged:
        return {path}
    return set().union(*(_origins(part, merged) for part in merged[path]))
