"""Extracts after the first: only changed rows are read, and none is lost or invented."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from octane_flows.errors import UsageError
from octane_simulator import Simulator
from tests.small import START, SmallTransport, run_extract, stored_links, stored_rows
from tests.small_defects import DEFECTS, certificate, data_files, ids_of
from tests.wsgi import WsgiTransport


def test_a_refresh_without_changes_costs_one_request_a_type_and_writes_nothing(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path)
    before = data_files(tmp_path)
    simulator.clock.advance(60)
    transport = SmallTransport(simulator)

    report = run_extract(simulator, tmp_path, transport)

    assert not report.has_changes
    assert data_files(tmp_path) == before
    counts = [
        sum(f"/{collection}?" in target for target in transport.targets)
        for collection in ("defects", "stories")
    ]
    assert sorted(counts) == [1, 2]  # one more where the lake's newest row is asked for
    assert certificate(report).rows_held == DEFECTS


def lake_bytes(home: Path) -> int:
    return sum(path.stat().st_size for path in (home / "lake").rglob("*") if path.is_file())


def test_a_refresh_of_all_entity_types_without_changes_writes_less_than_1_kb_of_each(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path, WsgiTransport(simulator), page_size=1000, only=())
    simulator.clock.advance(3600)
    before = lake_bytes(tmp_path)

    report = run_extract(simulator, tmp_path, WsgiTransport(simulator), page_size=1000, only=())

    assert len(report.outcomes) > 50
    assert not report.has_changes
    written = lake_bytes(tmp_path) - before
    assert written < 1_000 * len(report.outcomes), (written, len(report.outcomes))


def test_only_the_changed_row_is_read(simulator: Simulator, tmp_path: Path) -> None:
    run_extract(simulator, tmp_path)
    simulator.clock.advance(3600)
    changed = ids_of(simulator)[4]
    simulator.store.update("defect", changed, {"name": "changed"})

    report = run_extract(simulator, tmp_path)

    assert (report.rows, report.rows_written) == (1, 1)
    assert stored_rows(tmp_path, "defect", "name")[changed] == ("changed",)


def test_a_row_committed_late_arrives(simulator: Simulator, tmp_path: Path) -> None:
    run_extract(simulator, tmp_path)
    late = (simulator.clock.now() - timedelta(minutes=21)).strftime("%Y-%m-%dT%H:%M:%SZ")
    id = simulator.store.insert("defect", {"name": "late", "last_modified": late})

    run_extract(simulator, tmp_path)

    assert id in stored_rows(tmp_path, "defect")


def test_the_cursor_is_the_time_of_the_server_minus_settle(
    simulator: Simulator, tmp_path: Path
) -> None:
    report = run_extract(simulator, tmp_path, settle=timedelta(minutes=3))

    assert certificate(report).cursor == simulator.clock.now() - timedelta(minutes=3)
    assert certificate(report).lag_s == 180


def test_an_emptied_link_set_is_empty(simulator: Simulator, tmp_path: Path) -> None:
    run_extract(simulator, tmp_path)
    first, second, *_ = ids_of(simulator)
    simulator.store.update("defect", first, {"user_tags": []})

    run_extract(simulator, tmp_path)

    assert set(stored_links(tmp_path, "defect", "user_tags")) == {second}


def test_older_rows_are_loaded_in_slices(simulator: Simulator, tmp_path: Path) -> None:
    old = START - timedelta(days=400)
    for number in range(4):
        moment = (old + timedelta(days=100 * number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        simulator.store.insert("defect", {"name": "old", "last_modified": moment})

    report = run_extract(simulator, tmp_path, since=START - timedelta(days=150))
    assert len(stored_rows(tmp_path, "defect")) == DEFECTS + 1
    assert "stored in part" in certificate(report).note
    assert not run_extract(simulator, tmp_path, census=True).has_changes

    report = run_extract(simulator, tmp_path, since=START - timedelta(days=900))
    assert len(stored_rows(tmp_path, "defect")) == DEFECTS + 4
    assert certificate(report).rows_held == DEFECTS + 4


def test_an_older_slice_needs_a_newest_one(simulator: Simulator, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--until has nothing to join"):
        run_extract(simulator, tmp_path, since=START - timedelta(days=9), until=START)
