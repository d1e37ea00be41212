"""An answer as a table on the terminal, or as CSV, JSON or Parquet.

Arrow tables in, text or files out; the command line and the demo call it.
"""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from rich import box
from rich.console import Console

from octane_flows.console import VISIBLE, PlainTable, plain_console
from octane_flows.errors import UsageError
from octane_flows.questions.harmless_texts import harmless_cells
from octane_flows.warehouse.file_replacement import written_aside

CELL_WIDTH = 34  # wide enough for a title, narrow enough for four columns on a small terminal
#: Control characters that JSON may hold as they are, and that a terminal would obey.
_JSON_ESCAPES = {code: f"\\u{code:04x}" for code in range(127, 160)}
FILE_WIDTH = 200  # characters of a line where a table is written into a file
TERMINAL_ROWS = 200  # of a table that somebody reads on a terminal, unless more are wanted


def write_answer(
    answer: pa.Table,
    format: str,
    destination: Path | None,
    console: Console,
    *,
    limit: int | None = None,
) -> None:
    """Write rows as table, csv, csv-raw, csv-excel, json, xlsx or parquet to a file.

    Without a file, to the terminal. In csv and csv-excel, texts that a spreadsheet would run or a
    terminal obey are made harmless. `limit` is how many rows are written; None: all, but
    TERMINAL_ROWS of a table on a terminal.
    """
    with _in_types_of(format):
        _write(answer, format, destination, console, limit)


def answer_bytes(answer: pa.Table, format: str, stream: BinaryIO) -> None:
    """Write rows as csv, csv-raw or json to an open stream. Raises UsageError."""
    with _in_types_of(format):
        _writer_of(format)(answer, stream)


