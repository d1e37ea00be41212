"""Roles, labels and commit patterns that every new workspace has.

In: an empty store with its lists and first user. Out: rows that IDE plug-ins and administrators'
tools read. Called by seed_rows.py.
"""

from __future__ import annotations

from typing import Any

from octane_simulator.store.current_caller import FIRST_USER
from octane_simulator.store.entity_store import Store

__all__ = ["seed_settings"]

ROLES = {
    "role.workspace.admin": "Workspace Admin",
    "role.workspace.team.member": "Team Member",
    "role.workspace.tester": "Tester",
    "role.workspace.viewer": "Viewer",
    "role.workspace.ci.cd.integration": "CI/CD Integration",
}
# How a commit message names an item, by the last part of the list node of its type.
_PATTERNS = {
    "defect": "defect #[0-9]+:",
    "user_story": "user story #[0-9]+:",
    "quality_story": "quality story #[0-9]+:",
    "feature": "feature #[0-9]+:",
}


def seed_settings(store: Store, stamps: dict[str, Any]) -> None:
    """Add the rows, with the time stamps of the other rows of a new workspace."""
    for logical_name, name in ROLES.items():
        role = store.insert("role", {**stamps, "name": name, "logical_name": logical_name})
        reference = {"type": "role", "id": role}
        store.insert("workspace_role", {**stamps, "name": name, "role": reference})
        if logical_name == "role.workspace.admin":
            user = {"type": "workspace_user", "id": FIRST_USER}
            store.insert("user_role", {**stamps, "user": user, "role": reference})
    for kind, pattern in _PATTERNS.items():
        node = f"list_node.scm_commit_pattern_entity_type.{kind}"
        for part in ("commit", "branch"):
            applies_to = f"list_node.commit_pattern.applies_to.{part}"
            store.insert(
                "scm_commit_pattern",
                {
                    **stamps,
                    "pattern": pattern if part == "commit" else f"{kind}/[0-9]+",
                    "entity_type": {"type": "list_node", "id": node},
                    "applies_to": {"type": "list_node", "id": applies_to},
                },
            )
    store.insert_many("entity_label", [
        {
            **stamps, "entity_type": entity.name, "name": entity.label,
            "plural_capitalized": f"{entity.label}s", "language": "lang.en",
            "initials": "".join(word[0] for word in entity.label.split())[:3].upper(),
        }
        for entity in store.schema.entities.values()
        if entity.listed and entity.collection
    ])  # fmt: skip
