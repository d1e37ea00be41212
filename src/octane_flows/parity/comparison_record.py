"""When the warehouse was last compared with the live server, and what came of it.

Comparisons as records in, `<home>/verified.json` out, and back for the report: it lies beside the
warehouse, because the comparison follows the publishing and the published file never changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from octane_flows.warehouse.file_replacement import replace_file

RECORD_FILE = "verified.json"
KEPT = ("number", "slug", "workspace_id", "status", "octane_count", "warehouse_count", "message")


def record_comparisons(
    home: Path,
    connection: duckdb.DuckDBPyConnection,
    found: Iterable[Mapping[str, Any]],
    at: datetime,
) -> None:
    """Keep what was found; flows that were not asked this time keep theirs of this generation."""
    with connection.cursor() as cursor:
        rows = cursor.execute("select generation from meta.generation").fetchall()
    generation = int(rows[0][0])
    kept = {(one["number"], one["workspace_id"]): one for one in read_comparisons(home, generation)}
    for one in found:
        row = {"compared_at": at.isoformat(timespec="seconds"), **{key: one[key] for key in KEPT}}
        kept[one["number"], one["workspace_id"]] = row
    record = {"generation": generation, "comparisons": [kept[key] for key in sorted(kept)]}
    text = json.dumps(record, indent=1, ensure_ascii=False)
    replace_file(home / RECORD_FILE, text.encode("utf-8"))


def read_comparisons(home: Path, generation: int) -> list[dict[str, Any]]:
    """What is kept of this generation, in the order of flows; nothing for any other."""
    try:
        record = json.loads((home / RECORD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # never compared, or a file of somebody else
        return []
    if not isinstance(record, dict) or record.get("generation") != generation:
        return []
    comparisons: list[dict[str, Any]] = record["comparisons"]
    return comparisons
