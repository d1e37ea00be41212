"""Rows that a census or sweep found in another entity type or workspace: they are read there.

The results of an extract in, those that this changes out; `every_type` calls it after all are read.
A row that came unseen and one that vanished hide each other in a count, and which of the two types
was counted first does not matter here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from octane_flows.extract.census import MOVED_TO, MOVED_TO_WORKSPACE
from octane_flows.extract.deletions import read_strangers
from octane_flows.extract.entity_reading import EntityRun
from octane_flows.extract.entity_task import Context, Known
from octane_flows.extract.extract_journal import Key, Result
from octane_flows.extract.tables import merge_tables
from octane_flows.lake.stored_rows import StoredRows


def read_moved(context: Context, results: Mapping[Key, Result]) -> dict[Key, Result]:
    """Read the rows that are not held yet where they moved to; a census is taken there again."""
    lake, plan, parent = context.draft.lake, context.plan, context.draft.parent
    changed: dict[Key, Result] = {}
    with (
        StoredRows(lake, merge_tables(None, plan, results)) as new,
        StoredRows(lake, merge_tables(parent, plan, results)) as now,
    ):
        moved = _moved(new, results)
        for entity in plan.entities:
            key = (entity.workspace, entity.name)
            result = results.get(key)
            if key not in moved or result is None or result.kind in ("full", "whole"):
                continue
            held = now.numbers(entity.name, entity.workspace)
            strangers = np.setdiff1d(np.array(sorted(moved[key]), dtype=np.int64), held)
            if not len(strangers):
                continue
            known = Known(result.state, rows_held=result.counts.rows_held)
            run = EntityRun(replace(context, held=now), entity, known)
            run.writer.written.update(new.keys(entity.name, entity.workspace, "id"))
            changed[key] = read_strangers(run, result, held, strangers)
            context.journal.append(changed[key])
    return changed


def _moved(new: StoredRows, results: Mapping[Key, Result]) -> dict[Key, set[int]]:
    """The ids that moved, by the workspace and entity type that they are of now."""
    moved: dict[Key, set[int]] = {}
    for (workspace, entity), result in results.items():
        if not any(reason.startswith(MOVED_TO) for reason in result.state.deleted):
            continue
        for id, reason in new.reasons(entity, workspace).items():
            if reason.startswith(MOVED_TO) and id.isdecimal():
                target = (workspace, reason.removeprefix(MOVED_TO))
                if reason.startswith(MOVED_TO_WORKSPACE):
                    target = (reason.removeprefix(MOVED_TO_WORKSPACE), entity)
                moved.setdefault(target, set()).add(int(id))
    return moved
