"""Moments of a comparison that are none: one sentence whose remedy helps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from octane_flows.changes.since_choice import ChangePeriod, chosen_moments
from octane_flows.errors import UsageError
from octane_flows.lake import Lake


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema meta")
        connection.execute(
            "create table meta.generation as select timestamp '2021-01-20 21:00' as as_of"
        )
        yield connection


def chosen(
    connection: duckdb.DuckDBPyConnection, home: Path, since: str, until: str | None = None
) -> ChangePeriod:
    zone = ZoneInfo("America/New_York")
    return chosen_moments(connection, Lake(home), home, zone, since, until)


@pytest.mark.parametrize("since", ["", "20 Jan 2021", "2021-13-01", "tomorrow", "9999-12-31",
                                   "0001-01-01T00:00+14:00", "generation x"])  # fmt: skip
def test_no_moment_is_told_with_all_choices(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, since: str
) -> None:
    with pytest.raises(UsageError, match=r"is no moment.*; write yesterday, generation N"):
        chosen(connection, tmp_path, since)


def test_a_generation_without_a_number_is_told_so(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="'generation x' is no moment, as a generation has a num"):
        chosen(connection, tmp_path, "generation x")
    with pytest.raises(UsageError, match=r"is no moment \(did you mean yesterday\?\)"):
        chosen(connection, tmp_path, "yestreday")


@pytest.mark.parametrize("until", ["yesterday", "release", "last-report", "9999-12-31"])
def test_until_names_only_what_it_takes(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, until: str
) -> None:
    with pytest.raises(UsageError, match="is no moment; write generation N, a date") as caught:
        chosen(connection, tmp_path, "yesterday", until)

    assert "yesterday" not in str(caught.value).partition("write")[2]
    period = chosen(connection, tmp_path, "2021-01-18", "2021-01-19")
    assert (str(period.since), str(period.until)) == (
        "2021-01-19 04:59:59.999999",
        "2021-01-20 04:59:59.999999",
    )
