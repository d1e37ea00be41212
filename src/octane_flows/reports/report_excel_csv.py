"""The report's answers as an Excel workbook or as CSV files.

The warehouse in, `<home>/report.xlsx` or `<home>/report-csv/` out; the command line calls it.
"""

from __future__ import annotations

import io
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import xlsxwriter

from octane_flows.errors import OctaneFlowsError
from octane_flows.questions import Question, list_questions, run_question
from octane_flows.questions.harmless_texts import harmless_cells, is_formula
from octane_flows.reports.report_place import report_source
from octane_flows.warehouse.file_replacement import replace_file

EXCEL_FILE = "report.xlsx"
CSV_FOLDER = "report-csv"
SHEET_NAME, SHEET_ROWS = 31, 1_048_576 - 1  # Excel's own limits, the heading left out
LONGEST_CELL = 32_767  # characters; Excel takes no more
WIDEST_COLUMN = 60


def write_excel(home: Path, *, past: duckdb.DuckDBPyConnection | None = None) -> Path:
    """One workbook: a sheet that lists the questions, then a sheet for each with all its rows."""
    current = home / EXCEL_FILE
    stream = io.BytesIO()
    with (
        report_source(home, past) as (connection, moment),
        xlsxwriter.Workbook(
            stream,
            {"remove_timezone": True, "strings_to_urls": False, "strings_to_formulas": False},
        ) as book,
    ):
        _fill(book, connection)
    target = current.with_stem(current.stem + moment)
    replace_file(target, stream.getvalue())
    return target


def _fill(book: xlsxwriter.Workbook, connection: duckdb.DuckDBPyConnection) -> None:
    bold = book.add_format({"bold": True, "bottom": 1})
    time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    # a text stays one, also when somebody edits its cell
    quoted = book.add_format({"quote_prefix": True})
    contents = book.add_worksheet("Contents")
    contents.write_row(0, 0, ["sheet", "question", "rows", "rows mean"], bold)
    contents.set_column(0, 0, 34)
    contents.set_column(1, 1, 80)
    contents.set_column(3, 3, 60)
    for number, question in enumerate(_questions(), start=1):
        name = question.slug[:SHEET_NAME]
        answer = _answer(connection, question)
        count: int | str = "not available" if answer is None else answer.num_rows
        contents.write_url(number, 0, f"internal:'{name}'!A1", string=name)
        contents.write_row(number, 1, [question.text, count, question.grain])
        sheet = book.add_worksheet(name)
        if answer is not None:
            _write_sheet(sheet, answer, bold, time, quoted)


def _write_sheet(sheet: Any, answer: pa.Table, bold: Any, time: Any, quoted: Any) -> None:
    sheet.freeze_panes(1, 0)
    for column, name in enumerate(answer.column_names):
        sheet.write(0, column, name, bold)
        values = answer[name].slice(0, SHEET_ROWS).to_pylist()
        for row, value in enumerate(values, start=1):
            if isinstance(value, (datetime, date)):
                sheet.write_datetime(row, column, value, time)
            elif isinstance(value, str | list):
                text = str(_plain(value))[:LONGEST_CELL]
                sheet.write_string(row, column, text, quoted if is_formula(text) else None)
            elif value is not None:
                sheet.write(row, column, value)
        longest = max((len(str(value)) for value in values[:100]), default=0)
        sheet.set_column(column, column, min(WIDEST_COLUMN, 2 + max(longest, len(name))))
    if answer.num_rows:
        sheet.autofilter(0, 0, min(answer.num_rows, SHEET_ROWS), answer.num_columns - 1)


def write_csv(
    home: Path, *, raw: bool = False, past: duckdb.DuckDBPyConnection | None = None
) -> Path:
    """One CSV file for each question, with all its rows; `raw`: formulas stay as they are."""
    with report_source(home, past) as (connection, moment):
        folder = home / f"{CSV_FOLDER}{moment}"
        folder.mkdir(exist_ok=True)
        for question in _questions():
            answer = _answer(connection, question)
            if answer is None:
                continue
            stream = io.BytesIO()
            flat = [
                pa.array([_plain(value) for value in column.to_pylist()])
                if pa.types.is_nested(column.type)
                else column
                for column in answer.columns
            ]
            table = pa.table(flat, names=answer.column_names)
            pa_csv.write_csv(table if raw else harmless_cells(table), stream)
            replace_file(folder / f"{question.slug}.csv", stream.getvalue())
    return folder


def _questions() -> list[Question]:
    return [*list_questions("flow"), *list_questions("metric")]


def _answer(connection: duckdb.DuckDBPyConnection, question: Question) -> pa.Table | None:
    try:
        return run_question(connection, question)
    except OctaneFlowsError:
        return None  # this server lacks what it reads: the contents say so


def _plain(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
