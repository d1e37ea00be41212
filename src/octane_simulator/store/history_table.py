"""The table of the change history: one row for each save.

In: saves with their changed fields. Out: rows of the table `history_log`. Made by
sqlite_database.py, filled by rules/change_log.py and by tests that need much history at once, read
by query/history_logs.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from octane_simulator.store.simulated_clock import iso
from octane_simulator.store.sqlite_database import Database

__all__ = ["Save", "add_saves"]


@dataclass
class Save:
    """One save of one entity; `timestamp` None is the server's time.

    `action` is create, update or delete. An entry of `changes` has the keys field_name,
    field_label, old_value, old_value_text, value and value_text.
    """

    entity_type: str
    entity_id: str
    action: str
    changes: list[dict[str, Any]] = field(default_factory=list)
    user: str = "1001"
    timestamp: str | None = None


def add_saves(database: Database, saves: Iterable[Save]) -> None:
    """Store saves in their order, with the names that their users have now."""
    users = {
        str(key): (name, full_name)
        for key, name, full_name in database.read("SELECT id, name, full_name FROM workspace_user")
    }
    now = iso(database.now())
    rows = (
        (
            save.timestamp or now,
            save.action,
            save.entity_type,
            save.entity_id,
            save.user,
            *users.get(save.user, (save.user, save.user)),
            json.dumps(save.changes, ensure_ascii=False),
        )
        for save in saves
    )
    with database.transaction():
        database.connection.executemany(
            "INSERT INTO history_log (timestamp, action, entity_type, entity_id, user_id,"
            " user_name, full_name, change_set) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
