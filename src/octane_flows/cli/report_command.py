"""The command that writes all answers as pages, a workbook or files: report.

A format in; the report in the data folder, its path on standard output.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from octane_flows.cli.command_line import app, data_folder, open_warehouse, output
from octane_flows.cli.command_options import AsOf, Destination, Progress


class ReportFormat(StrEnum):
    """How the report is written."""

    html = "html"
    excel = "excel"
    csv = "csv"
    csv_raw = "csv-raw"


@app.command(epilog="Example: octane-flows report --format excel")
def report(
    format: Annotated[
        ReportFormat,
        typer.Option("--format", help="Pages in one file, a workbook, or a folder of files."),
    ] = ReportFormat.html,
    destination: Destination = None,
    as_of: AsOf = None,
    progress: Progress = False,
) -> None:
    """Write the report as pages, or all answers as a workbook or files, into the data folder.

    A report of the past has its moment in its name, and the current one stays. --output writes
    the pages to another file.
    """
    from octane_flows import reports
    from octane_flows.errors import UsageError

    if destination is not None and format is not ReportFormat.html:
        raise UsageError(
            f"--output is for the pages; leave it out with --format {format.value}, which writes "
            "into the data folder."
        )
    writers: dict[ReportFormat, Callable[..., Path]] = {
        ReportFormat.html: partial(reports.write, output=destination),
        ReportFormat.excel: reports.write_excel,
        ReportFormat.csv: reports.write_csv,
        ReportFormat.csv_raw: partial(reports.write_csv, raw=True),
    }
    with ExitStack() as stack:
        past = stack.enter_context(open_warehouse(as_of, progress)) if as_of is not None else None
        output.print(str(writers[format](data_folder(), past=past)), soft_wrap=True)
