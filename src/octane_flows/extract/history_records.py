"""Records of the change history to rows: one row for each field of a save.

JSON records as the server gives them come in, rows of the lake's table `history_log` go out. Pure;
`history_pages` calls it. Versions of Octane spell some keys differently, so what is there is taken,
and unknown keys are listed for a finding.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from octane_flows.extract.extract_plan import arrow_schema
from octane_flows.lake import ColumnEntry
from octane_flows.lake.key_columns import ENTITY_KEYS, OWN_COLUMNS

TABLE = "history_log"
COLUMNS = (
    *ENTITY_KEYS,
    ColumnEntry("entity_type", "VARCHAR", None, None, "Type of the changed entity"),
    ColumnEntry("entity_id", "VARCHAR", None, None, "ID of the changed entity"),
    ColumnEntry("changed_at", "TIMESTAMP", None, None, "Time of the save"),
    ColumnEntry("save_number", "BIGINT", None, None, "Place among the entity's saves of a second"),
    ColumnEntry("action", "VARCHAR", None, None, "create, update or delete"),
    ColumnEntry("user_id", "VARCHAR", None, None, "ID of the user, where the server gives it"),
    ColumnEntry("user_name", "VARCHAR", None, None, "Login name of the user"),
    ColumnEntry("user_full_name", "VARCHAR", None, None, "Full name of the user"),
    ColumnEntry("field_name", "VARCHAR", None, None, "Name of the changed field"),
    ColumnEntry("field_label", "VARCHAR", None, None, "Label of the changed field"),
    ColumnEntry("old_value", "VARCHAR", None, None, "Value before"),
    ColumnEntry("old_value_text", "VARCHAR", None, None, "Value before, as Octane shows it"),
    ColumnEntry("value", "VARCHAR", None, None, "Value after"),
    ColumnEntry("value_text", "VARCHAR", None, None, "Value after, as Octane shows it"),
    *OWN_COLUMNS,
)
SCHEMA = arrow_schema(COLUMNS)
MISSING = "<missing>"  # what a creation has in the place of the old text
ID_BYTES = 16

_RECORD_KEYS = frozenset(
    {"timestamp", "action", "entity_id", "entity_type", "entity_name", "user", "user_name"}
    | {"change_set", "id", "type"}
)
_VALUE_KEYS = ("value", "new_value")
_TEXT_KEYS = ("value_text", "valueName", "new_value_text")
_ENTRY_KEYS = frozenset(
    {"field_name", "field_label", "old_value", "old_value_text", *_VALUE_KEYS, *_TEXT_KEYS}
)


@dataclass(frozen=True)
class Save:
    """One record: the entity that was saved, when, by whom, and the changed fields."""

    entity_id: str
    changed_at: datetime
    action: str
    user: tuple[str | None, str | None, str | None]  # id, login name, full name
    changes: tuple[Mapping[str, Any], ...]


@dataclass
class RecordKeys:
    """What the records of a history have beside the keys that are read."""

    unknown: set[str] = field(default_factory=set)
    unreadable: int = 0  # records without a time, an entity or changed fields


def read_saves(records: Iterable[Any], keys: RecordKeys) -> list[Save]:
    """The records that can be read; the others are counted in `keys`."""
    saves = []
    for record in records:
        save = _read_save(record, keys)
        if save is None:
            keys.unreadable += 1
        else:
            saves.append(save)
    return saves


def _read_save(record: Any, keys: RecordKeys) -> Save | None:
    if not isinstance(record, Mapping):
        return None
    moment = read_moment(record.get("timestamp"))
    id = _text(record.get("entity_id"))
    changes = record.get("change_set", [])
    if moment is None or id is None or not isinstance(changes or [], list):
        return None
    if "change_set" not in record and "field_name" in record:
        return None  # a record for each field, whose values have other keys
    keys.unknown |= record.keys() - _RECORD_KEYS
    entries = [entry for entry in changes or [] if isinstance(entry, Mapping)]
    for entry in entries:
        keys.unknown |= {f"change_set.{key}" for key in entry.keys() - _ENTRY_KEYS}
    action = (_text(record.get("action")) or "update").lower()
    return Save(id, moment, action, _user(record), tuple(entries))


def read_moment(value: Any) -> datetime | None:
    """A time of the server, aware; None where there is none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _user(record: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    user = record.get("user")
    name = _text(record.get("user_name"))
    if isinstance(user, Mapping):
        return (
            _text(user.get("id")),
            _text(user.get("name")) or name,
            _text(user.get("full_name")) or name,
        )
    return None, _text(user) or name, name


def _text(value: Any) -> str | None:
    """A value as text: a reference as its id, lists and other objects as JSON."""
    if value is None:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping) and "id" in value:
        return str(value["id"])
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


def history_rows(entity_type: str, saves: Iterable[Save]) -> list[dict[str, Any]]:
    """The rows of saves, which come newest first and with all saves of each second.

    The id of a row is a digest of what it says, so that a save that is read twice has the same
    rows. Equal changes of one entity within a second are told apart by their number.
    """
    rows: list[dict[str, Any]] = []
    numbers: dict[tuple[str, datetime], int] = {}
    occurrences: dict[str, int] = {}
    for save in reversed(list(saves)):
        second = save.entity_id, save.changed_at
        number = numbers.get(second, 0)
        numbers[second] = number + 1
        for entry in save.changes or ({},):
            row = _row(entity_type, save, entry, number)
            digest = _digest(row)
            occurrence = occurrences.get(digest, 0)
            occurrences[digest] = occurrence + 1
            row["id"] = digest if not occurrence else _digest(row, occurrence)
            rows.append(row)
    return rows


def _row(entity_type: str, save: Save, entry: Mapping[str, Any], number: int) -> dict[str, Any]:
    user_id, user_name, full_name = save.user
    return {
        "type": TABLE,
        "entity_type": entity_type,
        "entity_id": save.entity_id,
        "changed_at": save.changed_at.replace(tzinfo=None),
        "save_number": number,
        "action": save.action,
        "user_id": user_id,
        "user_name": user_name,
        "user_full_name": full_name,
        "field_name": _text(entry.get("field_name")),
        "field_label": _text(entry.get("field_label")),
        "old_value": _present(entry.get("old_value")),
        "old_value_text": _present(entry.get("old_value_text")),
        "value": _present(_first(entry, _VALUE_KEYS)),
        "value_text": _present(_first(entry, _TEXT_KEYS)),
    }


def _present(value: Any) -> str | None:
    text = _text(value)
    return None if text == MISSING else text


def _first(entry: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((entry[name] for name in names if entry.get(name) is not None), None)


_IDENTITY = ("entity_type", "entity_id", "action", "field_name", "old_value", "value")


def _digest(row: Mapping[str, Any], occurrence: int = 0) -> str:
    parts = [*(row[name] for name in _IDENTITY), row["changed_at"].isoformat(), occurrence]
    text = json.dumps(parts, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=ID_BYTES).hexdigest()
