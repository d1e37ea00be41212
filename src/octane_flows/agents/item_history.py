"""The versions of an item as what changed from each to the next.

Rows of `octane_history` in, records out; the tool `history` shows them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Record = dict[str, Any]
OF_A_VERSION = ("_workspace_id", "valid_from", "valid_to", "is_deleted")


def version_changes(versions: Iterable[Record]) -> list[Record]:
    """The first version of each workspace with all its values, then the fields that changed."""
    before: dict[str, Record] = {}
    changes: list[Record] = []
    for version in versions:
        values = {name: value for name, value in version.items() if name not in OF_A_VERSION}
        workspace = version["_workspace_id"]
        previous = before.get(workspace)
        if previous is None:
            fields = {name: {"to": value} for name, value in values.items() if value is not None}
        else:
            fields = {
                name: {"from": previous[name], "to": value}
                for name, value in values.items()
                if value != previous[name]
            }
        before[workspace] = values
        changes.append(
            {
                "workspace_id": workspace,
                "valid_from": version["valid_from"],
                "valid_to": version["valid_to"],
                "is_deleted": version["is_deleted"],
                "fields": fields,
            }
        )
    return changes
