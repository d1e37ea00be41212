"""Which workspaces an extract reads, and what the server calls them.

The settings' ids and names in, ids and the known names out; the names are kept with the data, so
that commands which only read need no server for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from octane_flows.client import Octane, WorkspaceRef
from octane_flows.config import is_workspace_id
from octane_flows.errors import OctaneFlowsError
from octane_flows.extract.missing_data import unlisted_workspaces
from octane_flows.lake import Manifest


@dataclass(frozen=True)
class ReadWorkspaces:
    """`listed` is the server's list where it was read; `unlisted` are those that it lacks, why."""

    ids: tuple[str, ...]
    listed: Sequence[WorkspaceRef] | None
    unlisted: Mapping[str, str]


def read_workspaces(
    octane: Octane, parent: Manifest | None, wanted: Sequence[str] | None
) -> ReadWorkspaces:
    """The workspaces of ids and names, or all that the server lists.

    Raises UsageError and ServerError, where ids alone do not say which they are.
    """
    if wanted is not None and all(map(is_workspace_id, wanted)):
        return ReadWorkspaces(tuple(wanted), None, {})
    listed = octane.workspaces()
    ids = octane.ids_among(listed, wanted)
    unlisted = unlisted_workspaces(parent, ids) if wanted is None else {}
    return ReadWorkspaces(ids, listed, unlisted)


def names_of_workspaces(
    octane: Octane, parent: Manifest | None, read: ReadWorkspaces, as_of: datetime
) -> dict[str, str | None]:
    """The names of the workspaces that an extract reads; null: the server does not say.

    Where ids alone were given, the list is read for their names with the first extract of a day.
    It is no part of what an extract is for: without it, the names stay as the lake has them.
    """
    entries = parent.workspaces if parent is not None else {}
    names = {id: entries[id].name if id in entries else None for id in read.ids}
    listed = read.listed
    if listed is None and _is_due(parent, read.ids, as_of):
        try:
            listed = octane.workspaces()
        except OctaneFlowsError:
            return names
    there = {workspace.id: workspace.name for workspace in listed or ()}
    return {id: _name(id, there.get(id)) or name for id, name in names.items()}


def _is_due(parent: Manifest | None, ids: Sequence[str], as_of: datetime) -> bool:
    if parent is None or any(id not in parent.workspaces for id in ids):
        return True
    return any(parent.workspaces[id].as_of.date() != as_of.date() for id in ids)


def _name(id: str, name: str | None) -> str | None:
    """The name, if it has one: the client gives the id where the server gives no usable name."""
    return name if name != id else None
