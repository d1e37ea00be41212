"""One row as a dictionary, made into columns of its table and rows of link tables.

In: values with references as {"type","id"}, and how each field is stored. Out: names and values of
columns, and the links apart. Called by entity_store.py.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from octane_simulator.model.field_model import SHARED_STORAGE
from octane_simulator.store.current_caller import EDITORS, caller_ref
from octane_simulator.store.simulated_clock import iso
from octane_simulator.store.sqlite_database import Database
from octane_simulator.store.table_layout import Column

__all__ = ["Linked", "defaults_of", "flatten"]

# A multi-reference to be written: its field, the key of the row, what it refers to.
Linked = tuple[str, int | str, Sequence[Mapping[str, Any]]]

_BY_CALLER = ("author", *EDITORS)


def defaults_of(columns: Collection[str], now: str) -> dict[str, Any]:
    """The values of a new row where none are given."""
    values = {
        "creation_time": now, "last_modified": now, "version_stamp": 1, "client_lock_stamp": 1,
        "activity_level": 0, "has_comments": 0, "has_attachments": 0, "has_children": 0,
        "is_deleted_entity": 0,
    }  # fmt: skip
    defaults: dict[str, Any] = {name: value for name, value in values.items() if name in columns}
    caller = caller_ref()
    for name in _BY_CALLER:
        if name in columns:
            defaults[f"{name}_id"], defaults[f"{name}_type"] = int(caller["id"]), caller["type"]
    return defaults


def flatten(
    database: Database,
    column: Column,
    value: Any,
    flat: dict[str, Any],
    links: list[Linked],
    key: int | str,
) -> None:
    """Put one value of the row `key` into `flat` or `links`."""
    name = column.field.name
    if column.kind == "scalar":
        if column.field.field_type == "object" and value is not None:
            value = json.dumps(value, ensure_ascii=False)
        elif isinstance(value, bool):
            value = int(value)
        elif isinstance(value, datetime):
            value = iso(value)
        flat[name] = value
    elif column.kind == "single":
        if value is None:
            flat[f"{name}_id"] = flat[f"{name}_type"] = None
            return
        target = database.key(column.far_family, value["id"])
        kind = value["type"]
        if kind in database.schema.subtypes:
            kind = database.type_of(column.far_family, target) or kind
        flat[f"{name}_id"] = target
        flat[f"{name}_type"] = SHARED_STORAGE.get(kind, kind)
    elif column.kind in {"link", "inverse"}:
        links.append((name, key, _targets(value)))


def _targets(value: Any) -> Sequence[Mapping[str, Any]]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        return list(value.get("data", [])) if "data" in value else [value]
    return list(value)
