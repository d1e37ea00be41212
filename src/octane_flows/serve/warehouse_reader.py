"""A read-only connection to one warehouse file, for one request at a time.

The path of a file in, a `WarehouseReader` out; `served_generations` opens them. It can read the
warehouse and no other file, and write nothing, whatever SQL it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

import duckdb

from octane_flows.models.sql_text import literal
from octane_flows.warehouse.duckdb_file import CONFIG
from octane_flows.warehouse.free_sql import RESTRICTIONS

THREADS: Final = 2
Parameters = Mapping[str, object]


class WarehouseReader:
    """A database of its own in memory that reads the file; nothing is shared with other readers.

    DuckDB would give a second connection to the same path the content of the first, even after the
    file was replaced. Raises duckdb.Error.
    """

    def __init__(self, path: Path, memory_mb: int) -> None:
        config = {
            **CONFIG,
            "threads": THREADS,
            "memory_limit": f"{memory_mb}MB",
            "temp_directory": "",  # a request that needs more memory is refused; no file is written
        }
        self._main = duckdb.connect(":memory:", config=config)
        self._cursor: duckdb.DuckDBPyConnection | None = None
        try:
            self._main.execute("set timezone = 'UTC'")
            self._main.execute("set enable_progress_bar = false")
            self._main.execute(f"attach {literal(str(path))} as warehouse (read_only)")
            self._main.execute("use warehouse")
            for statement in RESTRICTIONS:
                self._main.execute(statement)
        except duckdb.Error:
            self._main.close()
            raise

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """This reader for functions that take a connection; its cursors read the warehouse too."""
        return cast(duckdb.DuckDBPyConnection, self)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor, which `interrupt` ends like the reader itself."""
        self._cursor = self._main.cursor()
        self._cursor.execute("use warehouse")  # a new cursor reads the database in memory
        return self._cursor

    def execute(
        self, sql: str, parameters: Parameters | list[object] | None = None
    ) -> duckdb.DuckDBPyConnection:
        """Run one statement."""
        return self._main.execute(sql, parameters)

    def sql(self, sql: str, *, params: Parameters | None = None) -> duckdb.DuckDBPyRelation:
        """The rows of one select, as a relation."""
        return self._main.sql(sql, params=params)

    def interrupt(self) -> None:
        """End what runs."""
        for connection in (self._main, self._cursor):
            if connection is not None:
                with suppress(duckdb.Error):  # a cursor that is closed runs nothing
                    connection.interrupt()

    def works(self) -> bool:
        """Whether it can serve another request: after a fault of DuckDB itself it cannot."""
        try:
            self._main.execute("select 1").fetchall()
        except duckdb.Error:
            return False
        return True

    def close(self) -> None:
        """Let go of the file."""
        self._main.close()
