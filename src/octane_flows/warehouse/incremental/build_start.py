"""What a build finds in its draft: which files to read, and what stays as it was made before.

An open warehouse of an earlier generation, the lake and the models in, a `BuildStart` out, with
the models that do not stay dropped; `warehouse_build` goes on from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from octane_flows.lake import Lake, Manifest, TableEntry
from octane_flows.models.model import Model
from octane_flows.models.models_digest import models_digest
from octane_flows.warehouse.incremental.changed_rows import ChangedRows
from octane_flows.warehouse.incremental.previous_build import (
    KeptColumns,
    PreviousBuild,
    read_model_columns,
    read_previous_build,
)
from octane_flows.warehouse.incremental.table_changes import TableChange, plan_update
from octane_flows.warehouse.model_creation import affected_models, drop_models


@dataclass(frozen=True)
class BuildStart:
    """The changes to load, and what an update keeps; of an empty draft nothing is kept.

    `stored` names models whose tables stay, or get their changed rows alone, and `kept_columns`
    has those of models that stay as the previous build made them.
    """

    changes: list[TableChange]
    previous: PreviousBuild = field(default_factory=PreviousBuild)
    changed_rows: ChangedRows | None = None
    stored: frozenset[str] = frozenset()
    kept_columns: KeptColumns = field(default_factory=dict)

    @property
    def changed_tables(self) -> list[str]:
        """The tables of `octane` that get other rows."""
        if self.changed_rows is not None:
            return self.changed_rows.tables
        return sorted(change.entry.name for change in self.changes if not change.is_nothing)


def start_update(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    manifest: Manifest,
    entries: Sequence[TableEntry],
    models: Sequence[Model],
    *,
    is_spare: bool,
) -> BuildStart | None:
    """How an open warehouse is brought to `manifest`; None: it must be built anew.

    `is_spare`: the published one may have more of it, so an update must cost little.
    """
    changes = plan_update(connection, lake, manifest, entries)
    if changes is None:
        return None
    previous = read_previous_build(connection, models_digest(models))
    is_whole = bool(previous.rows) and all(change.since is not None for change in changes)
    if is_spare and not is_whole:
        return None
    changed_rows = ChangedRows(connection, lake, changes, models)
    affected = affected_models(models, changed_rows.tables)
    changed_rows.save_previous_rows(previous, affected)
    kept = previous.after_change(affected, changed_rows.tables)
    of_tables = [model for model in models if model.header.is_stored]
    stored = frozenset(
        model.name
        for model in of_tables
        if kept.rows.get(model.name) is not None or changed_rows.has_previous_rows(model)
    )
    kept_columns: KeptColumns = {}
    if is_whole:  # the same SQL over the same columns: what the previous build created stays right
        created_anew = {model.name for model in of_tables} - stored
        kept_columns = {
            name: columns
            for name, columns in read_model_columns(connection).items()
            if name not in created_anew
        }
    wanted = {f"octane.{entry.name}" for entry in entries}
    drop_models(connection, keep=wanted | stored, are_models_kept=bool(kept_columns))
    return BuildStart(changes, kept, changed_rows, stored, kept_columns)
