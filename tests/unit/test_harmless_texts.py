"""Texts of the server do nothing in a spreadsheet and on a terminal."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import pyarrow as pa
import pytest

from octane_flows.console import plain_console
from octane_flows.questions.answer_formats import print_rows, write_answer
from octane_flows.questions.excel_sheets import write_workbook
from octane_flows.questions.harmless_texts import harmless_cell, harmless_cells

FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\uff1d1",
    "=cmd|'/c'!A1",
)
HARMLESS = ("", "a=1", "1-2", "'=1", "2021-01-01", "[bold]x[/bold]")


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert harmless_cell(text).startswith("'")
    assert harmless_cell(text)[1:] == text.replace("\r", r"\x0d")


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_stay(text: str) -> None:
    assert harmless_cell(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *FORMULAS,
        *HARMLESS,
        *(f"{chr(code)}=1" for code in (*range(1, 33), 0x85, 0xA0, 0x1680, 0x2003, 0x2028, 0x3000)),
        *(f"a{chr(code)}" for code in (*range(1, 32), *range(127, 160), *range(0x2026, 0x2070))),
        "\uff0b1",
        "\uff0d1",
        "\uff201",
        None,
    ],
)
def test_a_column_is_made_harmless_as_each_of_its_cells(text: str | None) -> None:
    (cell,) = harmless_cells(pa.table({"text": pa.array([text], pa.string())}))["text"].to_pylist()

    assert cell == (None if text is None else harmless_cell(text))


def test_csv_is_harmless_and_raw_on_request(tmp_path: Path) -> None:
    texts = [*FORMULAS, "\x1b[2J", None]
    numbers = [-1.5] * len(texts)
    table = pa.table({"text": texts, "-number": numbers, "list": [["=1"]] * len(texts)})
    console = plain_console(file=io.StringIO())
    for format in ("csv", "csv-raw"):
        write_answer(table, format, tmp_path / format, console)

    rows, raw = (
        list(csv.DictReader(io.StringIO((tmp_path / format).read_bytes().decode(), newline="")))
        for format in ("csv", "csv-raw")
    )
    assert all(row["text"].startswith("'") for row in rows[: len(FORMULAS)])
    assert rows[-2]["text"] == r"\x1b[2J"
    assert {row["'-number"] for row in rows} == {"-1.5"}
    assert [row["text"] for row in raw] == ["" if text is None else text for text in texts]


def test_a_terminal_obeys_no_text(tmp_path: Path) -> None:
    table = pa.table({"text": ["a\x1b]0;title\x07\x9b2J\x7f"], "name\x1b[2J": ["b"]})
    stream = io.StringIO()
    print_rows(plain_console(file=stream, width=100), table, title="t\x1b[2J")
    write_answer(table, "json", tmp_path / "json", plain_console(file=stream))

    written = stream.getvalue() + (tmp_path / "json").read_text(encoding="utf-8")
    assert not any(mark in written for mark in "\x1b\x07\x9b\x7f")
    assert json.loads((tmp_path / "json").read_text(encoding="utf-8")) == table.to_pylist()


def test_a_workbook_has_texts_where_cells_look_like_formulas(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    table = pa.table({"text": [*FORMULAS, "{=1}", "x" * 40_000], "list": [["=1"]] * 12})
    with path.open("wb") as stream:
        write_workbook(table, stream)

    with ZipFile(path) as content:
        sheet = ElementTree.fromstring(content.read("xl/worksheets/sheet1.xml"))
        styles = content.read("xl/styles.xml")
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    assert sheet.findall(f".//{space}f") == []
    assert len(sheet.findall(f".//{space}row")) == 13
    assert b'quotePrefix="1"' in styles
