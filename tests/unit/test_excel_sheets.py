"""Answers for spreadsheets: workbooks within Excel's limits, CSV as a European Excel opens it."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

import pyarrow as pa
import pytest

from octane_flows.console import plain_console
from octane_flows.questions import excel_sheets
from octane_flows.questions.answer_formats import write_answer
from octane_flows.questions.excel_sheets import LONGEST_CELL, sheet_names, write_workbook

SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
EMOJI = "\N{FIRE}"


def book_of(columns: dict[str, Any]) -> tuple[list[list[str]], list[str]]:
    """The first sheet's cells as Excel reads them, and the notes."""
    stream = io.BytesIO()
    notes = write_workbook(pa.table(columns), stream)
    with ZipFile(stream) as content:
        sheet = ElementTree.fromstring(content.read("xl/worksheets/sheet1.xml"))
        texts = [
            "".join(part.text or "" for part in item.iter(f"{SPACE}t"))
            for item in ElementTree.fromstring(content.read("xl/sharedStrings.xml"))
        ]
    rows = []
    for row in sheet.iter(f"{SPACE}row"):
        cells = []
        for cell in row.iter(f"{SPACE}c"):
            value = cell.findtext(f"{SPACE}v") or ""
            cells.append(texts[int(value)] if cell.get("t") == "s" else value)
        rows.append(cells)
    return rows, notes


def test_a_text_is_cut_where_excel_would_not_take_it_and_told() -> None:
    fits, too_long = EMOJI * (LONGEST_CELL // 2), EMOJI * LONGEST_CELL

    rows, notes = book_of({"text": [fits, too_long, "a" * LONGEST_CELL, "a" * (LONGEST_CELL + 1)]})

    [_, [first], [second], [third], [fourth]] = rows
    assert (first, third) == (fits, "a" * LONGEST_CELL)
    assert second == EMOJI * ((LONGEST_CELL - 4) // 2) + " ..."
    assert len(fourth) == LONGEST_CELL
    assert [note.partition(":")[2][:20] for note in notes] == [" 2 longer texts are "]


def test_numbers_times_and_other_values_keep_their_kind() -> None:
    zone = timezone(timedelta(hours=2))
    rows, notes = book_of(
        {
            "day": [date(2021, 1, 20), date(1850, 1, 1)],
            "time": pa.array(
                [datetime(2021, 1, 20, 12, tzinfo=zone)] * 2, pa.timestamp("us", "UTC")
            ),
            "large": [10**15 - 1, 10**17],
            "share": [0.5, 1e300],
            "money": [Decimal("1.50"), None],
            "yes": [True, False],
            "items": [["=1", "b"], []],
            "facts": [{"a": 1}, None],
        }
    )

    assert rows[1] == ["44216", "44216.41666666666", "999999999999999", "0.5", "1.50", "1", "=1, b",
                       "{'a': 1}"]  # fmt: skip
    assert rows[2][:4] == ["1850-01-01", "44216.41666666666", "100000000000000000", "1e+300"]
    assert notes == []


def test_rows_beyond_a_sheet_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel_sheets, "SHEET_ROWS", 2)

    rows, notes = book_of({"id": ["1", "2", "3"]})

    assert rows == [["id"], ["1"], ["2"]]
    assert notes == [
        "A sheet of Excel has 2 rows below its heading: 1 further rows are left out. CSV and "
        "Parquet have all."
    ]


def test_names_of_sheets_are_short_and_different() -> None:
    long = "tests_that_somebody_should_look_at"

    names = sheet_names([f"{long}_today", f"{long}_tomorrow", "ABOUT", "contents"])

    assert list(names.values()) == [long[:31], f"{long[:29]}~2", "ABOUT~2", "contents~2"]
    assert max(map(len, names.values())) <= 31


def test_csv_for_an_excel_with_decimal_commas(tmp_path: Path) -> None:
    answer = pa.table(
        {
            "name": ["a;b", "=1+1", "1,5"],
            "share": [0.25, 1e-7, None],
            "money": pa.array([Decimal("1.50"), None, None]),
            "at": pa.array(
                [datetime(2021, 1, 20, 21, 0, 0, 999_999), None, None], pa.timestamp("us")
            ),
            "count": [1, 2, 3],
        }
    )

    write_answer(answer, "csv-excel", tmp_path / "a.csv", plain_console())

    assert (tmp_path / "a.csv").read_bytes().decode("utf-8").splitlines() == [
        '\ufeff"name";"share";"money";"at";"count"',
        '"a;b";"0,25";"1,50";2021-01-20 21:00:00;1',
        '"\'=1+1";"1e-7";;;2',
        '"1,5";;;;3',
    ]
