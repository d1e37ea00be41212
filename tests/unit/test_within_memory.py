"""A query that memory does not suffice for is tried once more, with joins as they are written."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from octane_flows.warehouse.duckdb_file import fetch_within_memory

DISABLED = "select current_setting('disabled_optimizers')"


class Short:
    """A connection whose queries run out of memory as often as it is told."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, times: int) -> None:
        self._connection = connection
        self._times = times

    def execute(self, sql: str) -> Any:
        if sql == DISABLED and self._times:
            self._times -= 1
            raise duckdb.OutOfMemoryException("failed to pin block")
        return self._connection.execute(sql)


@pytest.mark.parametrize(("times", "disabled"), [(0, ""), (1, "build_side_probe_side")])
def test_a_second_try_runs_joins_as_they_are_written(times: int, disabled: str) -> None:
    with duckdb.connect() as connection:
        short: Any = Short(connection, times)
        _, rows = fetch_within_memory(short, DISABLED)

        assert rows == [(disabled,)]
        assert connection.execute(DISABLED).fetchall() == [("",)]


def test_there_is_no_third_try() -> None:
    with duckdb.connect() as connection:
        short: Any = Short(connection, 2)
        with pytest.raises(duckdb.OutOfMemoryException):
            fetch_within_memory(short, DISABLED)

        assert connection.execute(DISABLED).fetchall() == [("",)]


def test_names_and_rows_are_given() -> None:
    with duckdb.connect() as connection:
        assert fetch_within_memory(connection, "select 1 as one, null as none") == (
            ["one", "none"],
            [(1, None)],
        )
