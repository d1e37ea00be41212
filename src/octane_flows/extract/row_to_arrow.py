"""JSON rows of a page to Arrow: one table of the entity, one per multi-reference field.

A value that does not fit its column is an error that names entity, id, field and value; no value
becomes null. `page_to_arrow` calls this for pages that it cannot decode by column.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from octane_flows.client import Field
from octane_flows.errors import ExtractError
from octane_flows.extract.extract_plan import (
    ARROW_TYPES,
    DUCKDB_TYPES,
    EntityPlan,
    TablePlan,
    arrow_schema,
)

Row = dict[str, Any]


@dataclass(frozen=True)
class Stamp:
    """What every row of an extract carries: where, when and in which generation it was read."""

    workspace: str
    generation: int
    extracted_at: datetime


def entity_table(plan: EntityPlan, table: TablePlan, rows: Sequence[Row], stamp: Stamp) -> pa.Table:
    """The rows of one page as the entity's Arrow table."""
    arrays: dict[str, pa.Array] = {
        "id": pa.array([str(row["id"]) for row in rows], pa.string()),
        "type": pa.array([row.get("subtype") or row.get("type") for row in rows], pa.string()),
    }
    for field in plan.scalars:
        values = [row.get(field.name) for row in rows]
        if field.is_reference:
            pairs = [_reference(plan, field, row) for row in rows]
            arrays[f"{field.name}_id"] = pa.array([id for id, _ in pairs], pa.string())
            arrays[f"{field.name}_type"] = pa.array([kind for _, kind in pairs], pa.string())
        else:
            arrays[field.name] = scalar_array(plan, field, rows, values)
    return stamped(table, arrays, len(rows), stamp)


def link_table(
    plan: EntityPlan, table: TablePlan, field: Field, rows: Sequence[Row], stamp: Stamp
) -> pa.Table:
    """The pairs of one multi-reference field on one page."""
    sources: list[str] = []
    targets: list[str] = []
    types: list[str | None] = []
    for row in rows:
        for target in link_targets(plan, field, row):
            sources.append(str(row["id"]))
            targets.append(str(target["id"]))
            types.append(target.get("subtype") or target.get("type"))
    arrays = {
        "source_id": pa.array(sources, pa.string()),
        "target_id": pa.array(targets, pa.string()),
        "target_type": pa.array(types, pa.string()),
    }
    return stamped(table, arrays, len(sources), stamp)


def link_targets(plan: EntityPlan, field: Field, row: Row) -> list[dict[str, Any]]:
    """The references that a multi-reference value lists."""
    value = row.get(field.name)
    if value is None:
        return []
    listed = value.get("data") if isinstance(value, dict) else value
    if not isinstance(listed, list) or any(
        not isinstance(target, dict) or target.get("id") is None for target in listed
    ):
        raise _misfit(plan, field, row, value)
    return listed


def short_lists(plan: EntityPlan, rows: Sequence[Row]) -> list[tuple[Row, Field]]:
    """Rows whose nested list holds fewer references than its `total_count` says."""
    short = []
    for field in plan.links:
        for row in rows:
            value = row.get(field.name)
            if isinstance(value, dict) and isinstance(value.get("total_count"), int):
                listed = value.get("data") or []
                if len(listed) < value["total_count"]:
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
        "_workspace_id": pa.scalar(stamp.workspace),
        "_generation": pa.scalar(stamp.generation, pa.int64()),
        "_extracted_at": pa.scalar(moment, pa.timestamp("us")),
        "_deleted": pa.scalar(value=deleted),
    }
    return {name: pa.repeat(value, count) for name, value in values.items()}


def _reference(plan: EntityPlan, field: Field, row: Row) -> tuple[str | None, str | None]:
    value = row.get(field.name)
    if value is None:
        return None, None
    if isinstance(value, dict):
        if value.get("id") is None:
            raise _misfit(plan, field, row, value)
        return str(value["id"]), value.get("subtype") or value.get("type")
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value), None  # run_history answers some references as bare ids
    raise _misfit(plan, field, row, value)


def scalar_array(
    plan: EntityPlan, field: Field, rows: Sequence[Row], values: Sequence[Any]
) -> pa.Array:
    """The values of one scalar field. Raises ExtractError, which names a value that misfits."""
    duckdb_type = DUCKDB_TYPES.get(field.field_type, "VARCHAR")
    try:
        return _convert(duckdb_type, values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        for row, value in zip(rows, values, strict=True):
            try:
                _convert(duckdb_type, [value])
            except (pa.ArrowException, TypeError, ValueError, OverflowError):
                raise _misfit(plan, field, row, value) from None
        raise


def _convert(duckdb_type: str, values: Sequence[Any]) -> pa.Array:
    if duckdb_type == "VARCHAR":
        texts = [
            value if value is None or isinstance(value, str) else _json_text(value)
            for value in values
        ]
        return pa.array(texts, pa.string())
    if duckdb_type == "TIMESTAMP":
        moments = pc.cast(pa.array(values, pa.string()), pa.timestamp("us", "UTC"))
        return pc.cast(moments, pa.timestamp("us"))
    if duckdb_type == "DATE":
        days = [None if value is None else value[:10] for value in values]
        return pc.cast(pa.array(days, pa.string()), pa.date32())
    if duckdb_type == "BIGINT":
        return pa.array([_whole(value) for value in values], pa.int64())
    if duckdb_type == "DOUBLE":
        return pa.array([_number(value) for value in values], pa.float64())
    return pa.array(values, ARROW_TYPES[duckdb_type])


def _whole(value: Any) -> int | None:
    """A JSON number without a fraction; Arrow alone would cut 1.5 to 1."""
    number = _number(value)
    if number is not None and (isinstance(value, int) or number.is_integer()):
        return int(value)
    if value is None:
        return None
    raise ValueError("not a whole number")


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    return float(value)


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _misfit(plan: EntityPlan, field: Field, row: Row, value: Any) -> ExtractError:
    shown = _json_text(value)
    return ExtractError(
        f"Workspace {plan.workspace}: {plan.name} {row['id']} has {shown[:80]} in field "
        f"{field.name}, which metadata calls {field.field_type}. Nothing was published; leave the "
        f"entity type out with --skip {plan.name}, or report the field to its administrator."
    )
