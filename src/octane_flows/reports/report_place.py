"""Which warehouse a report is about, and under which name it lies in the data folder.

A data folder, and perhaps an opened warehouse of the past, in; the page and the exports call it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from octane_flows import warehouse


@contextmanager
def report_source(
    home: Path, past: duckdb.DuckDBPyConnection | None
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """The warehouse, and what is added to names: the moment of a past one, so that its report
    does not take the place of the current one.
    """
    if past is not None:
        as_of = past.execute("select as_of from meta.generation").fetchall()[0][0]
        yield past, f"-{as_of:%Y%m%dT%H%M%S}"
        return
    with warehouse.connect(home) as connection:
        yield connection, ""
