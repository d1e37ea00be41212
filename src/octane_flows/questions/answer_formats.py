"""Answers for people and programs: tables on the terminal, CSV, JSON and Parquet files.

Arrow tables and warehouse connections in, text or files out; only `cli` and `demo` call this.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from octane_flows import warehouse
from octane_flows.console import plain_console
from octane_flows.errors import UsageError
from octane_flows.questions import Metric, list_flows, list_metrics

CELL_WIDTH = 34  # wide enough for a title, narrow enough for four columns on a small terminal


def parse_parameters(pairs: Sequence[str]) -> dict[str, str | None]:
    """`NAME=VALUE` texts as a mapping; the word null stands for no value."""
    parameters: dict[str, str | None] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--param takes NAME=VALUE, such as hours=72; this is {pair!r}.")
        if name in parameters:
            raise UsageError(f"--param {name} is given twice; give it once.")
        parameters[name] = None if value == "null" else value
    return parameters


def write_answer(answer: pa.Table, style: str, destination: Path | None, console: Console) -> None:
    """Write rows in one of the styles table, csv, json, parquet."""
    if style == "parquet":
        if destination is None:
            raise UsageError("Parquet is not for terminals; add --output FILE.")
        pq.write_table(answer, destination)
        return
    if style == "table":
        if destination is None:
            print_rows(console, answer)
            return
        with destination.open("w", encoding="utf-8") as stream:
            print_rows(plain_console(file=stream, width=200), answer)
        return
    if destination is not None:
        with destination.open("wb") as stream:
            _write_text(answer, style, stream)
        return
    sys.stdout.flush()
    _write_text(answer, style, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def _write_text(answer: pa.Table, style: str, stream: Any) -> None:
    if style == "csv":
        flat = pa.table(
            {
                name: _csv_column(column)
                for name, column in zip(answer.column_names, answer.columns, strict=True)
            }
        )
        pa_csv.write_csv(flat, stream)
        return
    text = json.dumps(answer.to_pylist(), default=_json_value, ensure_ascii=False, indent=1)
    stream.write(text.encode() + b"\n")


def _csv_column(column: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if pa.types.is_nested(column.type):
        texts = [
            None if value is None else json.dumps(value, default=_json_value, ensure_ascii=False)
            for value in column.to_pylist()
        ]
        return pa.array(texts, pa.string())
    return column


def _json_value(value: Any) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def print_rows(
    console: Console, answer: pa.Table, *, title: str | None = None, total: int | None = None
) -> None:
    """Rows as a table that fits the terminal; columns without room are named below it.

    `total` says how many rows there are when `answer` holds only the first ones.
    """
    rows = answer.to_pylist()
    names = [name for name in answer.column_names if not _is_one_workspace(name, rows)]
    cells = {name: [_cell(row[name]) for row in rows] for name in names}
    widths = {name: min(CELL_WIDTH, max(map(len, (name, *texts)))) for name, texts in cells.items()}
    shown: list[str] = []
    room = console.width
    for name in names:
        room -= widths[name] + 2
        if room < 0 and shown:
            break
        shown.append(name)
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for name in shown:
        numeric = pa.types.is_integer(answer.schema.field(name).type)
        table.add_column(
            name, justify="right" if numeric else "left", no_wrap=True, overflow="ellipsis",
            max_width=CELL_WIDTH,
        )  # fmt: skip
    for index in range(len(rows)):
        table.add_row(*(cells[name][index] for name in shown))
    console.print(table)
    count = answer.num_rows if total is None else total
    said = f"{count:,} {'row' if count == 1 else 'rows'}"
    if count > answer.num_rows:
        said += f", the first {answer.num_rows} shown"
    if len(shown) < len(names):
        hidden = ", ".join(names[len(shown) :])
        said += f"; more columns: {hidden}"
    console.print(said, style="dim")


def _is_one_workspace(name: str, rows: list[dict[str, Any]]) -> bool:
    return name == "workspace_id" and len({row[name] for row in rows}) == 1 and len(rows[0]) > 1


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, list):
        return ", ".join(_cell(one) for one in value)
    return " ".join(str(value).split())


def print_flows(console: Console, *, as_json: bool) -> None:
    """The catalogue of flows."""
    flows = list_flows()
    if as_json:
        _print_json(
            [{"number": flow.number, "title": flow.title, **_facts(flow)} for flow in flows]
        )
        return
    for flow in flows:
        _print_question(console, flow, f"(flow {flow.number})")


def print_metrics(console: Console, *, as_json: bool) -> None:
    """The catalogue of metrics."""
    metrics = list_metrics()
    if as_json:
        _print_json([_facts(metric) for metric in metrics])
        return
    for metric in metrics:
        _print_question(console, metric, "(metric)")


def _facts(asked: Metric) -> dict[str, Any]:
    return {
        "slug": asked.slug,
        "question": asked.question,
        "grain": asked.grain,
        "parameters": [
            {
                "name": one.name,
                "type": one.type,
                "default": one.default,
                "meaning": one.meaning,
            }
            for one in asked.parameters
        ],
    }


def _print_json(listed: list[dict[str, Any]]) -> None:
    print(json.dumps(listed, indent=1, ensure_ascii=False, default=str))


def _print_question(console: Console, asked: Metric, kind: str) -> None:
    console.print(Text.assemble((asked.slug, "bold"), f"  {kind}"))
    console.print(f"    {asked.question}", soft_wrap=True)
    for one in asked.parameters:
        default = "null" if one.default is None else one.default
        console.print(f"    --param {one.name}={default}  {one.meaning}", soft_wrap=True)


def show_table(
    connection: duckdb.DuckDBPyConnection, name: str, limit: int, console: Console
) -> None:
    """Columns with types and comments, then the first rows."""
    rows = warehouse.table_relation(connection, name)
    schema, _, table = name.partition(".")
    columns: pa.Table = connection.sql(
        "select column_name, data_type, comment from duckdb_columns() "
        "where schema_name = $schema and table_name = $table order by column_index",
        params={"schema": schema, "table": table},
    ).to_arrow_table()
    print_rows(console, columns, title=name)
    print_rows(console, rows.limit(limit).to_arrow_table())
