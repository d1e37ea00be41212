"""Letting go of a workspace: a generation without its rows, after the newest one.

A lake and a workspace in, the published manifest out; the command line calls it. Older generations
keep the rows until they expire.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from octane_flows.config import workspace_list
from octane_flows.errors import UsageError
from octane_flows.lake.generations import Lake
from octane_flows.lake.manifest import Manifest
from octane_flows.lake.publish import publish


def drop_workspace(lake: Lake, workspace: str, *, dry_run: bool = False) -> tuple[Manifest, int]:
    """The generation without the workspace, and how many row versions it lets go of.

    `workspace` is an id. `dry_run`: nothing is published. Raises UsageError for a workspace that
    the lake does not have, and for its only one.
    """
    newest = lake.current()
    stored = newest.workspaces if newest is not None else {}
    if newest is None or workspace not in stored:
        names = workspace_list(stored, newest.names if newest is not None else {}) or "none"
        raise UsageError(
            f"{lake.storage.describe()} has no rows of workspace {workspace}; it has: {names}."
        )
    if len(stored) == 1:
        raise UsageError(
            f"Workspace {workspace} is the only one in {lake.storage.describe()}, so nothing "
            "would be left; delete the data folder to let go of everything."
        )
    versions = sum(
        file.rows
        for table in newest.tables.values()
        for file in table.files
        if file.workspace == workspace
    )

    def after(head: Manifest | None, number: int) -> Manifest:
        assert head is not None  # the lake has the workspace
        return _without(head, workspace, number)

    if dry_run:
        return newest, versions
    return publish(lake, after, least=lake.next_generation()), versions


def _without(head: Manifest, workspace: str, number: int) -> Manifest:
    return replace(
        head,
        generation=number,
        parent=head.generation,
        created_at=datetime.now(UTC),
        tables={
            name: replace(
                table, files=tuple(file for file in table.files if file.workspace != workspace)
            )
            for name, table in head.tables.items()
        },
        states={id: states for id, states in head.states.items() if id != workspace},
        fields=[field for field in head.fields if field.workspace != workspace],
        certificate=[row for row in head.certificate if row.workspace != workspace],
        schema_changes=[change for change in head.schema_changes if change.workspace != workspace],
        findings=[finding for finding in head.findings if finding.workspace != workspace],
        workspaces={id: entry for id, entry in head.workspaces.items() if id != workspace},
        compacted={},
    )
