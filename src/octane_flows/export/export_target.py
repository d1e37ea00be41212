"""What `run_export` needs from a format, and the table `generations` that every export keeps.

`delta` and `iceberg` are such targets. The state of an export lies in the target alone: each table
carries the generation it shows, `generations` names the generations that are whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from octane_flows.export.export_content import (
    ARROW_TYPES,
    Changed,
    ExportColumn,
    ExportTable,
    Stamp,
)

GENERATIONS = ExportTable(
    "generations",
    "Which version of each table shows which generation",
    (
        ExportColumn("generation", pa.int64(), "generation of the Octane lake"),
        ExportColumn("as_of", ARROW_TYPES["TIMESTAMP"], "server's time that it shows (UTC)"),
        ExportColumn("table_name", pa.string(), "table of this place"),
        ExportColumn("version", pa.int64(), "Delta version or Iceberg snapshot id to read"),
        ExportColumn("source", pa.string(), "address of the server and id of its shared space"),
    ),
)


STAMP_COLUMNS = ("_workspace_id", "_generation")


def newest_stamps(batches: Iterable[pa.RecordBatch]) -> dict[str, int]:
    """The newest `_generation` of each workspace, of batches with `STAMP_COLUMNS`."""
    newest: dict[str, int] = {}
    for batch in batches:
        table = pa.Table.from_batches([batch]).group_by(STAMP_COLUMNS[0])
        for row in table.aggregate([(STAMP_COLUMNS[1], "max")]).to_pylist():
            workspace, stamp = row[STAMP_COLUMNS[0]], row[f"{STAMP_COLUMNS[1]}_max"]
            newest[workspace] = max(stamp, newest.get(workspace, 0))
    return newest


class Target(Protocol):
    """A company lake in one format."""

    def close(self) -> None:
        """Let go of connections."""
        ...

    def generation(self, table: str) -> int | None:
        """The generation that a table shows; None: no such table, 0: not made from this source."""
        ...

    def moment(self, table: str, generation: int) -> datetime | None:
        """The server's time of the generation that a table shows; None when it says none."""
        ...

    def version(self, table: str) -> int:
        """The number by which the table can be read as it is now."""
        ...

    def stamps(self, table: str) -> dict[str, int]:
        """The newest `_generation` that a table of versions holds of each workspace."""
        ...

    def recorded(self, generation: int) -> Stamp | None:
        """The stamp of a generation that the table `generations` has."""
        ...

    def fits(self, table: ExportTable) -> bool:
        """Whether the columns that are there have the types that they should have."""
        ...

    def rewrite(self, table: ExportTable, rows: pa.RecordBatchReader, stamp: Stamp) -> None:
        """Replace schema and rows in one commit; creates the table."""
        ...

    def describe(self, table: ExportTable) -> None:
        """Add columns that are new, and comments that changed."""
        ...

    def merge(self, changed: Changed, stamp: Stamp) -> None:
        """Replace the rows of the owners that changed."""
        ...

    def append(self, table: ExportTable, rows: pa.RecordBatchReader, stamp: Stamp) -> None:
        """Add rows."""
        ...
