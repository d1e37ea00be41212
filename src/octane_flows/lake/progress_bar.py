"""DuckDB's progress bar, which has no place in logs of schedulers or in printed answers.

A connection comes in; `warehouse` and `lake` call it for each that they open.
"""

from __future__ import annotations

from contextlib import suppress

import duckdb

__all__ = ["hide_progress_bar"]


def hide_progress_bar(connection: duckdb.DuckDBPyConnection) -> None:
    """Show no bar where a query takes long.

    In Jupyter without ipywidgets DuckDB has no bar, and refuses to switch it off.
    """
    with suppress(duckdb.InvalidInputException):
        connection.execute("set enable_progress_bar = false")
