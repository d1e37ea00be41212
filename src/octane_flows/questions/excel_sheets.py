"""Answers as sheets of an Excel workbook, within what Excel can hold; what it cannot is told.

Arrow tables in, sheets or a whole workbook out; the command line and the report call it. Texts stay
texts: no formula is run and no address becomes a link.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, BinaryIO, Final

import pyarrow as pa
import xlsxwriter

from octane_flows.questions.harmless_texts import is_formula

SHEET_NAME: Final = 31  # characters; Excel's own limits, as are these
SHEET_ROWS: Final = 1_048_576 - 1  # without the heading
LONGEST_CELL: Final = 32_767  # units of UTF-16: an emoji has two
EXACT: Final = 10**15  # Excel keeps 15 digits of a number
FIRST_DAY: Final = date(1900, 3, 1)  # Excel's calendar has a 29th of February before it
WIDEST_COLUMN: Final = 60
CUT: Final = " ..."


@dataclass(frozen=True)
class Sheet:
    """What became of an answer on its sheet."""

    rows_left_out: int = 0
    texts_cut: int = 0

    @property
    def notes(self) -> list[str]:
        """What the sheet lacks, as sentences."""
        notes = []
        if self.rows_left_out:
            notes.append(
                f"A sheet of Excel has {SHEET_ROWS:,} rows below its heading: "
                f"{self.rows_left_out:,} further rows are left out. CSV and Parquet have all."
            )
        if self.texts_cut:
            notes.append(
                f"A cell of Excel has {LONGEST_CELL:,} characters: {self.texts_cut:,} longer texts "
                f"are cut and end with '{CUT.strip()}'. CSV and Parquet have them whole."
            )
        return notes


class AnswerWorkbook:
    """A workbook whose sheets are answers; a context manager, which writes it to the stream."""

    def __init__(self, stream: BinaryIO) -> None:
        self.book = xlsxwriter.Workbook(
            stream,
            {"remove_timezone": True, "strings_to_urls": False, "strings_to_formulas": False},
        )
        self.bold = self.book.add_format({"bold": True, "bottom": 1})
        self._time = self.book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._date = self.book.add_format({"num_format": "yyyy-mm-dd"})
        # a text stays one, also when somebody edits its cell
        self._quoted = self.book.add_format({"quote_prefix": True})

    def __enter__(self) -> AnswerWorkbook:
        return self

    def __exit__(self, *_: object) -> None:
        self.book.close()

    def add_answer(self, name: str, answer: pa.Table) -> Sheet:
        """A sheet of that name with as many rows as it can hold."""
        sheet = self.book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        texts_cut = 0
        for column, heading in enumerate(answer.column_names):
            sheet.write_string(0, column, heading, self.bold)
            values = answer[heading].slice(0, SHEET_ROWS).to_pylist()
            for row, value in enumerate(values, start=1):
                texts_cut += self._write(sheet, row, column, value)
            longest = max((len(str(value)) for value in values[:100]), default=0)
            width = min(WIDEST_COLUMN, 2 + max(longest, len(heading)))
            sheet.set_column(column, column, width)
        if answer.num_rows:
            last = min(answer.num_rows, SHEET_ROWS)
            sheet.autofilter(0, 0, last, answer.num_columns - 1)
        return Sheet(max(0, answer.num_rows - SHEET_ROWS), texts_cut)

    def _write(self, sheet: Any, row: int, column: int, value: object) -> bool:
        """Write one cell; whether its text was cut."""
        if value is None:
            return False
        day = value.date() if isinstance(value, datetime) else value
        if isinstance(day, date) and day >= FIRST_DAY:
            form = self._time if isinstance(value, datetime) else self._date
            sheet.write_datetime(row, column, value, form)
            return False
        if isinstance(value, bool):
            sheet.write_boolean(row, column, value)
            return False
        if isinstance(value, int | float) and abs(value) < EXACT:
            sheet.write_number(row, column, value)
            return False
        whole = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        text = _within_cell(whole)
        sheet.write_string(row, column, text, self._quoted if is_formula(text) else None)
        return text is not whole


def write_workbook(answer: pa.Table, stream: BinaryIO) -> list[str]:
    """One answer as a workbook; the notes on what Excel cannot hold, which stand in it, too."""
    content = io.BytesIO()
    with AnswerWorkbook(content) as workbook:
        notes = workbook.add_answer("Answer", answer).notes
        about = workbook.book.add_worksheet("About")
        about.set_column(0, 0, WIDEST_COLUMN * 2)
        for row, text in enumerate(("Times are UTC.", *notes)):
            about.write_string(row, 0, text)
    stream.write(content.getvalue())
    return notes


def sheet_names(names: Iterable[str]) -> dict[str, str]:
    """A sheet's name for each name: short enough, and different whatever the letters' case."""
    chosen: dict[str, str] = {}
    taken = {"about", "contents"}
    for name in names:
        short, number = name[:SHEET_NAME], 2
        while short.casefold() in taken:
            end = f"~{number}"
            short, number = name[: SHEET_NAME - len(end)] + end, number + 1
        taken.add(short.casefold())
        chosen[name] = short
    return chosen


def _within_cell(text: str) -> str:
    """The text, or its begin where Excel would not take it whole."""
    if len(text) * 2 <= LONGEST_CELL or len(text.encode("utf-16-le")) // 2 <= LONGEST_CELL:
        return text
    units = text.encode("utf-16-le")[: 2 * (LONGEST_CELL - len(CUT))]
    return units.decode("utf-16-le", errors="ignore") + CUT
