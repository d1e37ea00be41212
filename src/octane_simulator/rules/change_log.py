"""The log of writes, which the collections `audits`, `history_records` and `history_logs` show.

In: what a write changed. Out: one audit row for each field with its old and new value (a deletion
is one row without a field), and one save with all its fields for the change history. Called by
writer.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from octane_simulator.store.current_caller import caller_ref
from octane_simulator.store.entity_store import Store
from octane_simulator.store.history_table import Save, add_saves
from octane_simulator.store.simulated_clock import iso
from octane_simulator.store.table_layout import quoted

__all__ = ["Log"]

# What a creation has in the place of the old text.
MISSING = "<missing>"


class Log:
    """The rows of one request, written together at its end."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.rows: list[dict[str, Any]] = []
        self.saves: list[Save] = []
        self._names: dict[tuple[str, str], str] = {}

    def created(self, kind: str, identifier: str, values: Mapping[str, Any]) -> None:
        """A new entity with its values."""
        name = values.get("name")
        filled = {key: value for key, value in values.items() if value not in (None, [])}
        for field, value in filled.items():
            self._add("Create", kind, identifier, name, field, None, _text(value))
        self._save("create", kind, identifier, dict.fromkeys(filled), filled)

    def updated(
        self, kind: str, identifier: str, old_row: Mapping[str, Any], values: Mapping[str, Any]
    ) -> None:
        """The fields of an entity that have a new value."""
        name = values.get("name") or old_row.get("name")
        changed: dict[str, Any] = {}
        for field, value in values.items():
            old, new = _text(old_row.get(field)), _text(value)
            if old != new:
                changed[field] = value
                self._add("Update", kind, identifier, name, field, old, new)
        if changed:
            self._save("update", kind, identifier, old_row, changed)

    def deleted(self, kind: str, identifier: str, name: str | None) -> None:
        """A deleted entity."""
        self._add("Delete", kind, identifier, name, None, None, None)
        self._save("delete", kind, identifier, {}, {})

    def write(self) -> None:
        """Store the rows."""
        if self.rows:
            self.store.insert_many("audit", self.rows)
            add_saves(self.store, self.saves)

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

    # -- the change history ---------------------------------------------------------------------

    def _save(
        self,
        action: str,
        kind: str,
        identifier: str,
        old_row: Mapping[str, Any],
        changed: Mapping[str, Any],
    ) -> None:
        changes = [
            entry
            for field, value in changed.items()
            for entry in self._entries(kind, field, old_row.get(field), value)
        ]
        if action == "create":
            for entry in changes:
                entry["old_value_text"] = MISSING
        user = caller_ref()["id"]
        timestamp = iso(self.store.now())
        self.saves.append(Save(kind, identifier, action, changes, user, timestamp))

    def _entries(self, kind: str, field: str, old: Any, new: Any) -> list[dict[str, Any]]:
        """The entries of a field: one, or of several references one for each that goes or comes."""
        definition = self.store.columns(self.store.schema.family(kind))[field].field
        pairs = [(old, new)]
        if definition.is_reference and definition.multiple:
            before, after = _by_id(old), _by_id(new)
            pairs = [(before[key], None) for key in before if key not in after]
            pairs += [(None, after[key]) for key in after if key not in before]
        return [
            {
                "field_name": field,
                "field_label": definition.label,
                "old_value": _text(before),
                "old_value_text": self._shown(before),
                "value": _text(after),
                "value_text": self._shown(after),
            }
            for before, after in pairs
        ]

    def _shown(self, value: Any) -> str | None:
        """A value as a person sees it: of a reference, the name that its target has now."""
        if not isinstance(value, Mapping) or "id" not in value:
            return _text(value)
        key = str(value["type"]), str(value["id"])
        if key not in self._names:
            self._names[key] = self._name_of(*key)
        return self._names[key]

    def _name_of(self, kind: str, identifier: str) -> str:
        family = self.store.schema.family(kind)
        names = [name for name in ("full_name", "name") if name in self.store.columns(family)]
        if not names:
            return identifier
        rows = self.store.read(
            f"SELECT {', '.join(names)} FROM {quoted(family)} WHERE id = ?",
            (self.store.key(family, identifier),),
        )
        return next((str(name) for name in (rows[0] if rows else ()) if name), identifier)


def _by_id(value: Any) -> dict[str, Any]:
    """Several references by their id, in order."""
    items = value.get("data", [value]) if isinstance(value, Mapping) else value or []
    return {str(item["id"]): item for item in items}


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
