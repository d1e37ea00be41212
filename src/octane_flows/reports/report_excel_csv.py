"""The report's answers as an Excel workbook or as CSV files.

The warehouse in, `<home>/report.xlsx` or `<home>/report-csv/` out; the command line calls it.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv

from octane_flows.errors import OctaneFlowsError
from octane_flows.questions import Question, list_questions, run_question
from octane_flows.questions.excel_sheets import AnswerWorkbook, sheet_names
from octane_flows.questions.harmless_texts import harmless_cells
from octane_flows.reports.report_place import report_source
from octane_flows.reports.stored_answers import problem_of
from octane_flows.warehouse.file_replacement import replace_file

EXCEL_FILE = "report.xlsx"
CSV_FOLDER = "report-csv"


def write_excel(home: Path, *, past: duckdb.DuckDBPyConnection | None = None) -> Path:
    """One workbook: a sheet that lists the questions, then a sheet for each with all its rows."""
    current = home / EXCEL_FILE
    stream = io.BytesIO()
    with (
        report_source(home, past) as (connection, moment),
        AnswerWorkbook(stream) as workbook,
    ):
        _fill(workbook, connection)
    target = current.with_stem(current.stem + moment)
    replace_file(target, stream.getvalue())
    return target


def _fill(workbook: AnswerWorkbook, connection: duckdb.DuckDBPyConnection) -> None:
    contents = workbook.book.add_worksheet("Contents")
    headings = ["sheet", "question", "rows", "rows mean", "left out here"]
    contents.write_row(0, 0, headings, workbook.bold)
    for column, width in enumerate((34, 80, 12, 60, 60)):
        contents.set_column(column, column, width)
    questions = _questions()
    names = sheet_names(question.slug for question in questions)
    for number, question in enumerate(questions, start=1):
        name = names[question.slug]
        answer = _answer(connection, question)
        count: int | str = "not available" if answer is None else answer.num_rows
        contents.write_url(number, 0, f"internal:'{name}'!A1", string=name)
        sheet = workbook.add_answer(name, pa.table({}) if answer is None else answer)
        contents.write_row(number, 1, [question.text, count, question.grain, " ".join(sheet.notes)])
    contents.write_string(len(questions) + 2, 0, "Times are UTC.")


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
    except OctaneFlowsError as error:
        problem_of(error)  # raises where the warehouse is damaged
        return None  # this server lacks what it reads: the contents say so


def _plain(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
