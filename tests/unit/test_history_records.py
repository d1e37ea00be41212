"""Records of the change history become rows, with literals in the shapes that servers give."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from octane_flows.extract.history_records import (
    SCHEMA,
    RecordKeys,
    history_rows,
    read_saves,
)

PHASE = {
    "field_name": "phase",
    "field_label": "Phase",
    "old_value": "phase.defect.new",
    "old_value_text": "New",
    "value": "phase.defect.opened",
    "value_text": "Opened",
}


def record(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "timestamp": "2026-03-01T10:11:12Z",
        "action": "update",
        "entity_id": "1001",
        "user": {"name": "ada@example.com", "full_name": "Ada Byron"},
        "change_set": list(changes),
        **more,
    }


def rows_of(*records: Any) -> list[dict[str, Any]]:
    return history_rows("defect", read_saves(records, RecordKeys()))


def test_a_save_becomes_a_row_for_each_field() -> None:
    severity = {"field_name": "severity", "old_value": None, "value": "high", "value_text": "High"}

    phase, other = rows_of(record(PHASE, severity))

    assert {key: phase[key] for key in phase if key != "id"} == {
        "type": "history_log",
        "entity_type": "defect",
        "entity_id": "1001",
        "changed_at": datetime(2026, 3, 1, 10, 11, 12),
        "save_number": 0,
        "action": "update",
        "user_id": None,
        "user_name": "ada@example.com",
        "user_full_name": "Ada Byron",
        "field_name": "phase",
        "field_label": "Phase",
        "old_value": "phase.defect.new",
        "old_value_text": "New",
        "value": "phase.defect.opened",
        "value_text": "Opened",
    }
    assert (other["field_name"], other["value_text"]) == ("severity", "High")
    assert phase["id"] != other["id"]


def test_other_spellings_of_the_new_value_and_the_user_are_taken() -> None:
    old = {"field_name": "phase", "old_value": "1", "value": "2", "valueName": "Opened"}
    new = {"field_name": "phase", "old_value": "1", "new_value": "2", "new_value_text": "Opened"}

    rows = rows_of(record(old, user=None, user_name="Ada Byron"), record(new, entity_id="2"))

    assert {(row["value"], row["value_text"]) for row in rows} == {("2", "Opened")}
    assert {row["user_full_name"] for row in rows} == {"Ada Byron"}


def test_what_was_missing_before_a_creation_is_no_value() -> None:
    entry = {**PHASE, "old_value": "<missing>", "old_value_text": "<missing>"}

    (row,) = rows_of(record(entry, action="Create"))

    assert (row["action"], row["old_value"], row["old_value_text"]) == ("create", None, None)


def test_a_deletion_without_fields_is_a_row() -> None:
    (row,) = rows_of(record(action="delete"))

    assert (row["action"], row["field_name"], row["value"]) == ("delete", None, None)


def test_several_values_of_a_field_are_several_rows() -> None:
    tags = [{"field_name": "user_tags", "value": id, "value_text": f"tag {id}"} for id in "12"]

    rows = rows_of(record(*tags))

    assert [row["value"] for row in rows] == ["1", "2"]
    assert len({row["id"] for row in rows}) == 2


def test_equal_changes_within_a_second_stay_apart_and_in_their_order() -> None:
    back = {**PHASE, "old_value": PHASE["value"], "value": PHASE["old_value"]}
    newest_first = [record(PHASE), record(back), record(PHASE)]

    rows = rows_of(*newest_first)

    assert [row["save_number"] for row in rows] == [0, 1, 2]
    assert [row["value"] for row in rows] == [PHASE["value"], back["value"], PHASE["value"]]
    assert len({row["id"] for row in rows}) == 3
    assert [row["id"] for row in rows_of(*newest_first)] == [row["id"] for row in rows]


def test_values_of_all_kinds_are_text() -> None:
    values: list[Any] = [3, 2.5, True, None, {"type": "release", "id": 7}, [1, "a"]]

    rows = rows_of(record(*({"field_name": "f", "value": value} for value in values)))

    assert [row["value"] for row in rows] == ["3", "2.5", "true", None, "7", '[1, "a"]']


def test_unknown_keys_are_listed_and_records_of_another_form_counted() -> None:
    keys = RecordKeys()
    one_field = {"timestamp": "2026-03-01T10:11:12Z", "entity_id": "1", "field_name": "phase"}

    saves = read_saves(
        [
            record({**PHASE, "reason": "x"}, origin="ui"),
            one_field,
            record(PHASE, timestamp="yesterday"),
            record(PHASE, entity_id=None),
            "text",
        ],
        keys,
    )

    assert len(saves) == 1
    assert keys.unknown == {"origin", "change_set.reason"}
    assert keys.unreadable == 4


def test_times_of_other_zones_are_in_utc_and_rows_fit_their_columns() -> None:
    (row,) = rows_of(record(PHASE, timestamp="2026-03-01T12:11:12.250+02:00"))

    assert row["changed_at"] == datetime(2026, 3, 1, 10, 11, 12, 250_000)
    assert read_saves([record(PHASE)], RecordKeys())[0].changed_at.tzinfo is UTC
    table = pa.Table.from_pylist([row], schema=SCHEMA)
    assert table.column("changed_at").to_pylist() == [row["changed_at"]]
