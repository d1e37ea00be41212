"""Rows of a relation within the limits of one request: time, rows and bytes.

A relation in, an Arrow table or rows as JSON texts out, or a `RefusalError` that says which limit
was met; `question_answers` and `odata_answers` call it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa

from octane_flows.models.sql_text import quoted
from octane_flows.serve.refused_requests import RefusalError, wrong_request
from octane_flows.serve.warehouse_reader import WarehouseReader
from octane_flows.warehouse.duckdb_file import first_line

MAX_BYTES: Final = 512 << 20  # of one answer, which lies in memory until the client has read it
AGAIN_S: Final = 0.05  # an interrupt between two statements is lost, so it is repeated
TIME: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


class Deadline:
    """The end of a request's time; `now` brings it forward when the client has gone."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._is_due = threading.Event()
        self._is_finished = threading.Event()

    def now(self) -> None:
        """End the work at once."""
        self._is_due.set()

    @contextmanager
    def interrupting(self, reader: WarehouseReader) -> Iterator[None]:
        """Interrupt what the reader runs when the time is over."""

        def watch() -> None:
            self._is_due.wait(self.seconds)
            while not self._is_finished.is_set():
                reader.interrupt()
                self._is_finished.wait(AGAIN_S)

        watcher = threading.Thread(target=watch, name="deadline", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            self._is_finished.set()
            self._is_due.set()
            watcher.join()


@dataclass(frozen=True)
class Limits:
    """What one answer may have and take."""

    seconds: float
    rows: int
    memory_mb: int


@contextmanager
def refusals_of_duckdb(limits: Limits, subject: str) -> Iterator[None]:
    """DuckDB's errors as refusals; `subject` begins the sentence, as in `The flow x`."""
    try:
        yield
    except duckdb.Error as error:
        raise _refusal(str(error), first_line(error), limits, subject) from error
    except (OSError, pa.ArrowException) as error:  # so Arrow passes on DuckDB's errors
        raise _refusal(str(error), first_line(error), limits, subject) from error


def _refusal(text: str, first: str, limits: Limits, subject: str) -> RefusalError:
    if "INTERRUPT" in text:
        return RefusalError(
            504,
            f"{subject} did not end within {limits.seconds:g} seconds; ask for less with a filter "
            "or parameters, or have OCTANE_SERVE_SECONDS raised.",
        )
    if "Out of Memory" in text:
        return RefusalError(
            413,
            f"{subject} needs more than the {limits.memory_mb:,} MB that a request may use; ask "
            "for less with a filter or parameters, or have OCTANE_SERVE_MEMORY raised.",
        )
    return wrong_request(
        f"{subject} could not be run ({first}); correct the values of parameters and filters."
    )


def bounded_table(relation: duckdb.DuckDBPyRelation, limits: Limits, subject: str) -> pa.Table:
    """All rows of a relation. Raises RefusalError (413) when they are too many."""
    batches: list[pa.RecordBatch] = []
    rows = size = 0
    with refusals_of_duckdb(limits, subject), relation.to_arrow_reader() as reader:
        for batch in reader:
            rows, size = rows + batch.num_rows, size + batch.nbytes
            if rows > limits.rows or size > MAX_BYTES:
                most = f"{limits.rows:,} rows" if rows > limits.rows else f"{MAX_BYTES >> 20:,} MB"
                raise RefusalError(
                    413,
                    f"{subject} has more than the {most} that one answer may have; ask for less "
                    "with parameters, or read it over OData, which gives pages.",
                )
            batches.append(batch)
        return pa.Table.from_batches(batches, reader.schema)


def json_rows(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """A relation of one text column: each row as a JSON object. DuckDB writes it, not Python."""
    fields = ", ".join(
        f"{quoted(name)} := {_json_value(name, str(kind))}"
        for name, kind in zip(relation.columns, relation.types, strict=True)
    )
    return relation.project(f"cast(to_json(struct_pack({fields})) as varchar) as row")


def joined_rows(rows: pa.Table) -> bytes:
    """The rows of `json_rows` as the inside of a JSON list."""
    return ",\n".join(rows["row"].to_pylist()).encode()


def _json_value(name: str, kind: str) -> str:
    column = quoted(name)
    if kind.startswith("TIMESTAMP"):
        return f"strftime({column}, '{TIME}')"
    if kind == "JSON":  # a text that happens to be JSON stays a text
        return f"cast({column} as varchar)"
    if kind in ("DOUBLE", "FLOAT"):  # JSON has no infinite number
        return f"case when isfinite({column}) then {column} end"
    return column
