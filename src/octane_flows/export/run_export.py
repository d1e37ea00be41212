"""One export: the published warehouse is copied to a company lake, or only what changed in it.

A data folder, its lake and a place in, an `ExportReport` out; the command line calls it. Tables are
brought to the warehouse's generation one after another, each in one commit; at last `generations`
names the version of each that belongs together. A stopped export goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import pyarrow as pa

from octane_flows.errors import UsageError
from octane_flows.export.destination import Destination
from octane_flows.export.export_content import Content, ExportTable, Stamp, history_table
from octane_flows.export.export_target import GENERATIONS, Target
from octane_flows.lake import Lake, Manifest
from octane_flows.warehouse import connect
from octane_flows.warehouse.workspace_choice import choice_of

How = Literal["written", "merged", "appended", "unchanged"]


@dataclass(frozen=True)
class ExportedTable:
    """What became of one table; `rows`: those written, or the keys that changed."""

    name: str
    how: How
    rows: int


@dataclass(frozen=True)
class ExportReport:
    """What an export did."""

    generation: int
    place: str
    tables: tuple[ExportedTable, ...]

    def of(self, how: How) -> list[ExportedTable]:
        """The tables that something became of."""
        return [table for table in self.tables if table.how == how]


def export(
    home: Path,
    place: Destination,
    *,
    lake: Lake | None = None,
    history: bool = False,
    full: bool = False,
    progress: Callable[[str], None] | None = None,
) -> ExportReport:
    """Bring a company lake to the generation of the published warehouse.

    `history`: also every version read, in append-only tables. `full`: write all tables whole.
    Raises UsageError when the place holds another lake's tables, or a later generation.
    """
    lake = lake or Lake(home / "lake")
    with connect(home) as connection:
        manifest = _manifest(lake, connection.execute("from meta.generation").fetchall()[0][0])
        choice = choice_of(connection)
        source = f"{manifest.server_url}/{manifest.shared_space}"
        if choice is not None:  # another choice is another content: it needs another place
            source += f" of workspaces {','.join(choice)}"
        stamp = Stamp(manifest.generation, manifest.as_of, source)
        with closing(_target(place, source)) as target:
            recorded = _recorded(target, place, lake, stamp, full)
            kept = {generation.generation: generation.as_of for generation in lake.kept()}
            content = Content(connection, lake, manifest, choice)
            job = _Export(content, target, place, stamp, recorded, kept, full)
            return job.run(history, progress)


def _target(place: Destination, source: str) -> Target:
    if place.format == "delta":
        from octane_flows.export.delta_target import DeltaTarget

        return DeltaTarget(place, source)
    from octane_flows.export.iceberg_target import IcebergTarget

    return IcebergTarget(place, source)


def _manifest(lake: Lake, generation: int) -> Manifest:
    if generation not in {kept.generation for kept in lake.kept()}:
        raise UsageError(
            f"The warehouse holds generation {generation}, which {lake.storage.describe()} does "
            "not keep; run 'octane-flows build' and export again."
        )
    return lake.manifest(generation)


def _recorded(target: Target, place: Destination, lake: Lake, stamp: Stamp, full: bool) -> int:
    """The generation that the place shows as a whole; 0 for none. Raises UsageError."""
    shown = target.generation(GENERATIONS.name)
    if shown is None:
        return 0
    _require_ours(place, GENERATIONS.name, shown, stamp)
    recorded = target.recorded(shown)
    kept = {generation.generation: generation.as_of for generation in lake.kept()}
    if shown in kept and recorded is not None and recorded.as_of != kept[shown]:
        raise UsageError(
            f"{place.describe()} shows generation {shown} of {recorded.as_of:%Y-%m-%d %H:%M:%S} "
            f"UTC, but this lake's is of {kept[shown]:%Y-%m-%d %H:%M:%S} UTC: it was exported from "
            "another lake. Name another --output."
        )
    if shown not in kept and not full:
        raise UsageError(
            f"{place.describe()} shows generation {shown}, which this lake keeps no longer, so "
            "that nobody knows what changed since; write every table anew with --full."
        )
    return shown


def _require_ours(place: Destination, table: str, shown: int, stamp: Stamp) -> None:
    if shown == 0:
        raise UsageError(
            f"{place.describe(table)} is there but was not exported from {stamp.source}; name "
            "another --output, or for Iceberg another --namespace."
        )
    if shown > stamp.generation:
        raise UsageError(
            f"{place.describe(table)} shows generation {shown}, but the warehouse holds "
            f"{stamp.generation}; run 'octane-flows build' first, or name another --output if the "
            "lake was restored from a backup."
        )


@dataclass(frozen=True)
class _Export:
    content: Content
    target: Target
    place: Destination
    stamp: Stamp
    recorded: int
    kept: dict[int, datetime]
    full: bool

    def run(self, history: bool, progress: Callable[[str], None] | None) -> ExportReport:
        if self.recorded == self.stamp.generation and not history and not self.full:
            return ExportReport(self.stamp.generation, self.place.describe(), ())
        exported: list[ExportedTable] = []
        for table in self.content.tables():
            steps = [self._current(table)]
            if history:
                steps.append(self._history(history_table(table)))
            for step in steps:
                exported.append(step)
                if progress and step.how != "unchanged":
                    progress(f"{step.name:<47} {step.rows:>10,} rows {step.how}")
        has_changes = any(step.how != "unchanged" for step in exported)
        if self.recorded < self.stamp.generation or has_changes:
            self._record([step.name for step in exported])
        return ExportReport(self.stamp.generation, self.place.describe(), tuple(exported))

    def _current(self, table: ExportTable) -> ExportedTable:
        since = self._shown(table)
        if since is None:
            return self._rewrite(table)
        changed = self.content.changed(table, max(since, self.recorded))
        if changed is None:
            return self._rewrite(table)
        self.target.describe(table)
        if not changed.count:
            return ExportedTable(table.name, "unchanged", 0)
        self.target.merge(changed, self.stamp)
        return ExportedTable(table.name, "merged", changed.count)

    def _shown(self, table: ExportTable) -> int | None:
        """The generation that a table shows; None when it must be written whole."""
        shown = self.target.generation(table.name)
        if shown is not None:
            _require_ours(self.place, table.name, shown, self.stamp)
        if shown is None or self.full or not self.target.fits(table):
            return None
        if shown > self.recorded and self.target.moment(table.name, shown) != self.kept.get(shown):
            return None  # left by a stopped export of another lake, or of a generation let go of
        return shown

    def _rewrite(self, table: ExportTable) -> ExportedTable:
        self.target.rewrite(table, self.content.rows(table), self.stamp)
        return ExportedTable(table.name, "written", self.content.count(table))

    def _history(self, table: ExportTable) -> ExportedTable:
        since = self._shown(table)
        if since is None:
            versions = self.content.versions(table, 0, dict)
            self.target.rewrite(table, versions.rows, self.stamp)
            return ExportedTable(table.name, "written", versions.count)
        self.target.describe(table)
        versions = self.content.versions(table, since, lambda: self.target.stamps(table.name))
        if not versions.count:
            return ExportedTable(table.name, "unchanged", 0)
        self.target.append(table, versions.rows, self.stamp)
        return ExportedTable(table.name, "appended", versions.count)

    def _record(self, names: list[str]) -> None:
        """The commit that makes the generation whole."""
        stamp, schema = self.stamp, GENERATIONS.schema
        rows = [
            {
                "generation": stamp.generation,
                "as_of": stamp.as_of,
                "table_name": name,
                "version": self.target.version(name),
                "source": stamp.source,
            }
            for name in names
        ]
        batches = pa.Table.from_pylist(rows, schema=schema).to_reader()
        self.target.append(GENERATIONS, batches, stamp)
