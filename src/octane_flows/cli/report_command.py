"""The command that writes all answers as a page, a workbook or files: report.

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
from octane_flows.cli.command_options import AsOf, Progress


class ReportFormat(StrEnum):
    """How the report is written."""

    html = "html"
    excel = "excel"
    csv = "csv"
    csv_raw = "csv-raw"


@app.command(epilog="Example: octane-flows report --format excel")
def report(
    format: Annotated[
        ReportFormat, typer.Option("--format", help="A page, a workbook, or a folder of files.")
    ] = ReportFormat.html,
    as_of: AsOf = None,
    progress: Progress = False,
) -> None:
    """Write the answers of all flows and metrics into the data folder.

    A report of the past has its moment in its name, and the current one stays.
    """
    from octane_flows import reports

    writers: dict[ReportFormat, Callable[..., Path]] = {
        ReportFormat.html: reports.write,
        ReportFormat.excel: reports.write_excel,
        ReportFormat.csv: reports.write_csv,
        ReportFormat.csv_raw: partial(reports.write_csv, raw=True),
    }
    with ExitStack() as stack:
        past = stack.enter_context(open_warehouse(as_of, progress)) if as_of is not None else None
        output.print(str(writers[format](data_folder(), past=past)), soft_wrap=True)
