"""The state of lake and warehouse on the terminal: how complete they are, what was requested.

A lake comes in, lines on the console go out; the command `status` calls it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console

from octane_flows import warehouse
from octane_flows.config import workspace_label
from octane_flows.console import PlainTable
from octane_flows.errors import UsageError
from octane_flows.lake import CertificateRow, Lake, Manifest
from octane_flows.warehouse.warehouse_as_of import parse_when

BEHIND = timedelta(days=1)  # a workspace that is older than the generation by more is shown
BUSIEST = 5  # collections that are printed; meta.politeness has all
COLUMNS = (
    "entity type", "workspace", "rows held", "server's count", "changes held to", "last census",
    "tombstones", "status",
)  # fmt: skip
ALWAYS_SHOWN = frozenset({"entity type", "rows held", "server's count", "status"})
NUMBERS = frozenset({"rows held", "server's count"})
NEVER = "never"
MISSING = ("refused", "absent")


def print_status(home: Path, lake: Lake, console: Console, *, as_of: str | None = None) -> None:
    """Print what the lake and the warehouse have, and how complete it is.

    `as_of`: what the lake had then; the warehouse that readers have now is left out.
    """
    manifest = lake.current() if as_of is None else lake.as_of(parse_when(as_of))
    if manifest is None:
        raise UsageError(
            f"Nothing has been extracted into {home} yet; run octane-flows run, or set OCTANE_HOME."
        )
    console.print(f"data folder  {home.resolve()}", soft_wrap=True)
    console.print(f"server       {manifest.server_url}, version {manifest.server_version}")
    console.print(
        f"generation   {manifest.generation}, as of {manifest.as_of:%Y-%m-%d %H:%M:%S} UTC"
    )
    labels = [workspace_label(id, manifest.names) for id in manifest.workspaces]
    console.print(f"workspaces   {', '.join(labels)}", soft_wrap=True)
    for id, entry in manifest.workspaces.items():
        if manifest.as_of - entry.as_of > BEHIND:
            console.print(
                f"behind       workspace {workspace_label(id, manifest.names)} was last read "
                f"{entry.as_of:%Y-%m-%d %H:%M} UTC",
                soft_wrap=True,
            )
    types = [row for row in manifest.certificate if not row.is_history]
    console.print(
        f"complete     {_complete(types)} of {len(types)} entity types, "
        f"{sum(map(_stored_rows, types)):,} entities"
    )
    histories = [row for row in manifest.certificate if row.is_history]
    if histories:
        console.print(
            f"history      of {_complete(histories)} of {len(histories)} entity types was read; "
            "meta.certificate says from when on it is complete",
            soft_wrap=True,
        )
    _print_certificate(manifest, console)
    _print_politeness(manifest.politeness, console)
    if as_of is None:
        _print_warehouse(home, manifest, console)
    for finding in manifest.findings:
        console.print(f"finding      {finding}", soft_wrap=True)


def _print_warehouse(home: Path, manifest: Manifest, console: Console) -> None:
    try:
        with warehouse.connect(home) as connection:
            built = connection.execute("select generation from meta.generation").fetchall()[0][0]
            gaps = warehouse.gaps_of_warehouse(connection)
            workspaces = connection.execute("select workspace_id from meta.workspaces").fetchall()
    except UsageError:
        console.print("warehouse    not built yet; run octane-flows build")
    else:
        behind = "" if built == manifest.generation else "; run octane-flows build to catch up"
        in_lake = len(manifest.workspaces)
        labels = ", ".join(workspace_label(row[0], manifest.names) for row in workspaces)
        part = f", workspaces {labels} of {in_lake}" if len(workspaces) < in_lake else ""
        console.print(f"warehouse    generation {built}{part}{behind}", soft_wrap=True)
        for gap in gaps:
            console.print(f"gap          {gap}", soft_wrap=True)


def _print_certificate(manifest: Manifest, console: Console) -> None:
    """Print a line for each entity type that has rows, lost some, or could not be read.

    Columns that are the same or empty in every line are left out. How many entity types have no
    line is said below.
    """
    types = [row for row in manifest.certificate if not row.is_history]
    listed = [row for row in types if _stored_rows(row) or row.tombstones or row.status in MISSING]
    rows = [
        _cells(row, manifest) for row in sorted(listed, key=lambda row: (row.workspace, row.entity))
    ]
    table = PlainTable(box=box.SIMPLE_HEAD)
    values = {name: {row[name] for row in rows} for name in COLUMNS}
    shown = [
        name
        for name in COLUMNS
        if len(values[name]) > 1 or (name in ALWAYS_SHOWN and values[name] != {""})
    ]
    for name in shown:
        table.add_column(
            name,
            justify="right" if name in NUMBERS else "left",
            no_wrap=name == "entity type",
            min_width=len("complete") if name == "status" else None,
        )
    for row in rows:
        table.add_row(*(row[name] for name in shown))
    console.print(table)
    if empty := len(types) - len(listed):
        has = "entity type without rows is" if empty == 1 else "entity types without rows are"
        counted = " (counted in each workspace)" if len(manifest.workspaces) > 1 else ""
        console.print(
            f"empty        {empty} {has} left out{counted}; meta.certificate has all",
            soft_wrap=True,
        )
    if "last census" not in shown and rows and rows[0]["last census"] == NEVER:
        console.print("census       never; octane-flows census finds what was deleted")


def _age(then: datetime, as_of: datetime) -> str:
    """How long before the newest extract it was; nothing on the same day."""
    days = (as_of - then).days
    return f", {days} day{'s' if days > 1 else ''} before" if days > 0 else ""


def _cells(row: CertificateRow, manifest: Manifest) -> dict[str, str]:
    as_of = manifest.as_of
    census = f"{row.census_at:%Y-%m-%d}{_age(row.census_at, as_of)}" if row.census_at else NEVER
    if row.census_at and row.census_result != "equal":
        census += f": {row.census_result}"
    tombstones = (f"{count} {reason}" for reason, count in sorted(row.tombstones.items()))
    return {
        "entity type": row.entity,
        "workspace": row.workspace,
        "rows held": f"{_stored_rows(row):,}",
        "server's count": (f"{row.server_count_end:,}" if row.server_count_end is not None else ""),
        "changes held to": f"{row.cursor:%Y-%m-%d %H:%M}" if row.cursor else "",
        "last census": census,
        "tombstones": ", ".join(tombstones),
        "status": f"{row.status}: {row.note}" if row.status in MISSING else row.status,
    }


def _complete(rows: Sequence[CertificateRow]) -> int:
    return sum(row.status in ("complete", "carried") for row in rows)


def _stored_rows(row: CertificateRow) -> int:
    return row.rows_held if row.rows_held is not None else row.rows_read


def _print_politeness(figures: dict[str, Any], console: Console) -> None:
    """Print what the last extract requested: in all, then from the collections that cost most."""
    if not figures.get("requests"):
        return
    console.print(f"asked        {_requests(figures)}", soft_wrap=True)
    collections = sorted(
        figures.get("collections", []),
        key=lambda figures: (-figures["bytes_received"], figures["collection"]),
    )
    for collection in collections[:BUSIEST]:
        text = f"{collection['collection']}: {_requests(collection)}"
        console.print(f"             {text}", soft_wrap=True)


def _requests(figures: dict[str, Any]) -> str:
    text = (
        f"{figures['requests']:,} requests, {figures['bytes_received'] / 1e6:,.1f} MB, "
        f"95 % of answers within {figures['p95_ms']:,.0f} ms"
    )
    if figures["wait_s"] or figures["retries"]:
        text += (
            f"; waited {figures['wait_s']:,.1f} s, sent {figures['retries']:,} again "
            f"({figures['status_429']:,} times status 429)"
        )
    return text
