"""The record of when each flow was last compared with the live server, and with what result.

Comparisons in, `<home>/verified.json` out, and back for the report. The file lies beside the
warehouse, because flows are compared after publishing and the published file never changes.
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
COLUMNS = ("number", "slug", "workspace_id", "status", "octane_count", "warehouse_count", "message")


def record_comparisons(
    home: Path,
    connection: duckdb.DuckDBPyConnection,
    comparisons: Iterable[Mapping[str, Any]],
    at: datetime,
) -> None:
    """Write the comparisons of this generation; flows that were not compared now keep theirs."""
    with connection.cursor() as cursor:
        rows = cursor.execute("select generation from meta.generation").fetchall()
    generation = int(rows[0][0])
    compared_at = at.isoformat(timespec="seconds")
    latest = {_key(comparison): comparison for comparison in read_comparisons(home, generation)}
    for comparison in comparisons:
        columns = {name: comparison[name] for name in COLUMNS}
        latest[_key(comparison)] = {"compared_at": compared_at, **columns}
    record = {"generation": generation, "comparisons": [latest[key] for key in sorted(latest)]}
    text = json.dumps(record, indent=1, ensure_ascii=False)
    replace_file(home / RECORD_FILE, text.encode("utf-8"))


def _key(comparison: Mapping[str, Any]) -> tuple[bool, int, str, str]:
    """Documented flows come first, by number."""
    number = comparison["number"]
    return number is None, number or 0, comparison["slug"], comparison["workspace_id"]


def read_comparisons(home: Path, generation: int) -> list[dict[str, Any]]:
    """The comparisons of this generation, in the order of flows; none of any other."""
    try:
        record = json.loads((home / RECORD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # never compared, or a file of somebody else
        return []
    if not isinstance(record, dict) or record.get("generation") != generation:
        return []
    comparisons: list[dict[str, Any]] = record["comparisons"]
    return comparisons
