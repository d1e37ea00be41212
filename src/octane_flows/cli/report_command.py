"""The command that writes all answers as a page, a workbook or files: report.

A format in; the report in the data folder, its path on standard output.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from octane_flows.cli.command_line import app, data_folder, output


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
) -> None:
    """Write the answers of all flows and metrics into the data folder."""
    from octane_flows import reports

    writers: dict[ReportFormat, Callable[[Path], Path]] = {
        ReportFormat.html: reports.write,
        ReportFormat.excel: reports.write_excel,
        ReportFormat.csv: reports.write_csv,
        ReportFormat.csv_raw: partial(reports.write_csv, raw=True),
    }
    output.print(str(writers[format](data_folder())), soft_wrap=True)
