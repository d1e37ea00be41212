"""The log of writes, which the collections `audits` and `history_records` show.

In: what a write changed. Out: one row for each field with its old and new value; a deletion is one
row without a field. Called by writer.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from octane_simulator.store.current_caller import caller_ref
from octane_simulator.store.entity_store import Store
from octane_simulator.store.server_clock import iso

__all__ = ["Log"]


class Log:
    """The rows of one request, written together at its end."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.rows: list[dict[str, Any]] = []

    def created(self, kind: str, identifier: str, values: Mapping[str, Any]) -> None:
        """A new entity with its values."""
        name = values.get("name")
        filled = {key: value for key, value in values.items() if value not in (None, [])}
        for field, value in filled.items():
            self._add("Create", kind, identifier, name, field, None, _text(value))

    def updated(
        self, kind: str, identifier: str, old_row: Mapping[str, Any], values: Mapping[str, Any]
    ) -> None:
        """The fields of an entity that have a new value."""
        name = values.get("name") or old_row.get("name")
        for field, value in values.items():
            old, new = _text(old_row.get(field)), _text(value)
            if old != new:
                self._add("Update", kind, identifier, name, field, old, new)

    def deleted(self, kind: str, identifier: str, name: str | None) -> None:
        """A deleted entity."""
        self._add("Delete", kind, identifier, name, None, None, None)

    def write(self) -> None:
        """Store the rows."""
        if self.rows:
            self.store.insert_many("audit", self.rows)

    def _add(
        self,
        action: str,
        kind: str,
        identifier: str,
        name: object,
        field: str | None,
        old: str | None,
        new: str | None,
    ) -> None:
        self.rows.append({
            "timestamp": iso(self.store.now()), "user": caller_ref(), "action": action,
            "entity_type": kind, "entity_id": identifier, "entity_name": name,
            "field_name": field, "old_value": old, "new_value": new,
        })  # fmt: skip


def _text(value: Any) -> str | None:
    """A value as text: references as id, several ones in order of id, with commas."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping) and "id" in value:
        return str(value["id"])
    if isinstance(value, list) and all(
        isinstance(item, Mapping) and "id" in item for item in value
    ):
        return ",".join(sorted({str(item["id"]) for item in value})) or None
    return json.dumps(value) if isinstance(value, (list, dict)) else str(value)
