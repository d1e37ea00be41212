"""JSON rows of a page to Arrow: one table of the entity, one per multi-reference field.

A value that does not fit its column is null there and noted with id, field and value; a value that
was changed to fit is noted, too. `page_to_arrow` calls this for pages that it cannot decode by
column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from octane_flows.client import Field
from octane_flows.extract.extract_plan import (
    ARROW_TYPES,
    EntityPlan,
    TablePlan,
    arrow_schema,
)
from octane_flows.extract.field_values import (
    MisfitError,
    ValueNotes,
    column_values,
    has_half_character,
)
from octane_flows.lake.arrow_arrays import arrow_array, arrow_scalar

Row = dict[str, Any]


@dataclass(frozen=True)
class Stamp:
    """What every row of an extract carries: where, when and in which generation it was read."""

    workspace: str
    generation: int
    extracted_at: datetime


def entity_table(
    plan: EntityPlan, table: TablePlan, rows: Sequence[Row], stamp: Stamp, notes: ValueNotes
) -> pa.Table:
    """The rows of one page as the entity's Arrow table."""
    ids = [str(row["id"]) for row in rows]
    kinds = [_kind_of_row(id, row, notes) for id, row in zip(ids, rows, strict=True)]
    arrays: dict[str, pa.Array] = {
        "id": arrow_array(ids, pa.string()),
        "type": arrow_array(kinds, pa.string()),
    }
    for field in plan.scalars:
        values = [row.get(field.name) for row in rows]
        names = table.names_of(field)
        if field.is_reference:
            pairs = _references(field, ids, values, notes)
            arrays[names[0]] = arrow_array([id for id, _ in pairs], pa.string())
            arrays[names[1]] = arrow_array([kind for _, kind in pairs], pa.string())
        else:
            arrays[names[0]] = column_values(field, ids, values, notes)
    return stamped(table, arrays, len(rows), stamp)


def link_table(
    table: TablePlan, field: Field, rows: Sequence[Row], stamp: Stamp, notes: ValueNotes
) -> pa.Table:
    """The pairs of one multi-reference field on one page."""
    sources: list[str] = []
    targets: list[str] = []
    types: list[str | None] = []
    for row in rows:
        id, value = str(row["id"]), row.get(field.name)
        try:
            pairs = link_targets(value)
        except MisfitError:
            notes.reject(id, field.name, value)
            continue
        sources += [id] * len(pairs)
        targets += [target for target, _ in pairs]
        types += [kind for _, kind in pairs]
    arrays = {
        "source_id": arrow_array(sources, pa.string()),
        "target_id": arrow_array(targets, pa.string()),
        "target_type": arrow_array(types, pa.string()),
    }
    return stamped(table, arrays, len(sources), stamp)


def link_targets(value: Any) -> list[tuple[str, str | None]]:
    """The ids and types that a multi-reference value lists. Raises MisfitError."""
    if value is None:
        return []
    listed = value.get("data") if isinstance(value, dict) else value
    if not isinstance(listed, list):
        raise MisfitError
    pairs = []
    for target in listed:
        if not isinstance(target, dict):
            raise MisfitError
        pairs.append((_reference_id(target.get("id")), _kind(target)))
    return pairs


def short_lists(plan: EntityPlan, rows: Sequence[Row]) -> list[tuple[Row, Field]]:
    """Rows whose nested list holds fewer references than its `total_count` says."""
    short = []
    for field in plan.links:
        for row in rows:
            value = row.get(field.name)
            if isinstance(value, dict) and isinstance(value.get("total_count"), int):
                listed = value.get("data")
                if isinstance(listed, list) and len(listed) < value["total_count"]:
                    short.append((row, field))
    return short


def stamped(table: TablePlan, arrays: dict[str, pa.Array], count: int, stamp: Stamp) -> pa.Table:
    """The Arrow table of `count` rows: the arrays by column, nulls where there is none."""
    arrays = {**arrays, **stamp_arrays(stamp, count, deleted=False)}
    columns = [
        arrays[column.name]
        if column.name in arrays
        else pa.nulls(count, ARROW_TYPES[column.type])  # a field of another workspace only
        for column in table.columns
    ]
    return pa.Table.from_arrays(columns, schema=arrow_schema(table.columns))


def stamp_arrays(stamp: Stamp, count: int, *, deleted: bool) -> dict[str, pa.Array]:
    """The columns of `count` rows that say where, when and in which generation they were read."""
    moment = stamp.extracted_at.replace(tzinfo=None)
    values = {
        "_workspace_id": arrow_scalar(stamp.workspace, pa.string()),
        "_generation": arrow_scalar(stamp.generation, pa.int64()),
        "_extracted_at": arrow_scalar(moment, pa.timestamp("us")),
        "_deleted": arrow_scalar(deleted, pa.bool_()),
    }
    return {name: pa.repeat(value, count) for name, value in values.items()}


def _references(
    field: Field, ids: Sequence[str], values: Sequence[Any], notes: ValueNotes
) -> list[tuple[str | None, str | None]]:
    """The ids and types that single references name; a value that is no reference is rejected."""
    pairs: list[tuple[str | None, str | None]] = []
    for id, value in zip(ids, values, strict=True):
        try:
            pairs.append(_reference(value))
        except MisfitError:
            notes.reject(id, field.name, value)
            pairs.append((None, None))
    return pairs


def _reference(value: Any) -> tuple[str | None, str | None]:
    if value is None:
        return None, None
    if isinstance(value, dict):
        return _reference_id(value.get("id")), _kind(value)
    return _reference_id(value), None  # run_history answers some references as bare ids


def _reference_id(id: Any) -> str:
    """The id of a reference. Another text than the server's would refer to another row."""
    if isinstance(id, bool) or not isinstance(id, str | int) or id == "":
        raise MisfitError
    if isinstance(id, str) and has_half_character(id):
        raise MisfitError
    return str(id)


def _kind(row: Row) -> str | None:
    """The concrete type of a row or reference where there is one, else the aggregate's."""
    kind = row.get("subtype") or row.get("type")
    if kind is not None and (not isinstance(kind, str) or has_half_character(kind)):
        raise MisfitError
    return kind


def _kind_of_row(id: str, row: Row, notes: ValueNotes) -> str | None:
    try:
        return _kind(row)
    except MisfitError:
        notes.reject(id, "type", row.get("subtype") or row.get("type"))
        return None
