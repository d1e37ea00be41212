"""The command that writes the tables of a company lake: export.

Arguments in; what was written on standard output, progress on standard error.
"""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

from octane_flows.cli.command_line import app, data_folder, data_lake, output, print_step


class TableFormat(StrEnum):
    """The format of the company lake's tables."""

    delta = "delta"
    iceberg = "iceberg"


@app.command(epilog="Example: octane-flows export --format delta")
def export(
    format: Annotated[TableFormat, typer.Option("--format", help="Format of the tables.")],
    destination: Annotated[
        str | None,
        typer.Option("--output", metavar="PLACE", help="Folder or s3://bucket/prefix to write to."),
    ] = None,
    catalog: Annotated[
        str | None,
        typer.Option(metavar="URI", help="Iceberg catalog; none: a file beside the tables."),
    ] = None,
    namespace: Annotated[str, typer.Option(help="Iceberg namespace of the tables.")] = "octane",
    history: Annotated[
        bool, typer.Option("--history", help="Also <table>_history: every version ever read.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Write every table whole, not only what changed.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="A line for each table.")] = False,
) -> None:
    """Bring Delta or Iceberg tables of a company lake to the warehouse's generation."""
    from octane_flows import export as company_lake
    from octane_flows.config import load_lake

    place = company_lake.destination(
        format.value,
        data_folder(),
        output=destination,
        catalog=catalog,
        namespace=namespace,
        bucket=load_lake(os.environ),
    )
    report = company_lake.export(
        data_folder(),
        place,
        lake=data_lake(),
        history=history,
        full=full,
        progress=print_step if verbose else None,
    )
    changed = [table for table in report.tables if table.how != "unchanged"]
    if not report.tables:
        output.print(
            f"export       nothing to do: {report.place} shows generation {report.generation}",
            soft_wrap=True,
        )
        return
    output.print(
        f"export       generation {report.generation} into {report.place}: "
        f"{sum(table.rows for table in changed):,} rows of {len(changed)} tables, "
        f"{len(report.of('unchanged'))} unchanged",
        soft_wrap=True,
    )
