"""The certificate on the terminal: what is held of each entity type, and how far it can be trusted.

A manifest in, lines on the console out; `status` prints it.
"""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from octane_flows.lake import CertificateRow, Manifest


def rows_held(manifest: Manifest) -> int:
    """Rows held of all entity types."""
    return sum(_held(row) for row in manifest.certificate)


COLUMNS = (
    "entity type", "workspace", "rows held", "server's count", "changes held to", "last census",
    "tombstones", "status",
)  # fmt: skip
ALWAYS_SHOWN = frozenset({"entity type", "rows held", "server's count", "status"})
NUMBERS = frozenset({"rows held", "server's count"})
NEVER = "never"


def print_certificate(manifest: Manifest, console: Console) -> None:
    """One line for each entity type that holds rows, lost some, or could not be read.

    Columns that would say the same in every line are left out.
    """
    rows = [
        _cells(row)
        for row in sorted(manifest.certificate, key=lambda one: (one.workspace, one.entity))
        if _held(row) or row.tombstones or row.status == "refused"
    ]
    table = Table(box=box.SIMPLE_HEAD)
    shown = [
        name for name in COLUMNS if name in ALWAYS_SHOWN or len({row[name] for row in rows}) > 1
    ]
    for name in shown:
        table.add_column(
            name, justify="right" if name in NUMBERS else "left", no_wrap=name == "entity type"
        )
    for row in rows:
        table.add_row(*(row[name] for name in shown))
    console.print(table)
    if "last census" not in shown and rows and rows[0]["last census"] == NEVER:
        console.print("census       never; octane-flows census finds what was deleted")


def _cells(row: CertificateRow) -> dict[str, str]:
    census = f"{row.census_at:%Y-%m-%d %H:%M}: {row.census_result}" if row.census_at else NEVER
    tombstones = (f"{count} {reason}" for reason, count in sorted(row.tombstones.items()))
    return {
        "entity type": row.entity,
        "workspace": row.workspace,
        "rows held": f"{_held(row):,}",
        "server's count": (f"{row.server_count_end:,}" if row.server_count_end is not None else ""),
        "changes held to": f"{row.cursor:%Y-%m-%d %H:%M}" if row.cursor else "",
        "last census": census,
        "tombstones": ", ".join(tombstones),
        "status": f"{row.status}: {row.note}" if row.status == "refused" else row.status,
    }


def _held(row: CertificateRow) -> int:
    return row.rows_held if row.rows_held is not None else row.rows_read
