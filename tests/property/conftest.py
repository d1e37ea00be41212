"""What property tests share: a warehouse with random histories of test results."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.property.result_histories import open_histories


@pytest.fixture(scope="session")
def histories() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = open_histories()
    yield connection
    connection.close()
