"""Lakes of any size for benchmarks: automated runs with a link field, written as an extract does.

A folder and numbers in, published generations out; nothing is read from a server.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from octane_flows.lake import Draft, FileEntry, Lake, Manifest, TableEntry
from octane_flows.warehouse.octane_contract import contract_entry
from tests.golden import kit

TABLES = ("run_automated", "run_automated__taxonomies")
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
BATCH_ROWS = 250_000
FILLED = (
    "name", "creation_time", "last_modified", "started", "duration", "status_id", "test_id",
    "release_id", "author_id", "run_by_id", "native_status_id", "external_report_url",
)  # fmt: skip


def publish_runs(home: Path, ids: np.ndarray, *, empty: bool = False) -> Manifest:
    """A generation in which these runs, with one environment tag each, are new or changed."""
    lake = Lake(home / "lake")
    draft = Draft(lake)
    previous_tables = draft.parent.tables if draft.parent is not None else {}
    now = FIRST + timedelta(days=draft.generation)
    tables: dict[str, TableEntry] = {}
    for name in kit.tables():
        entry = previous_tables.get(name) or contract_entry(name)
        if name in TABLES and not empty:
            file = _write(draft.writer, entry, ids, draft.generation, now)
            entry = dataclasses.replace(entry, files=(*entry.files, file))
        tables[name] = entry
    return draft.publish(
        as_of=now, server_url="http://127.0.0.1", server_version="24.4", shared_space="1001",
        tables=tables, states={}, fields=[], certificate=[], schema_changes=[], politeness={},
        findings=[],
    )  # fmt: skip


def _write(
    make: object, entry: TableEntry, ids: np.ndarray, generation: int, now: datetime
) -> FileEntry:
    schema = pa.schema([(column.name, kit.ARROW[column.type]) for column in entry.columns])
    writer = make(entry.name, schema, workspace="1002")  # type: ignore[operator]
    for start in range(0, len(ids), BATCH_ROWS):
        some = ids[start : start + BATCH_ROWS]
        rows = len(some)
        texts = pa.array(some).cast(pa.string())
        values: dict[str, pa.Array] = {
            "_workspace_id": pa.repeat("1002", rows),
            "_generation": pa.repeat(pa.scalar(generation, pa.int64()), rows),
            "_extracted_at": pa.repeat(
                pa.scalar(now.replace(tzinfo=None), kit.ARROW["TIMESTAMP"]), rows
            ),
            "_deleted": pa.repeat(pa.scalar(value=False), rows),
            "id": texts,
            "type": pa.repeat("run_automated", rows),
            "source_id": texts,
            "target_id": pa.array(some % 40).cast(pa.string()),
            "target_type": pa.repeat("taxonomy_item_node", rows),
        }
        arrays = [
            values.get(field.name) if field.name in values else _filler(field, some)
            for field in schema
        ]
        writer.write(pa.Table.from_arrays(arrays, schema=schema))
    file: FileEntry = writer.close()
    return file


def _filler(field: pa.Field, ids: np.ndarray) -> pa.Array:
    """Plausible values for a dozen fields; the others are empty, as they mostly are."""
    if field.name not in FILLED:
        return pa.nulls(len(ids), field.type)
    if pa.types.is_timestamp(field.type):
        start = int(FIRST.timestamp()) * 1_000_000
        return pa.array(start + ids * 1_000_000, pa.int64()).cast(field.type)
    if pa.types.is_integer(field.type):
        return pa.array(ids % 100_000, pa.int64())
    return pa.array(ids % 997).cast(pa.string())
