"""Whether the server was restored from a backup: rows of the lake went back to older versions.

The previous generation, a plan and workspaces come in; the workspaces that went back, read states
that remember it and findings go out. `run_extract` calls it before and after it reads. An extract
reads what changed since, so rows with older stamps would stay wrong until all is read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from octane_flows.client import Workspace
from octane_flows.errors import AccessError, NotFoundError, RequestError
from octane_flows.extract.entity_result import Result
from octane_flows.extract.extract_plan import CHANGED, VERSION, EntityPlan, Key, Plan
from octane_flows.extract.id_queries import id_query
from octane_flows.lake import Finding, Manifest, NewestRow, ReadState

MAX_ASKED = 5  # entity types whose newest row is asked for, where others changed or were deleted


def restored_workspaces(
    parent: Manifest | None, plan: Plan, workspaces: Mapping[str, Workspace]
) -> set[str]:
    """The workspaces in which the newest row of the lake has an older version on the server.

    The newest row was read last, so it is newer than any backup that lost something. Where it was
    deleted or changed, which proves nothing, the newest row of another entity type is asked for.
    """
    states = parent.states if parent is not None else {}
    restored = set()
    for id, workspace in workspaces.items():
        newest = [
            (state.newest_row, entity)
            for entity in plan.entities
            if entity.workspace == id
            and (state := states.get(id, {}).get(entity.name)) is not None
            and state.newest_row is not None
        ]
        newest.sort(key=lambda pair: pair[0].changed, reverse=True)
        for row, entity in newest[:MAX_ASKED]:
            is_older = _is_older(workspace, entity, row)
            if is_older is not None:
                if is_older:
                    restored.add(id)
                break
    return restored


def _is_older(workspace: Workspace, entity: EntityPlan, row: NewestRow) -> bool | None:
    """Whether the server has an older version of a row; None: it has a newer one or none at all."""
    fields = ["id", *(name for name in (CHANGED, VERSION) if name in entity.fields)]
    try:
        page = workspace.page(entity.collection, fields=fields, query=id_query([row.id]), limit=1)
    except (AccessError, NotFoundError, RequestError):
        return None
    if not page.rows or str(page.rows[0]["id"]) != row.id:
        return None
    version = page.rows[0].get(VERSION)
    if isinstance(version, int) and row.version is not None and version != row.version:
        return True if version < row.version else None
    try:
        changed = datetime.fromisoformat(str(page.rows[0].get(CHANGED)))
        return None if changed > row.changed else changed < row.changed
    except (ValueError, TypeError):
        return None


def with_restores(
    results: Mapping[Key, Result], restored: Iterable[str], as_of: datetime
) -> dict[Key, Result]:
    """The results, whose states remember a restore until their entity type is read in full."""
    workspaces = set(restored)
    marked: dict[Key, Result] = {}
    for key, result in results.items():
        at = result.state.restored_at or (as_of if key[0] in workspaces else None)
        if result.kind in ("full", "whole"):
            at = None
        marked[key] = replace(result, state=replace(result.state, restored_at=at))
    return marked


def findings_on_restores(
    states: Mapping[str, Mapping[str, ReadState]], workspaces: Iterable[str]
) -> list[Finding]:
    """A finding for each workspace with entity types that were not read in full since a restore."""
    findings = []
    for id in workspaces:
        times = [state.restored_at for state in states.get(id, {}).values() if state.restored_at]
        if times:
            findings.append(
                Finding(
                    id,
                    f"rows went back to older versions, noticed {min(times):%Y-%m-%d %H:%M} UTC, "
                    "as after a restore of the server from a backup; what the lake has of "
                    f"{len(times)} entity types may be wrong until octane-flows extract --full",
                )
            )
    return findings