@contextmanager
def _in_types_of(format: str) -> Iterator[None]:
    """Values that only DuckDB can hold end a command with a remedy."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError, UnicodeDecodeError):
        raise UsageError(
            f"The answer has values that {format} cannot hold, such as bits, bytes or dates beyond "
            "the years 1 to 9999; cast their columns to text, as in my_column::text."
        ) from None


def _write(
    answer: pa.Table, format: str, destination: Path | None, console: Console, limit: int | None
) -> None:
    if format == "table":
        _write_table(answer, destination, console, limit)
        return
    total, answer = answer.num_rows, answer if limit is None else answer[:limit]
    if format == "parquet":
        if destination is None:
            raise UsageError("Parquet is not for terminals; add --output FILE.")
        with written_aside(destination) as path:
            pq.write_table(answer, path)
    elif format == "xlsx":
        if destination is None:
            raise UsageError("A workbook is not for terminals; add --output FILE.")
        from octane_flows.questions.excel_sheets import write_workbook

        with written_aside(destination) as path, path.open("wb") as file:
            notes = write_workbook(answer, file)
        for text in notes:
            print(f"note         {text}", file=sys.stderr)
    elif destination is not None:
        with written_aside(destination) as path, path.open("wb") as file:
            _writer_of(format)(answer, file)
    else:
        sys.stdout.flush()
        _writer_of(format)(answer, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    if answer.num_rows < total:
        note = f"note         {total:,} rows, the first {answer.num_rows:,} written"
        print(note, file=sys.stderr)


def _write_table(
    answer: pa.Table, destination: Path | None, console: Console, limit: int | None
) -> None:
    total = answer.num_rows
    if destination is not None:
        with written_aside(destination) as path, path.open("w", encoding="utf-8") as stream:
            file_console = plain_console(file=stream, width=FILE_WIDTH)
            print_answer(file_console, answer[: limit or total], total=total)
        return
    # FORCE_COLOR makes any console a terminal: only the stream says whether somebody reads it
    is_read_here = limit is None and console.file.isatty()
    shown = min(TERMINAL_ROWS, total) if is_read_here else limit or total
    print_answer(console, answer[:shown], total=total)
    if shown < total and is_read_here:
        console.print(
            f"All rows: --limit {total}, a pipe such as | less, or --output FILE.",
            style="dim",
            soft_wrap=True,
        )


def _writer_of(format: str) -> Callable[[pa.Table, BinaryIO], None]:
    writers = {
        "csv": _write_csv, "csv-raw": _write_raw_csv, "csv-excel": _write_csv_for_excel,
        "json": _write_json,
    }  # fmt: skip
    return writers[format]


def _write_csv(answer: pa.Table, stream: BinaryIO) -> None:
    pa_csv.write_csv(harmless_cells(_flat(answer)), stream)


def _write_raw_csv(answer: pa.Table, stream: BinaryIO) -> None:
    pa_csv.write_csv(_flat(answer), stream)


def _write_csv_for_excel(answer: pa.Table, stream: BinaryIO) -> None:
    """As an Excel opens it whose list separator is the semicolon and whose decimals have a comma.

    The mark at the begin says that it is UTF-8; times have whole seconds, which Excel reads.
    """
    table = harmless_cells(_flat(answer))
    columns = [_as_excel_reads(column) for column in table.columns]
    stream.write(codecs.BOM_UTF8)
    options = pa_csv.WriteOptions(delimiter=";")
    pa_csv.write_csv(pa.table(columns, names=table.column_names), stream, options)


def _as_excel_reads(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pc.replace_substring(pc.cast(column, pa.string()), ".", ",")
    if pa.types.is_timestamp(kind):
        return pc.cast(column, pa.timestamp("s", kind.tz), safe=False)
    return column


def _flat(answer: pa.Table) -> pa.Table:
    columns = [_csv_column(column) for column in answer.columns]
    return pa.table(columns, names=answer.column_names)


def _csv_column(column: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """A list or struct is written as JSON, because a cell of CSV holds one value."""
    if not pa.types.is_nested(column.type):
        return column
    texts = [None if value is None else _json_text(value) for value in column.to_pylist()]
    return pa.array(texts, pa.string())


def _write_json(answer: pa.Table, stream: BinaryIO) -> None:
    stream.write(_json_text(answer.to_pylist(), indent=1).encode() + b"\n")


def _json_text(value: Any, *, indent: int | None = None) -> str:
    text = json.dumps(value, default=_json_value, ensure_ascii=False, indent=indent)
    return text.translate(_JSON_ESCAPES)


def _json_value(value: Any) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def print_answer(console: Console, answer: pa.Table, *, total: int | None = None) -> None:
    """Rows as a table, or where it is wider than the terminal, each row as a block of lines.

    A block has every column with its whole text. `total` is as for `print_rows`.
    """
    cells = _cells_by_column(answer)
    if not answer.num_rows or sum(_widths(cells, CELL_WIDTH)) <= console.width:
        print_rows(console, answer, total=total)
        return
    width = max(len(name) for name in cells)
    for index in range(answer.num_rows):
        lines = (
            f"  {name.translate(VISIBLE):<{width}}  {texts[index]}".rstrip()
            for name, texts in cells.items()
        )
        console.print("\n".join((f"row {index + 1:,}", *lines)), soft_wrap=True)
    console.print(_count_of_rows(answer, total), style="dim")


def print_rows(
    console: Console, answer: pa.Table, *, title: str | None = None, total: int | None = None
) -> None:
    """Rows as a table that fits the terminal; columns without room are named below it.

    `total` says how many rows there are when `answer` holds only the first ones. Ids are never cut.
    """
    cells = _cells_by_column(answer)
    names = list(cells)
    longest = None if sum(_widths(cells, None)) <= console.width else CELL_WIDTH
    shown = _columns_that_fit(cells, console.width)
    table = PlainTable(
        box=box.SIMPLE_HEAD,
        title=title and title.translate(VISIBLE),
        title_justify="left",
        pad_edge=False,
    )
    for name in shown:
        is_number = pa.types.is_integer(answer.schema.field(name).type)
        table.add_column(
            name.translate(VISIBLE),
            justify="right" if is_number else "left",
            no_wrap=True,
            overflow="ellipsis",
            max_width=None if _is_id(name) else longest,
        )
    for index in range(answer.num_rows):
        table.add_row(*(cells[name][index] for name in shown))
    console.print(table)
    summary = _count_of_rows(answer, total)
    if len(shown) < len(names):
        summary += f"; more columns: {', '.join(names[len(shown) :])}"
    console.print(summary, style="dim")


def print_meanings(console: Console, rows: pa.Table, *, title: str) -> None:
    """Names and what they mean, as a table whose texts are wrapped and never cut."""
    table = PlainTable(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for name in rows.column_names:
        table.add_column(name, overflow="fold")
    for row in rows.to_pylist():
        table.add_row(*map(_cell, row.values()))
    console.print(table)


def _count_of_rows(answer: pa.Table, total: int | None) -> str:
    count = answer.num_rows if total is None else total
    summary = f"{count:,} {'row' if count == 1 else 'rows'}"
    if count > answer.num_rows:
        summary += f", the first {answer.num_rows:,} shown"
    return summary


def _cells_by_column(answer: pa.Table) -> dict[str, list[str]]:
    rows = answer.to_pylist()
    return {
        name: [_cell(row[name]) for row in rows]
        for name in answer.column_names
        if not _is_one_workspace(name, rows)
    }


def _is_id(name: str) -> bool:
    """Whether a column has ids, which are of no use when they are cut."""
    return name in ("id", "ids") or name.endswith(("_id", "_ids"))


def _widths(cells: dict[str, list[str]], longest: int | None) -> list[int]:
    """Characters that each column needs with its margin, where texts but ids end at `longest`."""
    widths = {name: max(map(len, (name, *texts))) for name, texts in cells.items()}
    return [
        2 + (width if longest is None or _is_id(name) else min(longest, width))
        for name, width in widths.items()
    ]


def _columns_that_fit(cells: dict[str, list[str]], width: int) -> list[str]:
    shown: list[str] = []
    for name, needed in zip(cells, _widths(cells, CELL_WIDTH), strict=True):
        width -= needed
        if width < 0 and shown:
            break
        shown.append(name)
    return shown


def _is_one_workspace(name: str, rows: list[dict[str, Any]]) -> bool:
    return name == "workspace_id" and len({row[name] for row in rows}) == 1 and len(rows[0]) > 1


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, list):
        return ", ".join(_cell(item) for item in value)
    return " ".join(str(value).split()).translate(VISIBLE)
