"""Rows of an answer as JSON for an agent: bounded in rows and characters, and each bound is told.

DuckDB relations and Arrow tables in, records of JSON values out; `agent_tools` calls it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

import duckdb
import pyarrow as pa

from octane_flows.errors import UsageError

MOST_COUNTED = 1_000_000  # rows that are counted behind those that are shown
MOST_CHARACTERS = 100_000  # of the rows of an answer: some 30,000 tokens
MOST_TEXT = 4_000  # characters of one text; descriptions and logs are longer
MOST_BYTES = 64 << 20  # of the rows that are kept before they become JSON
EXACT = 2**53  # programs in JavaScript read larger numbers inexactly
COMMAND = "octane-flows "  # in a sentence that asks for a command
_ADD_PARAMETER = re.compile(r"add --param (\w+)=(?:\.\.\.|\w+)")
_HELP_OF_PLAN = re.compile(r"octane-flows plan (\w+) --help")

Record = dict[str, Any]


@dataclass
class FirstRows:
    """Reads the first rows of a relation and counts the others, up to MOST_COUNTED."""

    limit: int
    row_count: int = 0
    is_counted: bool = True
    _batches: list[pa.RecordBatch] = field(default_factory=list)

    def __call__(self, relation: duckdb.DuckDBPyRelation) -> pa.Table:
        """The first rows. Raises UsageError where they are too large."""
        size = 0
        with relation.to_arrow_reader() as reader:
            for batch in reader:
                missing = self.limit - self.row_count
                self.row_count += batch.num_rows
                if missing > 0:
                    kept = batch.slice(0, missing)
                    size += kept.nbytes
                    self._batches.append(kept)
                if size > MOST_BYTES:
                    raise UsageError(
                        f"The first {self.limit:,} rows have more than {MOST_BYTES >> 20} MB; ask "
                        "for fewer rows, or name fewer columns."
                    )
                if self.row_count > MOST_COUNTED:
                    self.is_counted = False
                    break
            return pa.Table.from_batches(self._batches, reader.schema)


def records_of(table: pa.Table) -> list[Record]:
    """The rows of an Arrow table as values of Python. Raises UsageError."""
    try:
        records: list[Record] = table.to_pylist()
    except (pa.ArrowException, ValueError, OverflowError, NotImplementedError) as error:
        raise UsageError(
            "The answer has values that JSON cannot hold, such as dates beyond the years 1 to "
            "9999; cast their columns to text, as in my_column::text."
        ) from error
    return records


def rows_of(
    records: Sequence[Record], row_count: int | None = None, *, is_counted: bool = True
) -> Record:
    """The part of an answer that has its rows: as many as fit, and what was left out.

    `row_count` is that of the whole answer; None: `records` are all.
    """
    total = len(records) if row_count is None else row_count
    rows, cut = _that_fit(records)
    notes = []
    if len(rows) < total:
        more = "" if is_counted else "more than "
        notes.append(
            f"{len(rows):,} of {more}{total:,} rows are shown; ask with conditions, fewer "
            "columns or a higher limit, or let query count and sum."
        )
    if cut:
        notes.append(
            f"{cut:,} texts are cut at {MOST_TEXT:,} characters; query with substring() reads on."
        )
    return {
        "row_count": total,
        "is_row_count_exact": is_counted,
        "is_truncated": bool(notes),
        "notes": notes,
        "rows": rows,
    }


def _that_fit(records: Sequence[Record]) -> tuple[list[Record], int]:
    """The first records within MOST_CHARACTERS, at least one, and how many texts were cut."""
    rows: list[Record] = []
    size = cut = 0
    for record in records:
        values = {name: json_value(value) for name, value in record.items()}
        shown = {name: _short(value) for name, value in values.items()}
        size += len(json.dumps(shown, ensure_ascii=False))
        if rows and size > MOST_CHARACTERS:
            break
        cut += sum(shown[name] is not values[name] for name in values)
        rows.append(shown)
    return rows, cut


def _short(value: Any) -> Any:
    """A text as it is shown; a list or struct that is too long becomes the begin of its JSON."""
    if isinstance(value, str):
        return value if len(value) <= MOST_TEXT else f"{value[:MOST_TEXT]} ..."
    if isinstance(value, list | dict):
        text = json.dumps(value, ensure_ascii=False)
        return value if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]} ..."
    return value


def json_value(value: Any) -> Any:
    """A value of Arrow as JSON has it: times in UTC with a Z, what JSON lacks as text."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if abs(value) <= EXACT else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime():
            return utc_text(value)
        case date() | time():
            return value.isoformat()
        case list() | tuple():
            return [json_value(item) for item in value]
        case Mapping():
            return {str(name): json_value(item) for name, item in value.items()}
    return str(value)


def utc_text(moment: datetime) -> str:
    """A time of the warehouse, which is UTC without saying so."""
    return f"{moment.replace(tzinfo=None).isoformat()}Z"


def for_agents(sentence: str) -> str:
    """A sentence that was written for the command line, as it helps an agent.

    Parameters are arguments of a tool here. Commands are for a person: no tool runs them.
    """
    text = _ADD_PARAMETER.sub(r"give the parameter \1", sentence)
    text = _HELP_OF_PLAN.sub(r"describe plan.\1", text)
    if COMMAND in text or "OCTANE_" in text:
        text += " No tool does that: tell the person who keeps this warehouse."
    return text
