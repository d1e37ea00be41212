"""Looking back: the warehouse of any kept generation, and every version of an entity."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from octane_flows.errors import UsageError
from octane_flows.lake import Lake
from octane_flows.warehouse import (
    attach_history,
    build,
    connect_as_of,
    history,
    history_named_in,
    load_models,
)
from octane_flows.warehouse.warehouse_as_of import parse_when, past_path
from tests.golden import kit

FIRST = datetime(2021, 1, 20, 21, tzinfo=UTC)
DAY = timedelta(days=1)
# enough for what does not depend on the models: a build of all of them takes about a second
NAMES = ("er.releases", "er.sprints", "check.certificate_adds_up")
FEW = [model for model in load_models() if model.name in NAMES]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Release 5 is renamed, then deleted, then back; defect 1 changes its areas."""
    links = "defect__product_areas"
    release = {"id": "5", "type": "release"}
    generations: list[dict[str, list[dict[str, Any]]]] = [
        {
            "release": [{**release, "name": "2.8"}],
            links: [{"source_id": "1", "target_id": "a"}, {"source_id": "1", "target_id": "b"}],
        },
        {
            "release": [{**release, "name": "2.8 final"}, {**release, "id": "6", "name": "3"}],
            links: [{"source_id": "1", "target_id": "b"}],
        },
        {"release": [{**release, "_deleted": True}], links: [{"source_id": "1", "_deleted": True}]},
        {"release": [{**release, "name": "back"}, {**release, "id": "6", "name": "3"}]},
    ]
    for number, rows in enumerate(generations):
        kit.write_lake(tmp_path, rows, as_of=FIRST + number * DAY)
    return tmp_path


def names(home: Path, when: Any) -> list[str]:
    with connect_as_of(home, when, models=FEW) as connection:
        rows = connection.execute("select release_name from er.releases order by all").fetchall()
    return [row[0] for row in rows]


def test_a_past_generation_answers_as_it_did(home: Path) -> None:
    assert names(home, 1) == ["2.8"]
    assert names(home, "2") == ["2.8 final", "3"]
    assert names(home, "2021-01-22") == ["3"]
    assert names(home, date(2021, 1, 21)) == ["2.8 final", "3"]
    assert names(home, "2021-01-21T20:59:59Z") == ["2.8"]
    assert names(home, datetime(2031, 1, 1)) == ["3", "back"]


def test_a_past_warehouse_is_built_once(home: Path) -> None:
    names(home, 1)
    made = past_path(home, 1).stat().st_mtime_ns
    assert names(home, 1) == ["2.8"]
    assert past_path(home, 1).stat().st_mtime_ns == made


def test_the_current_generation_is_not_built_again(home: Path) -> None:
    build(home, models=FEW)
    assert names(home, 4) == ["3", "back"]
    assert not past_path(home, 4).exists()


@pytest.mark.parametrize("when", [9, "9", "2021-01-19"])
def test_what_is_not_kept_is_told(home: Path, when: Any) -> None:
    kept = r"it keeps 4, from 1 of 2021-01-20 21:00 UTC to 4 of 2021-01-23 21:00 UTC"
    with pytest.raises(UsageError, match=kept):
        connect_as_of(home, when, models=FEW)


def test_a_time_that_is_none_is_told() -> None:
    with pytest.raises(UsageError, match="neither a generation nor a time"):
        parse_when("yesterday")


def rows_of(home: Path, table: str, id: str | None = None) -> list[tuple[Any, ...]]:
    key = ("target_id",) if "__" in table else ("id", "name")
    answer = history(home, table, id).to_pylist()
    first = FIRST.replace(tzinfo=None)
    return [
        (
            *(row[name] for name in key),
            (row["valid_from"] - first).days,
            None if row["valid_to"] is None else (row["valid_to"] - first).days,
            row["is_deleted"],
        )
        for row in answer
    ]


def test_the_history_of_an_entity_has_its_versions(home: Path) -> None:
    assert rows_of(home, "release", "5") == [
        ("5", "2.8", 0, 1, False),
        ("5", "2.8 final", 1, 2, False),
        ("5", None, 2, 3, True),
        ("5", "back", 3, None, False),
    ]


def test_what_was_read_again_unchanged_is_one_version(home: Path) -> None:
    assert rows_of(home, "release", "6") == [("6", "3", 1, None, False)]


def test_link_sets_have_a_history_too(home: Path) -> None:
    assert sorted(rows_of(home, "defect__product_areas", "1"), key=str) == [
        ("a", 0, 1, False),
        ("b", 0, 1, False),
        ("b", 1, 2, False),
        (None, 2, None, True),
    ]


def test_history_can_be_asked_in_sql(home: Path) -> None:
    sql = "select count(*) from octane_history.release where valid_to is null"
    assert history_named_in(sql) == ["release"]
    with connect_as_of(home, 1, models=FEW) as connection:
        attach_history(connection, Lake(home / "lake"), ["release", "task"])
        assert connection.execute(sql).fetchall() == [(2,)]
        assert connection.execute("select count(*) from octane_history.task").fetchall() == [(0,)]


def test_an_unknown_entity_is_told(home: Path) -> None:
    with pytest.raises(UsageError, match="no entity type or link table releases; there are rel"):
        history(home, "releases")
    with pytest.raises(UsageError, match="no version of release 77"):
        history(home, "release", "77")
