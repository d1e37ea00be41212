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


def print_certificate(manifest: Manifest, console: Console) -> None:
    """One line for each entity type that holds rows, lost some, or could not be read."""
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("entity type", "workspace"):
        table.add_column(name)
    for name in ("rows held", "server's count"):
        table.add_column(name, justify="right")
    for name in ("changes held to", "last census", "tombstones", "status"):
        table.add_column(name)
    for row in sorted(manifest.certificate, key=lambda one: (one.workspace, one.entity)):
        if _held(row) or row.tombstones or row.status == "refused":
            table.add_row(*_cells(row))
    console.print(table)


def _cells(row: CertificateRow) -> tuple[str, ...]:
    census = f"{row.census_at:%Y-%m-%d %H:%M}: {row.census_result}" if row.census_at else "never"
    return (
        row.entity,
        row.workspace,
        f"{_held(row):,}",
        f"{row.server_count_end:,}" if row.server_count_end is not None else "",
        f"{row.cursor:%Y-%m-%d %H:%M:%S}" if row.cursor else "",
        census,
        ", ".join(f"{count} {reason}" for reason, count in sorted(row.tombstones.items())),
        f"{row.status}: {row.note}" if row.status == "refused" else row.status,
    )


def _held(row: CertificateRow) -> int:
    return row.rows_held if row.rows_held is not None else row.rows_read
