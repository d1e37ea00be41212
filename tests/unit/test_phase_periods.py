"""`er.phase_periods`: a change is dated where the versions prove it, and bounded where not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from octane_flows.warehouse import build, connect, load_models
from tests.golden import kit
from tests.golden.cases import case_at

GIVEN = case_at("time_in_phase/ordinary").given


@pytest.fixture(scope="module")
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    with kit.open_empty() as connection:
        yield connection


def periods_of(connection: duckdb.DuckDBPyConnection, id: str) -> list[tuple[Any, ...]]:
    return connection.execute(
        "select phase_label, entry_source, entered_after_at, entered_by_at, left_after_at, "
        "left_by_at, was_deleted from er.phase_periods where work_item_id = ? "
        "order by period_number",
        [id],
    ).fetchall()


def test_a_change_is_dated_by_the_next_stamp_and_otherwise_bounded_by_extracts(
    empty: duckdb.DuckDBPyConnection,
) -> None:
    with kit.given_rows(empty, GIVEN):
        periods = periods_of(empty, "11")

    made, opened = datetime(2021, 1, 1, 9), datetime(2021, 1, 3, 9)
    extract_before, fixed = datetime(2021, 1, 11, 12), datetime(2021, 1, 12, 9)
    assert periods == [
        ("New", "created", made, made, opened, opened, False),
        ("Opened", "only_change", opened, opened, extract_before, fixed, False),
        ("Fixed", "between_versions", extract_before, fixed, None, None, False),
    ]


def test_what_was_before_the_first_extract_is_not_invented(
    empty: duckdb.DuckDBPyConnection,
) -> None:
    with kit.given_rows(empty, GIVEN):
        first = periods_of(empty, "12")[0]

    created, seen = datetime(2020, 11, 1, 9), datetime(2020, 12, 20, 9)
    assert first[:4] == ("Opened", "first_version", created, seen)


def test_a_deletion_ends_a_period_at_some_time_after_the_item_was_last_read(
    empty: duckdb.DuckDBPyConnection,
) -> None:
    with kit.given_rows(empty, GIVEN):
        (period,) = periods_of(empty, "13")

    assert period[4:] == (datetime(2021, 1, 1, 12), datetime(2021, 1, 12, 12), True)


def test_a_version_that_keeps_the_phase_begins_no_period(
    empty: duckdb.DuckDBPyConnection,
) -> None:
    with kit.given_rows(empty, GIVEN):
        labels = [period[0] for period in periods_of(empty, "14")]

    assert labels == ["Opened", "Fixed", "Opened"]


def test_the_versions_come_from_the_lake_tombstones_included(tmp_path: Path) -> None:
    names = ("er.metaphases", "er.phases", "er.phase_periods")
    models = [model for model in load_models() if model.name in names]
    story = {"id": "1", "type": "story", "phase_id": "phase.story.new"}
    for rows in (
        [{**story, "version_stamp": 1}],
        [{**story, "phase_id": "phase.story.done"}],
        [{"id": "1", "type": "story", "_deleted": True}],
    ):
        kit.write_lake(tmp_path, {"story": rows})
        build(tmp_path, models=models)

    with connect(tmp_path) as connection:
        versions = connection.execute(
            "select _generation, _deleted, phase_id, version_stamp from past.work_item_phases "
            "order by _generation"
        ).fetchall()
        sources = connection.execute("select entry_source from er.phase_periods").fetchall()
    assert versions == [
        (1, False, "phase.story.new", 1),
        (2, False, "phase.story.done", None),
        (3, True, None, None),
    ]
    assert sources == [("first_version",), ("between_versions",)]
